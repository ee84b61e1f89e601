#include "cuse_device/v4l2/media_device.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "decode_core/uapi/media.h"

namespace daedalus::v4l2 {
namespace {

constexpr uint32_t kVersion = 6u << 16 | 12u << 8;  // of the rules that this follows

template <size_t kSize>
void copy_name(std::string_view name, char (&to)[kSize]) {
  std::memset(to, 0, kSize);
  std::memcpy(to, name.data(), std::min(name.size(), kSize - 1));
}

uint32_t pad_flags(const MediaPad& pad) {
  return pad.source ? MEDIA_PAD_FL_SOURCE : MEDIA_PAD_FL_SINK;
}

constexpr uint32_t kLinkFlags = MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_IMMUTABLE;

// One open file of the media node. It has no state.
class MediaFile final : public OpenFile {
 public:
  MediaFile(std::shared_ptr<const MediaTopology> topology,
            std::shared_ptr<const RequestOrigin> origin)
      : topology_(std::move(topology)), origin_(std::move(origin)) {}

  int ioctl(uint32_t request, std::span<std::byte> argument, Client& client) override;
  short poll() override { return 0; }
  Result<MappedRange> map(uint64_t, size_t) override {
    return Error{ErrorCode::kUnsupported, "a media node has no memory to map"};
  }
  void set_listener(std::function<void()>) override {}

 private:
  template <typename T>
  int call(std::span<std::byte> argument, Client& client, int (MediaFile::*method)(T&, Client&)) {
    T value;
    if (argument.size() < sizeof value) return EFAULT;
    std::memcpy(&value, argument.data(), sizeof value);
    const int error = (this->*method)(value, client);
    if (error == 0) std::memcpy(argument.data(), &value, sizeof value);
    return error;
  }

  int device_info(media_device_info& info, Client& client);
  int enum_entities(media_entity_desc& entity, Client& client);
  int enum_links(media_links_enum& links, Client& client);
  int setup_link(media_link_desc& link, Client& client);
  int get_topology(media_v2_topology& topology, Client& client);
  int request_alloc(int& fd, Client& client);

  const std::shared_ptr<const MediaTopology> topology_;
  const std::shared_ptr<const RequestOrigin> origin_;
};

int MediaFile::ioctl(uint32_t request, std::span<std::byte> argument, Client& client) {
  switch (request) {
    case MEDIA_IOC_DEVICE_INFO:
      return call(argument, client, &MediaFile::device_info);
    case MEDIA_IOC_ENUM_ENTITIES:
      return call(argument, client, &MediaFile::enum_entities);
    case MEDIA_IOC_ENUM_LINKS:
      return call(argument, client, &MediaFile::enum_links);
    case MEDIA_IOC_SETUP_LINK:
      return call(argument, client, &MediaFile::setup_link);
    case MEDIA_IOC_G_TOPOLOGY:
      return call(argument, client, &MediaFile::get_topology);
    case MEDIA_IOC_REQUEST_ALLOC:
      return call(argument, client, &MediaFile::request_alloc);
    default:
      return ENOTTY;
  }
}

int MediaFile::device_info(media_device_info& info, Client&) {
  info = {};
  copy_name("daedalus", info.driver);
  copy_name("Daedalus video decoder", info.model);
  copy_name("platform:daedalus", info.bus_info);
  info.media_version = kVersion;
  info.driver_version = kVersion;
  return 0;
}

// As media_device_enum_entities, which hides functions that old programs do not know.
int MediaFile::enum_entities(media_entity_desc& description, Client&) {
  const uint32_t id = description.id & ~MEDIA_ENT_ID_FLAG_NEXT;
  const bool next = (description.id & MEDIA_ENT_ID_FLAG_NEXT) != 0;
  const MediaEntity* entity = next ? topology_->find_after(id) : topology_->find(id);
  if (entity == nullptr) return EINVAL;
  description = {};
  description.id = entity->id;
  copy_name(entity->name, description.name);
  const bool old = entity->function == MEDIA_ENT_F_IO_V4L;
  description.type = old ? entity->function : MEDIA_ENT_T_DEVNODE_UNKNOWN;
  description.pads = static_cast<uint16_t>(entity->pads.size());
  description.links = static_cast<uint16_t>(
      std::count_if(topology_->links().begin(), topology_->links().end(),
                    [&](const MediaLink& link) { return link.source_entity == entity->id; }));
  if (entity->number) {
    description.dev.major = entity->number->major();
    description.dev.minor = entity->number->minor();
  }
  return 0;
}

// As media_device_enum_links: the links that begin in the entity.
int MediaFile::enum_links(media_links_enum& argument, Client& client) {
  const MediaEntity* entity = topology_->find(argument.entity);
  if (entity == nullptr) return EINVAL;
  const auto describe = [&](uint32_t id, uint32_t index) {
    const MediaPad& pad = topology_->pad_of(id, index);
    media_pad_desc description{};
    description.entity = id;
    description.index = pad.index;
    description.flags = pad_flags(pad);
    return description;
  };
  std::vector<media_pad_desc> pads;
  for (const MediaPad& pad : entity->pads) pads.push_back(describe(entity->id, pad.index));
  std::vector<media_link_desc> links;
  for (const MediaLink& link : topology_->links()) {
    if (link.source_entity != entity->id) continue;
    media_link_desc description{};
    description.source = describe(link.source_entity, link.source_pad);
    description.sink = describe(link.sink_entity, link.sink_pad);
    description.flags = kLinkFlags;
    links.push_back(description);
  }
  const auto put = [&](const void* to, auto& from) {
    const size_t size = from.size() * sizeof from[0];
    if (to == nullptr || size == 0) return true;
    auto old = from;  // a transport may have to fetch what it is to write
    const auto address = reinterpret_cast<uintptr_t>(to);
    return client.read(address, old.data(), size) && client.write(address, from.data(), size);
  };
  if (!put(argument.pads, pads) || !put(argument.links, links)) return EFAULT;
  std::memset(argument.reserved, 0, sizeof argument.reserved);
  return 0;
}

// As media_device_setup_link: no link of these can change.
int MediaFile::setup_link(media_link_desc& wanted, Client&) {
  for (const MediaLink& link : topology_->links()) {
    const bool found = link.source_entity == wanted.source.entity &&
                       link.source_pad == wanted.source.index &&
                       link.sink_entity == wanted.sink.entity && link.sink_pad == wanted.sink.index;
    if (!found) continue;
    std::memset(wanted.reserved, 0, sizeof wanted.reserved);
    return wanted.flags == kLinkFlags ? 0 : EINVAL;
  }
  return EINVAL;
}

// As media_device_get_topology: where an array is wanted and too short, ENOSPC.
int MediaFile::get_topology(media_v2_topology& argument, Client& client) {
  std::vector<media_v2_entity> entities;
  std::vector<media_v2_pad> pads;
  for (const MediaEntity& entity : topology_->entities()) {
    media_v2_entity& to = entities.emplace_back();
    to.id = entity.id;
    to.function = entity.function;
    std::memcpy(to.name, entity.name.data(), std::min(entity.name.size(), sizeof to.name - 1));
    for (const MediaPad& pad : entity.pads) {
      pads.push_back({pad.id, entity.id, pad_flags(pad), pad.index, {}});
    }
  }
  std::vector<media_v2_interface> interfaces;
  for (const MediaInterface& interface : topology_->interfaces()) {
    media_v2_interface& to = interfaces.emplace_back();
    to.id = interface.id;
    to.intf_type = MEDIA_INTF_T_V4L_VIDEO;
    to.devnode.major = interface.number->major();
    to.devnode.minor = interface.number->minor();
  }
  std::vector<media_v2_link> links;
  for (const MediaLink& link : topology_->links()) {
    links.push_back({link.id,
                     topology_->pad_of(link.source_entity, link.source_pad).id,
                     topology_->pad_of(link.sink_entity, link.sink_pad).id,
                     kLinkFlags,
                     {}});
  }
  for (const MediaInterfaceLink& link : topology_->interface_links()) {
    links.push_back(
        {link.id, link.interface, link.entity, kLinkFlags | MEDIA_LNK_FL_INTERFACE_LINK, {}});
  }

  media_v2_topology answer{};
  answer.topology_version = topology_->version();
  answer.ptr_entities = argument.ptr_entities;
  answer.ptr_interfaces = argument.ptr_interfaces;
  answer.ptr_pads = argument.ptr_pads;
  answer.ptr_links = argument.ptr_links;
  int error = 0;
  // Everything is fetched before anything is written.
  const auto pass = [&](bool write) {
    const auto put = [&](uint64_t address, uint32_t room, const auto& from) {
      if (address == 0) return;
      if (room < from.size()) {
        error = error == EFAULT ? error : ENOSPC;
        return;
      }
      const size_t size = from.size() * sizeof from[0];
      auto old = from;
      const bool done =
          write ? client.write(address, from.data(), size) : client.read(address, old.data(), size);
      if (!done) error = EFAULT;
    };
    put(argument.ptr_entities, argument.num_entities, entities);
    put(argument.ptr_interfaces, argument.num_interfaces, interfaces);
    put(argument.ptr_pads, argument.num_pads, pads);
    put(argument.ptr_links, argument.num_links, links);
  };
  pass(false);
  if (error == 0) pass(true);
  answer.num_entities = static_cast<uint32_t>(entities.size());
  answer.num_interfaces = static_cast<uint32_t>(interfaces.size());
  answer.num_pads = static_cast<uint32_t>(pads.size());
  answer.num_links = static_cast<uint32_t>(links.size());
  argument = answer;
  return error;
}

int MediaFile::request_alloc(int& fd, Client& client) {
  const int given = client.give_request(std::make_shared<Request>(origin_));
  if (given < 0) return -given;
  fd = given;
  return 0;
}

}  // namespace

MediaDevice::MediaDevice(std::string name, std::shared_ptr<const MediaTopology> topology,
                         std::shared_ptr<const RequestOrigin> origin)
    : name_(std::move(name)), topology_(std::move(topology)), origin_(std::move(origin)) {}

Result<std::unique_ptr<OpenFile>> MediaDevice::open() {
  return std::unique_ptr<OpenFile>(std::make_unique<MediaFile>(topology_, origin_));
}

}  // namespace daedalus::v4l2
