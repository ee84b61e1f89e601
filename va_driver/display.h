// Display: everything behind one VADisplay. Displays share nothing but the core.
#ifndef DAEDALUS_VA_DRIVER_DISPLAY_H_
#define DAEDALUS_VA_DRIVER_DISPLAY_H_

#include <va/va_backend.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "decode_core/core.h"
#include "va_driver/object_table.h"
#include "va_driver/storage_pool.h"

namespace daedalus::va {

struct Config;
class Context;
struct Surface;
struct Buffer;
struct Image;

// Thread-safe. Its mutex guards the tables and nothing else, and no other lock is taken under it;
// an object that was looked up lives on while it is used, also when another thread destroys its id.
class Display {
 public:
  explicit Display(std::shared_ptr<core::Core> core);
  // Waits for pictures under way, then frees what the client left.
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  const std::shared_ptr<core::Core>& core() const { return core_; }
  StoragePool& storage() { return *storage_; }
  // "Daedalus 0.1 (software)", with the engine where one is asked for; lives as long as the
  // display.
  const std::string& vendor() const { return vendor_; }

  // Null if `id` names none.
  template <typename Object>
  std::shared_ptr<Object> find(uint32_t id) {
    std::lock_guard lock(mutex_);
    return table<Object>().find(id);
  }
  // All of them, or empty if one names none.
  template <typename Object>
  std::vector<std::shared_ptr<Object>> find_all(std::span<const uint32_t> ids) {
    std::vector<std::shared_ptr<Object>> objects;
    objects.reserve(ids.size());
    std::lock_guard lock(mutex_);
    for (uint32_t id : ids) {
      std::shared_ptr<Object> object = table<Object>().find(id);
      if (!object) return {};
      objects.push_back(std::move(object));
    }
    return objects;
  }
  template <typename Object>
  std::optional<uint32_t> insert(std::shared_ptr<Object> object) {
    std::lock_guard lock(mutex_);
    return table<Object>().insert(std::move(object));
  }
  // The same; tells `note` the id before anybody else can find the object.
  template <typename Object, typename Note>
  std::optional<uint32_t> insert_with_id(std::shared_ptr<Object> object, Note note) {
    std::lock_guard lock(mutex_);
    const std::optional<uint32_t> id = table<Object>().insert(std::move(object));
    if (id) note(*id);
    return id;
  }
  template <typename Object>
  std::shared_ptr<Object> remove(uint32_t id) {
    std::lock_guard lock(mutex_);
    return table<Object>().remove(id);
  }

  // Is surface memory cached by the CPU, as vaDeriveImage needs it? Found out at the first call,
  // without making any surface's memory permanent.
  bool surface_memory_is_cached();

 private:
  template <typename Object>
  ObjectTable<Object>& table() {
    return std::get<ObjectTable<Object>>(tables_);
  }

  const std::shared_ptr<core::Core> core_;
  const std::shared_ptr<StoragePool> storage_;
  const std::string vendor_;
  std::once_flag memory_probed_;
  bool memory_is_cached_ = false;
  std::mutex mutex_;
  std::tuple<ObjectTable<Config>, ObjectTable<Context>, ObjectTable<Surface>, ObjectTable<Buffer>,
             ObjectTable<Image>>
      tables_;
};

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_DISPLAY_H_
