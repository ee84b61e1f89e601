#include "cuse_device/v4l2/media_topology.h"

#include <algorithm>
#include <utility>

#include "decode_core/uapi/media.h"

namespace daedalus::v4l2 {
namespace {

// As enum media_gobj_type.
constexpr uint32_t kEntity = 0;
constexpr uint32_t kPad = 1;
constexpr uint32_t kLink = 2;
constexpr uint32_t kInterface = 3;

}  // namespace

MediaEntity& MediaTopology::add_entity(std::string name, uint32_t function,
                                       std::shared_ptr<const DeviceNumber> number) {
  return entities_.emplace_back(
      MediaEntity{next_id(kEntity), std::move(name), function, {}, std::move(number)});
}

void MediaTopology::add_pad(MediaEntity& entity, bool source) {
  const auto index = static_cast<uint16_t>(entity.pads.size());
  entity.pads.push_back({next_id(kPad), index, source});
}

void MediaTopology::add_link(uint32_t source, uint32_t source_pad, uint32_t sink,
                             uint32_t sink_pad) {
  links_.push_back({next_id(kLink), source, source_pad, sink, sink_pad});
}

void MediaTopology::add_decoder(const std::string& name,
                                std::shared_ptr<const DeviceNumber> number) {
  MediaEntity& from = add_entity(name + "-source", MEDIA_ENT_F_IO_V4L, number);
  const uint32_t source = from.id;
  add_pad(from, true);
  MediaEntity& decoder = add_entity(name + "-proc", MEDIA_ENT_F_PROC_VIDEO_DECODER, nullptr);
  const uint32_t proc = decoder.id;
  add_pad(decoder, false);
  add_pad(decoder, true);
  MediaEntity& to = add_entity(name + "-sink", MEDIA_ENT_F_IO_V4L, number);
  const uint32_t sink = to.id;
  add_pad(to, false);
  add_link(source, 0, proc, 0);
  add_link(proc, 1, sink, 0);
  const uint32_t interface = next_id(kInterface);
  interfaces_.push_back({interface, std::move(number)});
  for (const uint32_t entity : {source, sink}) {
    interface_links_.push_back({next_id(kLink), interface, entity});
  }
}

const MediaEntity* MediaTopology::find(uint32_t id) const {
  const auto found = std::find_if(entities_.begin(), entities_.end(),
                                  [&](const MediaEntity& entity) { return entity.id == id; });
  return found == entities_.end() ? nullptr : &*found;
}

const MediaEntity* MediaTopology::find_after(uint32_t id) const {
  // In the order of their ids.
  const auto found = std::find_if(entities_.begin(), entities_.end(),
                                  [&](const MediaEntity& entity) { return entity.id > id; });
  return found == entities_.end() ? nullptr : &*found;
}

}  // namespace daedalus::v4l2
