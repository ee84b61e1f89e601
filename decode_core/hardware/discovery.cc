#include "decode_core/hardware/discovery.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "decode_core/uapi/media.h"

namespace daedalus::core {
namespace {

// Bounds what a driver can make us allocate.
constexpr uint32_t kMostObjects = 4096;

template <size_t kSize>
std::string text_of(const char (&text)[kSize]) {
  return {text, ::strnlen(text, kSize)};
}

struct Topology {
  std::vector<media_v2_entity> entities;
  std::vector<media_v2_interface> interfaces;
  std::vector<media_v2_pad> pads;
  std::vector<media_v2_link> links;
};

// MEDIA_IOC_G_TOPOLOGY, first for the numbers, then for the objects.
std::optional<Topology> read_topology(DeviceCalls& calls, int fd) {
  media_v2_topology counts{};
  if (calls.ioctl(fd, MEDIA_IOC_G_TOPOLOGY, &counts) != 0) return std::nullopt;
  for (const uint32_t count :
       {counts.num_entities, counts.num_interfaces, counts.num_pads, counts.num_links}) {
    if (count > kMostObjects) return std::nullopt;
  }
  Topology topology;
  topology.entities.resize(counts.num_entities);
  topology.interfaces.resize(counts.num_interfaces);
  topology.pads.resize(counts.num_pads);
  topology.links.resize(counts.num_links);
  media_v2_topology filled{};
  filled.num_entities = counts.num_entities;
  filled.num_interfaces = counts.num_interfaces;
  filled.num_pads = counts.num_pads;
  filled.num_links = counts.num_links;
  filled.ptr_entities = reinterpret_cast<uintptr_t>(topology.entities.data());
  filled.ptr_interfaces = reinterpret_cast<uintptr_t>(topology.interfaces.data());
  filled.ptr_pads = reinterpret_cast<uintptr_t>(topology.pads.data());
  filled.ptr_links = reinterpret_cast<uintptr_t>(topology.links.data());
  if (calls.ioctl(fd, MEDIA_IOC_G_TOPOLOGY, &filled) != 0) return std::nullopt;
  return topology;
}

bool is_interface_link(const media_v2_link& link) {
  return (link.flags & MEDIA_LNK_FL_LINK_TYPE) == MEDIA_LNK_FL_INTERFACE_LINK;
}

uint32_t entity_of_pad(const Topology& topology, uint32_t pad) {
  for (const media_v2_pad& candidate : topology.pads) {
    if (candidate.id == pad) return candidate.entity_id;
  }
  return 0;
}

// The decoder and its neighbours: the queues' ends, to which the video node belongs.
std::vector<uint32_t> neighbourhood(const Topology& topology, uint32_t decoder) {
  std::vector<uint32_t> entities = {decoder};
  for (const media_v2_link& link : topology.links) {
    if (is_interface_link(link)) continue;
    const uint32_t source = entity_of_pad(topology, link.source_id);
    const uint32_t sink = entity_of_pad(topology, link.sink_id);
    if (source == decoder) entities.push_back(sink);
    if (sink == decoder) entities.push_back(source);
  }
  return entities;
}

const media_v2_interface* video_interface(const Topology& topology, uint32_t decoder) {
  const std::vector<uint32_t> entities = neighbourhood(topology, decoder);
  for (const media_v2_link& link : topology.links) {
    if (!is_interface_link(link)) continue;
    if (std::find(entities.begin(), entities.end(), link.sink_id) == entities.end()) continue;
    for (const media_v2_interface& interface : topology.interfaces) {
      if (interface.id == link.source_id && interface.intf_type == MEDIA_INTF_T_V4L_VIDEO) {
        return &interface;
      }
    }
  }
  return nullptr;
}

class Search {
 public:
  Search(DeviceCalls& calls, const DiscoveryOptions& options)
      : calls_(calls), options_(options), videos_(calls.nodes("video")) {}

  Discovery run() {
    for (const DeviceCalls::Node& media : calls_.nodes("media")) {
      if (std::string reason = look_at(media); !reason.empty()) {
        found_.passed_over.push_back({media.path, std::move(reason)});
      }
    }
    return std::move(found_);
  }

 private:
  // Why nothing of this media device was taken; empty: something was.
  std::string look_at(const DeviceCalls::Node& media) {
    if (media.user_space && !options_.own_nodes) return "a program serves it, not a kernel driver";
    const DeviceFd fd(calls_, calls_.open(media.path));
    if (!fd) return std::string("open: ") + std::strerror(errno);
    media_device_info info{};
    if (calls_.ioctl(fd.get(), MEDIA_IOC_DEVICE_INFO, &info) != 0) {
      return std::string("MEDIA_IOC_DEVICE_INFO: ") + std::strerror(errno);
    }
    const std::string driver = text_of(info.driver);
    if (driver == kOwnDriver && !options_.own_nodes) return "it is Daedalus itself";
    const auto topology = read_topology(calls_, fd.get());
    if (!topology) return "its topology cannot be read";
    const size_t before = found_.decoders.size();
    for (const media_v2_entity& entity : topology->entities) {
      if (entity.function != MEDIA_ENT_F_PROC_VIDEO_DECODER) continue;
      const media_v2_interface* interface = video_interface(*topology, entity.id);
      const DeviceCalls::Node* video = interface != nullptr ? video_node(*interface) : nullptr;
      if (video == nullptr || !wanted(media, *video)) continue;
      found_.decoders.push_back({media.path, video->path, driver, text_of(info.model)});
    }
    if (found_.decoders.size() != before) return "";
    return options_.path.empty() ? driver + ": no video decoder in it" : "not the one asked for";
  }

  const DeviceCalls::Node* video_node(const media_v2_interface& interface) const {
    for (const DeviceCalls::Node& video : videos_) {
      const bool same =
          video.major == interface.devnode.major && video.minor == interface.devnode.minor;
      if (same && (options_.own_nodes || !video.user_space)) return &video;
    }
    return nullptr;
  }

  bool wanted(const DeviceCalls::Node& media, const DeviceCalls::Node& video) const {
    return options_.path.empty() || options_.path == media.path || options_.path == video.path;
  }

  DeviceCalls& calls_;
  const DiscoveryOptions& options_;
  const std::vector<DeviceCalls::Node> videos_;
  Discovery found_;
};

}  // namespace

Discovery discover_decoders(DeviceCalls& calls, const DiscoveryOptions& options) {
  return Search(calls, options).run();
}

}  // namespace daedalus::core
