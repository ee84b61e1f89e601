#include "cuse_device/v4l2/controls.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace daedalus::v4l2 {
namespace {

constexpr uint32_t kNextFlags = V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND;

const char* class_name(uint32_t control_class) {
  switch (control_class) {
    case V4L2_CTRL_CLASS_USER:
      return "User Controls";
    case V4L2_CTRL_CLASS_CODEC:
      return "Codec Controls";
    case V4L2_CTRL_CLASS_CODEC_STATELESS:
      return "Stateless Codec Controls";
    default:
      return "Controls";
  }
}

bool menu_type(uint32_t type) {
  return type == V4L2_CTRL_TYPE_MENU || type == V4L2_CTRL_TYPE_INTEGER_MENU;
}

// Arrays and structures: what NEXT_COMPOUND lists.
bool listed_as_compound(const ControlInfo& info) {
  return info.compound() || info.dimensions[0] != 0;
}

bool has_menu_item(const ControlInfo& info, int64_t index) {
  if (index < info.minimum || index > info.maximum) return false;
  if (index < 64 && (info.skipped_items >> index & 1) != 0) return false;
  const auto at = static_cast<size_t>(index);
  if (info.type == V4L2_CTRL_TYPE_INTEGER_MENU) return at < info.integer_menu.size();
  return at < info.menu.size() && info.menu[at][0] != '\0';
}

template <size_t kSize>
void copy_name(const char* name, char (&to)[kSize]) {
  std::memset(to, 0, kSize);
  std::memcpy(to, name, std::min(std::strlen(name), kSize - 1));
}

}  // namespace

uint32_t ControlInfo::elements() const {
  uint32_t count = 1;
  for (const uint32_t dimension : dimensions) {
    if (dimension == 0) break;
    count *= dimension;
  }
  return count;
}

size_t ControlInfo::payload_size() const {
  if (compound()) return size_t{element_size} * elements();
  return type == V4L2_CTRL_TYPE_INTEGER64 ? 8 : 4;
}

std::span<const std::byte> ControlValues::payload(uint32_t id) const {
  const auto found = payloads_.find(id);
  if (found == payloads_.end()) return {};
  return found->second;
}

int64_t ControlValues::integer(uint32_t id) const {
  const auto bytes = payload(id);
  if (bytes.size() == 4) {
    int32_t value;
    std::memcpy(&value, bytes.data(), 4);
    return value;
  }
  int64_t value = 0;
  if (bytes.size() == 8) std::memcpy(&value, bytes.data(), 8);
  return value;
}

void ControlValues::set(uint32_t id, std::span<const std::byte> payload) {
  payloads_[id].assign(payload.begin(), payload.end());
}

void ControlValues::set_integer(const ControlInfo& info, int64_t value) {
  const auto narrow = static_cast<int32_t>(value);
  const bool wide = info.payload_size() == 8;
  set(info.id, wide ? std::as_bytes(std::span(&value, 1)) : std::as_bytes(std::span(&narrow, 1)));
}

std::vector<uint32_t> ControlValues::ids() const {
  std::vector<uint32_t> ids;
  for (const auto& [id, payload] : payloads_) ids.push_back(id);
  return ids;
}

void ControlValues::merge(const ControlValues& others) {
  for (const auto& [id, payload] : others.payloads_) payloads_[id] = payload;
}

std::vector<std::byte> default_payload(const ControlInfo& info, uint32_t dynamic_elements) {
  const uint32_t elements = info.dynamic() ? dynamic_elements : info.elements();
  std::vector<std::byte> payload(info.compound() ? size_t{info.element_size} * elements
                                                 : info.payload_size());
  if (!info.compound()) {
    const int64_t value = info.default_value;  // little endian: the low bytes come first
    std::memcpy(payload.data(), &value, payload.size());
    return payload;
  }
  for (uint32_t element = 0; element < elements; ++element) {
    const size_t size = std::min<size_t>(info.default_element.size(), info.element_size);
    std::copy_n(info.default_element.begin(), size,
                payload.begin() + static_cast<ptrdiff_t>(size_t{element} * info.element_size));
  }
  return payload;
}

int validate_integer(const ControlInfo& info, int64_t* value) {
  switch (info.type) {
    case V4L2_CTRL_TYPE_INTEGER:
    case V4L2_CTRL_TYPE_INTEGER64: {
      // The nearest value of the range, as std_validate_elem rounds.
      const int64_t clamped = std::clamp(*value, info.minimum, info.maximum);
      const uint64_t step = std::max<uint64_t>(info.step, 1);
      const uint64_t above = static_cast<uint64_t>(clamped) - static_cast<uint64_t>(info.minimum);
      const uint64_t rounded = above / step * step + (above % step >= step - step / 2 ? step : 0);
      const uint64_t range =
          static_cast<uint64_t>(info.maximum) - static_cast<uint64_t>(info.minimum);
      *value = static_cast<int64_t>(static_cast<uint64_t>(info.minimum) +
                                    (rounded > range ? range / step * step : rounded));
      return 0;
    }
    case V4L2_CTRL_TYPE_BOOLEAN:
      *value = *value != 0;
      return 0;
    case V4L2_CTRL_TYPE_BITMASK:
      *value &= info.maximum;
      return 0;
    case V4L2_CTRL_TYPE_MENU:
    case V4L2_CTRL_TYPE_INTEGER_MENU:
      if (*value < info.minimum || *value > info.maximum) return ERANGE;
      return has_menu_item(info, *value) ? 0 : EINVAL;
    case V4L2_CTRL_TYPE_BUTTON:
      *value = 0;
      return 0;
    default:
      return EINVAL;
  }
}

void ControlHandler::add(const ControlInfo& info) {
  const auto control_class = static_cast<uint32_t>(V4L2_CTRL_ID2CLASS(info.id));
  ControlInfo header;
  header.id = control_class | 1;
  header.type = V4L2_CTRL_TYPE_CTRL_CLASS;
  header.name = class_name(control_class);
  header.step = 0;
  header.flags = V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_WRITE_ONLY;
  controls_.try_emplace(header.id, header);
  controls_.insert_or_assign(info.id, info);
  values_.set(info.id, default_payload(info));
}

const ControlInfo* ControlHandler::find(uint32_t id) const {
  const auto found = controls_.find(id & V4L2_CTRL_ID_MASK);
  return found == controls_.end() ? nullptr : &found->second;
}

// The control itself, or the next behind it that the flags in `id` ask for.
const ControlInfo* ControlHandler::find_for_query(uint32_t id) const {
  if ((id & kNextFlags) == 0) return find(id);
  const bool simple = (id & V4L2_CTRL_FLAG_NEXT_CTRL) != 0;
  const bool compound = (id & V4L2_CTRL_FLAG_NEXT_COMPOUND) != 0;
  for (auto next = controls_.upper_bound(id & V4L2_CTRL_ID_MASK); next != controls_.end(); ++next) {
    if (listed_as_compound(next->second) ? compound : simple) return &next->second;
  }
  return nullptr;
}

int ControlHandler::query_ext(v4l2_query_ext_ctrl& query) const {
  const ControlInfo* info = find_for_query(query.id);
  if (info == nullptr) return EINVAL;
  query = {};
  query.id = info->id;
  query.type = info->type;
  copy_name(info->name, query.name);
  query.minimum = info->minimum;
  query.maximum = info->maximum;
  query.step = menu_type(info->type) ? 1 : info->step;
  query.default_value = info->default_value;
  query.flags = info->flags | (info->compound() ? V4L2_CTRL_FLAG_HAS_PAYLOAD : 0);
  query.elem_size =
      info->compound() ? info->element_size : static_cast<uint32_t>(info->payload_size());
  query.elems = info->dynamic()
                    ? static_cast<uint32_t>(values_.payload(info->id).size() / info->element_size)
                    : info->elements();
  for (; query.nr_of_dims < V4L2_CTRL_MAX_DIMS; ++query.nr_of_dims) {
    const uint32_t dimension = info->dimensions[query.nr_of_dims];
    if (dimension == 0) break;
    query.dims[query.nr_of_dims] = dimension;
  }
  return 0;
}

int ControlHandler::query(v4l2_queryctrl& query) const {
  v4l2_query_ext_ctrl extended{};
  extended.id = query.id;
  if (const int error = query_ext(extended)) return error;
  query = {};
  query.id = extended.id;
  query.type = extended.type;
  query.flags = extended.flags;
  std::memcpy(query.name, extended.name, sizeof query.name);
  switch (extended.type) {
    case V4L2_CTRL_TYPE_INTEGER:
    case V4L2_CTRL_TYPE_BOOLEAN:
    case V4L2_CTRL_TYPE_MENU:
    case V4L2_CTRL_TYPE_INTEGER_MENU:
    case V4L2_CTRL_TYPE_BITMASK:
      query.minimum = static_cast<int32_t>(extended.minimum);
      query.maximum = static_cast<int32_t>(extended.maximum);
      query.step = static_cast<int32_t>(extended.step);
      query.default_value = static_cast<int32_t>(extended.default_value);
      break;
    default:
      break;
  }
  return 0;
}

int ControlHandler::query_menu(v4l2_querymenu& query) const {
  const ControlInfo* info = find(query.id);
  if (info == nullptr || !menu_type(info->type)) return EINVAL;
  const uint32_t id = query.id;
  const uint32_t index = query.index;
  if (!has_menu_item(*info, index)) return EINVAL;
  query = {};
  query.id = id;
  query.index = index;
  if (info->type == V4L2_CTRL_TYPE_INTEGER_MENU) {
    query.value = info->integer_menu[index];
  } else {
    std::memcpy(query.name, info->menu[index],
                std::min(std::strlen(info->menu[index]), sizeof query.name - 1));
  }
  return 0;
}

int ControlHandler::get(v4l2_control& control) const {
  const ControlInfo* info = find(control.id);
  if (info == nullptr || info->compound() || info->payload_size() != 4) return EINVAL;
  if (info->flags & V4L2_CTRL_FLAG_WRITE_ONLY) return EACCES;
  control.value = static_cast<int32_t>(values_.integer(info->id));
  return 0;
}

int ControlHandler::set(v4l2_control& control) {
  const ControlInfo* info = find(control.id);
  if (info == nullptr || info->compound() || info->payload_size() != 4) return EINVAL;
  if (info->flags & V4L2_CTRL_FLAG_READ_ONLY) return EACCES;
  if (info->flags & V4L2_CTRL_FLAG_GRABBED) return EBUSY;
  int64_t value = control.value;
  if (const int error = validate_integer(*info, &value)) return error;
  control.value = static_cast<int32_t>(value);
  return store(*info, std::as_bytes(std::span(&control.value, 1)));
}

// A valid value from the client becomes the current one.
int ControlHandler::store(const ControlInfo& info, std::span<const std::byte> payload) {
  const auto older = values_.payload(info.id);
  const bool same = std::equal(older.begin(), older.end(), payload.begin(), payload.end());
  values_.set(info.id, payload);
  set_.insert(info.id);
  if (!same && changed_) changed_(info, V4L2_EVENT_CTRL_CH_VALUE, true);
  return 0;
}

void ControlHandler::apply(const ControlValues& request) {
  values_.merge(request);
  for (const uint32_t id : request.ids()) set_.insert(id);
}

void ControlHandler::set_by_device(uint32_t id, int64_t value) {
  const ControlInfo* info = find(id);
  if (info == nullptr || values_.integer(id) == value) return;
  values_.set_integer(*info, value);
  if (changed_) changed_(*info, V4L2_EVENT_CTRL_CH_VALUE, false);
}

void ControlHandler::describe(const ControlInfo& info, uint32_t changes,
                              v4l2_event_ctrl* event) const {
  *event = {};
  event->changes = changes;
  event->type = info.type;
  event->flags = info.flags | (info.compound() ? V4L2_CTRL_FLAG_HAS_PAYLOAD : 0);
  if (info.type == V4L2_CTRL_TYPE_INTEGER64) {
    event->value64 = values_.integer(info.id);
  } else if (!info.compound()) {
    event->value = static_cast<int32_t>(values_.integer(info.id));
  }
  event->minimum = static_cast<int32_t>(info.minimum);
  event->maximum = static_cast<int32_t>(info.maximum);
  event->step = menu_type(info.type) ? 1 : static_cast<int32_t>(info.step);
  event->default_value = static_cast<int32_t>(info.default_value);
}

}  // namespace daedalus::v4l2
