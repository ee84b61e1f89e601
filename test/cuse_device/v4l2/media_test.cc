// The media node: topology and requests, as the kernel's mc-device.c and mc-entity.c show those of
// a mem2mem device.
#include "decode_core/uapi/media.h"

#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "test/catch.h"
#include "test/cuse_device/v4l2/stateless_client.h"

namespace daedalus::test {
namespace {

struct Topology {
  media_v2_topology head{};
  std::vector<media_v2_entity> entities;
  std::vector<media_v2_interface> interfaces;
  std::vector<media_v2_pad> pads;
  std::vector<media_v2_link> links;
};

Topology read_topology(TestFile& media) {
  Topology topology;
  REQUIRE(media.ioctl(MEDIA_IOC_G_TOPOLOGY, topology.head) == 0);
  topology.entities.resize(topology.head.num_entities);
  topology.interfaces.resize(topology.head.num_interfaces);
  topology.pads.resize(topology.head.num_pads);
  topology.links.resize(topology.head.num_links);
  topology.head.ptr_entities = reinterpret_cast<uintptr_t>(topology.entities.data());
  topology.head.ptr_interfaces = reinterpret_cast<uintptr_t>(topology.interfaces.data());
  topology.head.ptr_pads = reinterpret_cast<uintptr_t>(topology.pads.data());
  topology.head.ptr_links = reinterpret_cast<uintptr_t>(topology.links.data());
  REQUIRE(media.ioctl(MEDIA_IOC_G_TOPOLOGY, topology.head) == 0);
  return topology;
}

template <typename T>
const T* find(const std::vector<T>& objects, uint32_t id) {
  for (const T& object : objects) {
    if (object.id == id) return &object;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("what the device is") {
  TestNodes nodes;
  CHECK(nodes.media().kind() == v4l2::NodeKind::kMedia);
  CHECK(nodes.media().name() == "media0");
  CHECK(nodes.stateful().name() == "video10");
  CHECK(nodes.stateless().name() == "video11");
  TestFile media(nodes.media());
  media_device_info info{};
  REQUIRE(media.ioctl(MEDIA_IOC_DEVICE_INFO, info) == 0);
  CHECK(std::string(info.driver) == "daedalus");
  CHECK(std::string(info.bus_info) == "platform:daedalus");
  CHECK(info.media_version >= (4u << 16 | 19u << 8));
  CHECK(media.poll() == 0);
  v4l2_capability capability{};
  CHECK(media.ioctl(VIDIOC_QUERYCAP, capability) == ENOTTY);
}

TEST_CASE("a decoder's pads lead from its node's OUTPUT to its CAPTURE") {
  TestNodes nodes;
  nodes.stateful().set_device_number(81, 10);
  nodes.stateless().set_device_number(81, 11);
  TestFile media(nodes.media());
  const Topology topology = read_topology(media);
  std::set<uint32_t> ids;
  for (const auto& object : topology.entities) ids.insert(object.id);
  for (const auto& object : topology.interfaces) ids.insert(object.id);
  for (const auto& object : topology.pads) ids.insert(object.id);
  for (const auto& object : topology.links) ids.insert(object.id);
  CHECK(ids.size() == topology.entities.size() + topology.interfaces.size() + topology.pads.size() +
                          topology.links.size());

  std::set<uint32_t> minors;
  int decoders = 0;
  for (const media_v2_entity& entity : topology.entities) {
    if (entity.function != MEDIA_ENT_F_PROC_VIDEO_DECODER) continue;
    ++decoders;
    std::set<uint32_t> of_this;  // nodes of the entities around it
    for (const media_v2_link& link : topology.links) {
      const media_v2_pad* source = find(topology.pads, link.source_id);
      const media_v2_pad* sink = find(topology.pads, link.sink_id);
      if (source == nullptr || sink == nullptr) continue;
      CHECK(link.flags == (MEDIA_LNK_FL_ENABLED | MEDIA_LNK_FL_IMMUTABLE));
      CHECK((source->flags & MEDIA_PAD_FL_SOURCE) != 0);
      CHECK((sink->flags & MEDIA_PAD_FL_SINK) != 0);
      const bool in = sink->entity_id == entity.id;
      if (!in && source->entity_id != entity.id) continue;
      const uint32_t io = in ? source->entity_id : sink->entity_id;
      CHECK(find(topology.entities, io)->function == MEDIA_ENT_F_IO_V4L);
      for (const media_v2_link& tie : topology.links) {
        if ((tie.flags & MEDIA_LNK_FL_LINK_TYPE) != MEDIA_LNK_FL_INTERFACE_LINK) continue;
        if (tie.sink_id != io) continue;
        const media_v2_interface* interface = find(topology.interfaces, tie.source_id);
        REQUIRE(interface != nullptr);
        CHECK(interface->intf_type == MEDIA_INTF_T_V4L_VIDEO);
        CHECK(interface->devnode.major == 81);
        of_this.insert(interface->devnode.minor);
      }
    }
    CHECK(of_this.size() == 1);
    minors.insert(of_this.begin(), of_this.end());
  }
  CHECK(decoders == 2);
  CHECK(minors == std::set<uint32_t>{10, 11});
}

TEST_CASE("a topology that does not fit, or has nowhere to go") {
  TestNodes nodes;
  TestFile media(nodes.media());
  std::vector<media_v2_entity> entities(1);
  media_v2_topology head{};
  head.num_entities = 1;
  head.ptr_entities = reinterpret_cast<uintptr_t>(entities.data());
  CHECK(media.ioctl(MEDIA_IOC_G_TOPOLOGY, head) == ENOSPC);
  CHECK(entities[0].id == 0);
  head = {};
  head.num_pads = 100;
  head.ptr_pads = reinterpret_cast<uintptr_t>(bad_pointer());
  CHECK(media.ioctl(MEDIA_IOC_G_TOPOLOGY, head) == EFAULT);
}

TEST_CASE("the older enumeration says the same") {
  TestNodes nodes;
  nodes.stateless().set_device_number(81, 11);
  TestFile media(nodes.media());
  const Topology topology = read_topology(media);
  media_entity_desc entity{};
  size_t seen = 0;
  for (;;) {
    entity.id |= MEDIA_ENT_ID_FLAG_NEXT;
    if (media.ioctl(MEDIA_IOC_ENUM_ENTITIES, entity) != 0) break;
    REQUIRE(seen < topology.entities.size());
    const media_v2_entity& same = topology.entities[seen++];
    CHECK(entity.id == same.id);
    CHECK(std::string(entity.name) == same.name);
    const bool decoder = same.function == MEDIA_ENT_F_PROC_VIDEO_DECODER;
    CHECK(entity.pads == (decoder ? 2 : 1));
    CHECK(entity.type ==
          (decoder ? uint32_t{MEDIA_ENT_T_DEVNODE_UNKNOWN} : uint32_t{MEDIA_ENT_F_IO_V4L}));

    std::vector<media_pad_desc> pads(entity.pads);
    std::vector<media_link_desc> links(entity.links);
    media_links_enum all{};
    all.entity = entity.id;
    all.pads = pads.data();
    all.links = links.data();
    REQUIRE(media.ioctl(MEDIA_IOC_ENUM_LINKS, all) == 0);
    for (const media_pad_desc& pad : pads) CHECK(pad.entity == entity.id);
    for (media_link_desc& link : links) {
      CHECK(link.source.entity == entity.id);
      CHECK(media.ioctl(MEDIA_IOC_SETUP_LINK, link) == 0);  // as it is
      link.flags = 0;
      CHECK(media.ioctl(MEDIA_IOC_SETUP_LINK, link) == EINVAL);
    }
  }
  CHECK(seen == topology.entities.size());
  entity.id = 12345;
  CHECK(media.ioctl(MEDIA_IOC_ENUM_ENTITIES, entity) == EINVAL);
  media_links_enum links{};
  links.entity = 12345;
  CHECK(media.ioctl(MEDIA_IOC_ENUM_LINKS, links) == EINVAL);
  links.entity = topology.entities[0].id;
  links.pads = static_cast<media_pad_desc*>(bad_pointer());
  CHECK(media.ioctl(MEDIA_IOC_ENUM_LINKS, links) == EFAULT);
}

TEST_CASE("a transport that cannot give descriptors cannot allocate requests") {
  struct Bare : TestClient {
    int give_request(std::shared_ptr<v4l2::Request>) override { return -ENOTTY; }
  };
  TestNodes nodes;
  TestFile media(nodes.media(), std::make_shared<Bare>());
  int fd = 0;
  CHECK(media.ioctl(MEDIA_IOC_REQUEST_ALLOC, fd) == ENOTTY);
}

}  // namespace daedalus::test
