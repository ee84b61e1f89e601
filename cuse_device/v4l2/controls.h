// Controls: their descriptions, their values, and the rules of the control ioctls (as the kernel's
// v4l2-ctrls does).
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_CONTROLS_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_CONTROLS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "cuse_device/v4l2/client.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// One control. Points to constants that live as long as the program.
struct ControlInfo {
  uint32_t id = 0;
  uint32_t type = V4L2_CTRL_TYPE_INTEGER;  // enum v4l2_ctrl_type
  const char* name = "";
  int64_t minimum = 0;
  int64_t maximum = 0;
  uint64_t step = 1;
  int64_t default_value = 0;
  uint32_t flags = 0;                     // V4L2_CTRL_FLAG_…
  std::span<const char* const> menu;      // V4L2_CTRL_TYPE_MENU: [minimum, maximum] index it
  std::span<const int64_t> integer_menu;  // V4L2_CTRL_TYPE_INTEGER_MENU, likewise
  uint64_t skipped_items = 0;             // bit i: menu item i does not exist here
  // Compound types: the size of one element, the array's dimensions (0 ends them; of
  // V4L2_CTRL_FLAG_DYNAMIC_ARRAY the one dimension is the most), the element that every value
  // starts as (empty: zeros) and what refuses a value that is out of bounds, with the errno that
  // the kernel gives (it may also put reserved fields to 0).
  uint32_t element_size = 0;
  std::array<uint32_t, V4L2_CTRL_MAX_DIMS> dimensions{};
  std::span<const std::byte> default_element;
  int (*validate)(std::span<std::byte> element) = nullptr;

  bool compound() const { return type >= V4L2_CTRL_COMPOUND_TYPES; }
  bool dynamic() const { return (flags & V4L2_CTRL_FLAG_DYNAMIC_ARRAY) != 0; }
  // Of a dynamic array the largest value's.
  uint32_t elements() const;
  size_t payload_size() const;  // bytes of a value; 4 or 8 for simple types
};

// Values of some controls: those of an open file, or those of a request. Simple values are kept in
// 4 bytes (8 for INTEGER64).
class ControlValues {
 public:
  bool contains(uint32_t id) const { return payloads_.count(id) != 0; }
  // Empty where there is none.
  std::span<const std::byte> payload(uint32_t id) const;
  // Of a simple control; 0 where there is none.
  int64_t integer(uint32_t id) const;
  void set(uint32_t id, std::span<const std::byte> payload);
  void set_integer(const ControlInfo& info, int64_t value);
  std::vector<uint32_t> ids() const;
  // Takes over every value of `others`.
  void merge(const ControlValues& others);
  void clear() { payloads_.clear(); }

  // A compound control's structure; zeros where there is none.
  template <typename T>
  T structure(uint32_t id) const {
    T value{};
    const auto bytes = payload(id);
    if (bytes.size() >= sizeof value) __builtin_memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

 private:
  std::map<uint32_t, std::vector<std::byte>> payloads_;
};

// The controls of one open file. Not thread-safe: the file's lock guards it. The ioctls return 0 or
// a positive errno.
class ControlHandler {
 public:
  // `changed(info, flags, value)`: a V4L2_EVENT_CTRL is due; flags are V4L2_EVENT_CTRL_CH_…; by
  // whom: true for the file's own ioctl.
  using Changed = std::function<void(const ControlInfo& info, uint32_t changes, bool by_client)>;
  explicit ControlHandler(Changed changed = nullptr) : changed_(std::move(changed)) {}

  // Adds the control with its default value, and its class (V4L2_CTRL_TYPE_CTRL_CLASS) with it.
  void add(const ControlInfo& info);
  const ControlInfo* find(uint32_t id) const;

  int query(v4l2_queryctrl& query) const;
  int query_ext(v4l2_query_ext_ctrl& query) const;
  int query_menu(v4l2_querymenu& query) const;
  int get(v4l2_control& control) const;
  int set(v4l2_control& control);

  // G/S/TRY_EXT_CTRLS. Copies the array `controls.controls` in and out (also on errors, as
  // video_usercopy does for these). With `request`, S_EXT_CTRLS changes that set of values and
  // nothing else, and G_EXT_CTRLS reads it, the file's values filling in what it lacks. The caller
  // has turned V4L2_CTRL_WHICH_REQUEST_VAL into `request`; it is EINVAL without.
  int get_ext(v4l2_ext_controls& controls, Client& client, const ControlValues* request = nullptr);
  int set_ext(v4l2_ext_controls& controls, Client& client, ControlValues* request = nullptr);
  int try_ext(v4l2_ext_controls& controls, Client& client);

  // The device's side.
  const ControlValues& values() const { return values_; }
  void set_by_device(uint32_t id, int64_t value);
  // Whether a client has set it, by itself or in a request that was carried out.
  bool was_set(uint32_t id) const { return set_.count(id) != 0; }
  // A request's values become current when it is carried out (as v4l2_ctrl_request_setup does).
  void apply(const ControlValues& request);
  // The payload of V4L2_EVENT_CTRL.
  void describe(const ControlInfo& info, uint32_t changes, v4l2_event_ctrl* event) const;

 private:
  enum class Operation { kGet, kSet, kTry };
  struct Item;
  int common(Operation operation, v4l2_ext_controls& controls, Client& client,
             ControlValues* request);
  int class_check(uint32_t which) const;
  int prepare(Operation operation, v4l2_ext_controls& controls, std::span<Item> items,
              Client& client, const ControlValues* request) const;
  int read_values(v4l2_ext_controls& controls, std::span<Item> items, Client& client,
                  const ControlValues* request) const;
  int write_values(Operation operation, v4l2_ext_controls& controls, std::span<Item> items,
                   Client& client, ControlValues* request);
  const ControlInfo* find_for_query(uint32_t id) const;
  int store(const ControlInfo& info, std::span<const std::byte> payload);

  std::map<uint32_t, ControlInfo> controls_;
  ControlValues values_;
  std::set<uint32_t> set_;
  Changed changed_;
};

// Brings a value of a simple control into its range as v4l2-ctrls does (rounding integers, EINVAL
// or ERANGE for menus). 0 or a positive errno.
int validate_integer(const ControlInfo& info, int64_t* value);
// The value that a control starts with; a dynamic array of that many elements.
std::vector<std::byte> default_payload(const ControlInfo& info, uint32_t dynamic_elements = 1);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_CONTROLS_H_
