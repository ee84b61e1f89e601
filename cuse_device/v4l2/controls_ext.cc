// G/S/TRY_EXT_CTRLS, in the order of checks of the kernel's v4l2-ctrls-api.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cuse_device/v4l2/controls.h"

namespace daedalus::v4l2 {
namespace {

constexpr uint32_t kMaxControlsPerCall = 1024;  // V4L2_CID_MAX_CTRLS
// Of one call's payloads together, in bytes: more than any transport carries in one.
constexpr size_t kMaxPayload = 256 << 10;

uint64_t address_of(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

// What v4l_{g,s,try}_ext_ctrls check before they look for the controls.
bool arguments_allowed(bool get, v4l2_ext_controls& controls, std::span<v4l2_ext_control> array,
                       bool try_only) {
  controls.reserved[0] = 0;
  for (v4l2_ext_control& control : array) control.reserved2[0] = 0;
  switch (controls.which) {
    case V4L2_CTRL_WHICH_DEF_VAL:
      return get;
    case V4L2_CTRL_WHICH_CUR_VAL:
    case V4L2_CTRL_WHICH_REQUEST_VAL:
      return true;
    case V4L2_CID_PRIVATE_BASE:
      return false;
    default:
      break;
  }
  for (size_t i = 0; i < array.size(); ++i) {
    if (V4L2_CTRL_ID2WHICH(array[i].id) == controls.which) continue;
    controls.error_idx = try_only ? static_cast<uint32_t>(i) : controls.count;
    return false;
  }
  return true;
}

int64_t integer_of(const ControlInfo& info, const v4l2_ext_control& control) {
  return info.type == V4L2_CTRL_TYPE_INTEGER64 ? control.value64 : control.value;
}

// How many of the client's bytes a compound control takes, into `size`; the errno where the client
// has too few or too many (prepare_ext_ctrls). `current`: bytes of the value as it is.
int fit_payload(const ControlInfo& info, bool get, size_t current, uint32_t* size) {
  const auto most = static_cast<uint32_t>(info.payload_size());
  const uint32_t given = *size;
  if (!info.dynamic()) {
    *size = most;
    return given >= most ? 0 : get ? ENOSPC : EFAULT;
  }
  *size = given / info.element_size * info.element_size;
  if (get) {
    const bool fits = *size >= current;
    *size = static_cast<uint32_t>(current);
    return fits ? 0 : ENOSPC;
  }
  if (*size > most) {
    *size = most;
    return ENOSPC;
  }
  return *size != 0 ? 0 : EFAULT;
}

void set_integer(const ControlInfo& info, int64_t value, v4l2_ext_control* control) {
  if (info.type == V4L2_CTRL_TYPE_INTEGER64) {
    control->value64 = value;
  } else {
    control->value = static_cast<int32_t>(value);
  }
}

}  // namespace

struct ControlHandler::Item {
  v4l2_ext_control control;
  const ControlInfo* info;
  std::vector<std::byte> payload;  // compound controls: the client's bytes
};

int ControlHandler::get_ext(v4l2_ext_controls& controls, Client& client,
                            const ControlValues* request) {
  // Reading changes no values.
  return common(Operation::kGet, controls, client, const_cast<ControlValues*>(request));
}

int ControlHandler::set_ext(v4l2_ext_controls& controls, Client& client, ControlValues* request) {
  return common(Operation::kSet, controls, client, request);
}

int ControlHandler::try_ext(v4l2_ext_controls& controls, Client& client) {
  return common(Operation::kTry, controls, client, nullptr);
}

int ControlHandler::class_check(uint32_t which) const {
  if (which == V4L2_CTRL_WHICH_CUR_VAL || which == V4L2_CTRL_WHICH_DEF_VAL ||
      which == V4L2_CTRL_WHICH_REQUEST_VAL) {
    return 0;
  }
  return find(which | 1) != nullptr ? 0 : EINVAL;
}

int ControlHandler::common(Operation operation, v4l2_ext_controls& controls, Client& client,
                           ControlValues* request) {
  const bool get = operation == Operation::kGet;
  if (controls.count > kMaxControlsPerCall) return EINVAL;
  controls.error_idx = controls.count;
  std::vector<v4l2_ext_control> array(controls.count);
  const uint64_t address = address_of(controls.controls);
  const size_t array_size = array.size() * sizeof(v4l2_ext_control);
  if (array_size != 0 && !client.read(address, array.data(), array_size)) return EFAULT;
  if (!arguments_allowed(get, controls, array, operation == Operation::kTry)) return EINVAL;
  if (controls.which == V4L2_CTRL_WHICH_REQUEST_VAL && request == nullptr &&
      operation != Operation::kTry) {
    return EINVAL;
  }
  if (array.empty()) return class_check(controls.which);

  std::vector<Item> items(array.size());
  for (size_t i = 0; i < items.size(); ++i) items[i].control = array[i];
  int error = prepare(operation, controls, items, client, request);
  if (error == EFAULT && controls.error_idx == controls.count) return error;  // not fetched yet
  if (error == 0) {
    error = get ? read_values(controls, items, client, request)
                : write_values(operation, controls, items, client, request);
  }
  for (size_t i = 0; i < items.size(); ++i) array[i] = items[i].control;
  if (!client.write(address, array.data(), array_size)) return EFAULT;
  return error;
}

// Finds the controls and fetches their payloads.
int ControlHandler::prepare(Operation operation, v4l2_ext_controls& controls, std::span<Item> items,
                            Client& client, const ControlValues* request) const {
  const bool get = operation == Operation::kGet;
  const auto refuse = [&](size_t i, int error) {
    // Only TRY_EXT_CTRLS says which one; for the others count means that nothing was touched.
    if (operation == Operation::kTry) controls.error_idx = static_cast<uint32_t>(i);
    return error;
  };
  size_t payload = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    Item& item = items[i];
    if ((item.control.id & V4L2_CTRL_ID_MASK) >= V4L2_CID_PRIVATE_BASE) return refuse(i, EINVAL);
    item.info = find(item.control.id);
    if (item.info == nullptr || (item.info->flags & V4L2_CTRL_FLAG_DISABLED)) {
      return refuse(i, EINVAL);
    }
    if (!item.info->compound()) continue;
    const uint32_t id = item.info->id;
    const bool of_request = request != nullptr && request->contains(id);
    const size_t current = (of_request ? *request : values_).payload(id).size();
    uint32_t size = item.control.size;  // a packed structure's
    const int error = fit_payload(*item.info, get, current, &size);
    item.control.size = size;
    if (error != 0) return refuse(i, error);
    payload += item.control.size;
    if (payload > kMaxPayload) return refuse(i, ENOMEM);
  }
  // All of them, so that a transport that fetches what is missing does so once.
  bool fetched = true;
  for (Item& item : items) {
    if (!item.info->compound()) continue;
    item.payload.resize(item.control.size);
    fetched &= client.read(address_of(item.control.ptr), item.payload.data(), item.payload.size());
  }
  if (fetched) return 0;
  controls.error_idx = controls.count;
  return EFAULT;
}

int ControlHandler::read_values(v4l2_ext_controls& controls, std::span<Item> items, Client& client,
                                const ControlValues* request) const {
  for (const Item& item : items) {
    if (item.info->flags & V4L2_CTRL_FLAG_WRITE_ONLY) return EACCES;
  }
  for (Item& item : items) {
    const uint32_t id = item.info->id;
    const bool defaults = controls.which == V4L2_CTRL_WHICH_DEF_VAL;
    const bool of_request = request != nullptr && request->contains(id);
    const ControlValues& values = of_request ? *request : values_;
    if (!item.info->compound()) {
      set_integer(*item.info, defaults ? item.info->default_value : values.integer(id),
                  &item.control);
      continue;
    }
    std::span<const std::byte> payload = values.payload(id);
    std::vector<std::byte> default_value;
    if (defaults) {
      const auto elements = static_cast<uint32_t>(item.payload.size() / item.info->element_size);
      default_value = default_payload(*item.info, elements);
      payload = default_value;
    }
    if (!client.write(address_of(item.control.ptr), payload.data(), payload.size())) return EFAULT;
  }
  return 0;
}

int ControlHandler::write_values(Operation operation, v4l2_ext_controls& controls,
                                 std::span<Item> items, Client& client, ControlValues* request) {
  const bool set = operation == Operation::kSet;
  const auto refuse = [&](size_t i, int error) {
    controls.error_idx = set ? controls.count : static_cast<uint32_t>(i);
    return error;
  };
  for (size_t i = 0; i < items.size(); ++i) {
    Item& item = items[i];
    if (item.info->flags & V4L2_CTRL_FLAG_READ_ONLY) return refuse(i, EACCES);
    if (set && (item.info->flags & V4L2_CTRL_FLAG_GRABBED)) return refuse(i, EBUSY);
    if (item.info->compound()) continue;
    int64_t value = integer_of(*item.info, item.control);
    if (const int error = validate_integer(*item.info, &value)) return refuse(i, error);
    set_integer(*item.info, value, &item.control);
  }
  for (size_t i = 0; i < items.size(); ++i) {
    Item& item = items[i];
    if (!item.info->compound() || item.info->validate == nullptr) continue;
    const size_t size = item.info->element_size;
    for (size_t at = 0; at < item.payload.size(); at += size) {
      const int error = item.info->validate(std::span(item.payload).subspan(at, size));
      if (error != 0) return refuse(i, error);
    }
  }
  for (Item& item : items) {
    if (item.info->compound()) {
      // The kernel writes back what it made of the value.
      if (!client.write(address_of(item.control.ptr), item.payload.data(), item.payload.size())) {
        return EFAULT;
      }
    } else {
      ControlValues value;
      value.set_integer(*item.info, integer_of(*item.info, item.control));
      const auto bytes = value.payload(item.info->id);
      item.payload.assign(bytes.begin(), bytes.end());
    }
    if (!set) continue;
    if (request != nullptr) {
      request->set(item.info->id, item.payload);
    } else {
      store(*item.info, item.payload);
    }
  }
  return 0;
}

}  // namespace daedalus::v4l2
