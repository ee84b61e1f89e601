// StoragePool: the memory of VA buffers and images, recycled. Clients make and destroy several
// buffers a picture and, in ffmpeg's case, an image a frame.
#ifndef DAEDALUS_VA_DRIVER_STORAGE_POOL_H_
#define DAEDALUS_VA_DRIVER_STORAGE_POOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace daedalus::va {

class StoragePool;

// Uninitialised bytes that return to their pool; the pool lives as long as any of them.
class Storage {
 public:
  Storage() = default;
  Storage(std::shared_ptr<StoragePool> pool, std::unique_ptr<uint8_t[]> bytes, size_t capacity);
  Storage(Storage&& other) noexcept = default;
  Storage& operator=(Storage&& other) noexcept;
  ~Storage();

  uint8_t* data() const { return bytes_.get(); }

 private:
  void give_back();

  std::shared_ptr<StoragePool> pool_;
  std::unique_ptr<uint8_t[]> bytes_;
  size_t capacity_ = 0;
};

// Thread-safe.
class StoragePool : public std::enable_shared_from_this<StoragePool> {
 public:
  // Throws std::bad_alloc.
  Storage allocate(size_t size);

  // Most bytes kept for later.
  static constexpr size_t kMaxIdle = size_t{64} << 20;

 private:
  friend class Storage;
  void put_back(std::unique_ptr<uint8_t[]> bytes, size_t capacity);

  std::mutex mutex_;
  std::array<std::vector<std::unique_ptr<uint8_t[]>>, 64> idle_;  // by log2 of the capacity
  size_t idle_bytes_ = 0;
};

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_STORAGE_POOL_H_
