// MediaTopology: the entities, pads, links and interfaces that a media node shows (kernel
// media-entity.c, v4l2-mem2mem.c: v4l2_m2m_register_media_controller).
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_MEDIA_TOPOLOGY_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_MEDIA_TOPOLOGY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace daedalus::v4l2 {

// The device number of a node, told by the transport; 0:0 before. Thread-safe.
class DeviceNumber {
 public:
  void set(uint32_t major, uint32_t minor) { value_ = uint64_t{major} << 32 | minor; }
  uint32_t major() const { return static_cast<uint32_t>(value_ >> 32); }
  uint32_t minor() const { return static_cast<uint32_t>(value_); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// The objects' ids are unique, with the kind of object in the high byte.
struct MediaPad {
  uint32_t id;
  uint16_t index;  // in its entity
  bool source;
};
struct MediaEntity {
  uint32_t id;
  std::string name;
  uint32_t function;  // MEDIA_ENT_F_…
  std::vector<MediaPad> pads;
  std::shared_ptr<const DeviceNumber> number;  // null: has no node
};
// Between two pads, from source to sink.
struct MediaLink {
  uint32_t id;
  uint32_t source_entity, source_pad;  // id, index
  uint32_t sink_entity, sink_pad;
};
struct MediaInterface {
  uint32_t id;
  std::shared_ptr<const DeviceNumber> number;
};
struct MediaInterfaceLink {
  uint32_t id;
  uint32_t interface;
  uint32_t entity;
};

// Built once, then only read.
class MediaTopology {
 public:
  // A decoder's video node: where the coded data comes from (source), the decoder, where the
  // pictures go to (sink).
  void add_decoder(const std::string& name, std::shared_ptr<const DeviceNumber> number);

  const std::vector<MediaEntity>& entities() const { return entities_; }
  const std::vector<MediaLink>& links() const { return links_; }
  const std::vector<MediaInterface>& interfaces() const { return interfaces_; }
  const std::vector<MediaInterfaceLink>& interface_links() const { return interface_links_; }

  // Grows with every object (media_v2_topology.topology_version).
  uint64_t version() const { return last_; }

  const MediaEntity* find(uint32_t id) const;
  // The entity of the lowest id above `id`; null: none.
  const MediaEntity* find_after(uint32_t id) const;
  const MediaPad& pad_of(uint32_t entity, uint32_t index) const {
    return find(entity)->pads[index];
  }

 private:
  MediaEntity& add_entity(std::string name, uint32_t function,
                          std::shared_ptr<const DeviceNumber> number);
  void add_pad(MediaEntity& entity, bool source);
  void add_link(uint32_t source, uint32_t source_pad, uint32_t sink, uint32_t sink_pad);
  uint32_t next_id(uint32_t type) { return type << 24 | ++last_; }

  uint32_t last_ = 0;
  std::vector<MediaEntity> entities_;
  std::vector<MediaLink> links_;
  std::vector<MediaInterface> interfaces_;
  std::vector<MediaInterfaceLink> interface_links_;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_MEDIA_TOPOLOGY_H_
