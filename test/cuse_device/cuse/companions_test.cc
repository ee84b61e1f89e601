// What companions get over the daemon's socket, and what they do not.
#include "cuse_device/cuse/companions.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cuse_device/cuse/packet_socket.h"
#include "cuse_device/cuse/request_handle.h"
#include "cuse_device/v4l2/nodes.h"
#include "cuse_device/v4l2/stateful_device.h"
#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/cuse_device/v4l2/test_client.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::test {
namespace {

UniqueFd listening(const std::string& path, sockaddr_un* address) {
  address->sun_family = AF_UNIX;
  path.copy(address->sun_path, sizeof address->sun_path - 1);
  ::unlink(path.c_str());
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(address), sizeof *address) == 0);
  REQUIRE(::listen(fd.get(), 8) == 0);
  return fd;
}

// A device's open file as the daemon holds it, and a companion of it.
struct Companion {
  explicit Companion(uid_t user = ::getuid())
      : path("/tmp/companions_test." + std::to_string(::getpid()) + "." + std::to_string(user)),
        companions(listening(path, &address), path, "/dev/handles") {
    companions.start();
    v4l2::StatefulDevice device(core::test::make_core(1), v4l2::StatefulDevice::Options{});
    file = companions.wrap(std::move(device.open()).value(), user);
    TestClient client;
    REQUIRE(file->ioctl(cuse::kCompanionIoctl, std::as_writable_bytes(std::span(&info, 1)),
                        client) == 0);
  }
  ~Companion() { ::unlink(path.c_str()); }
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  UniqueFd connect() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }
  cuse::Question question(cuse::Operation operation) const {
    cuse::Question question{};
    question.operation = operation;
    question.token = info.token;
    return question;
  }
  cuse::Answer ask(const cuse::Question& question, UniqueFd* received, int sent = -1) const {
    const UniqueFd socket = connect();
    cuse::Answer answer{};
    REQUIRE(cuse::send_packet(socket.get(), std::as_bytes(std::span(&question, 1)), sent));
    REQUIRE(cuse::receive_packet(socket.get(), std::as_writable_bytes(std::span(&answer, 1)),
                                 received));
    return answer;
  }
  template <typename T>
  int ioctl(uint32_t request, T& argument) {
    TestClient client;
    return file->ioctl(request, std::as_writable_bytes(std::span(&argument, 1)), client);
  }
  void allocate(uint32_t memory) {
    v4l2_requestbuffers buffers{};
    buffers.count = 1;
    buffers.type = kOutput;
    buffers.memory = memory;
    REQUIRE(ioctl(VIDIOC_REQBUFS, buffers) == 0);
  }

  const std::string path;
  sockaddr_un address{};
  cuse::Companions companions;
  std::unique_ptr<v4l2::OpenFile> file;
  cuse::CompanionInfo info{};
};

TEST_CASE("a buffer's memory is mapped and exported, and is the same") {
  Companion companion;
  CHECK(std::string(companion.info.socket) == companion.path);
  companion.allocate(V4L2_MEMORY_MMAP);
  TestFile::Buffer buffer(kOutput, 0);
  buffer.buffer.length = 1;
  REQUIRE(companion.ioctl(VIDIOC_QUERYBUF, buffer.buffer) == 0);

  cuse::Question map = companion.question(cuse::Operation::kMap);
  map.offset = buffer.planes[0].m.mem_offset;
  map.size = buffer.planes[0].length;
  UniqueFd mapped, exported;
  REQUIRE(companion.ask(map, &mapped).error == 0);
  cuse::Question expbuf = companion.question(cuse::Operation::kExport);
  expbuf.buffer.type = kOutput;
  expbuf.buffer.flags = O_RDWR;
  REQUIRE(companion.ask(expbuf, &exported).error == 0);
  auto one = Mapping::map(mapped.get(), 4096, 0, true);
  auto other = Mapping::map(exported.get(), 4096, 0, true);
  REQUIRE(one.ok());
  REQUIRE(other.ok());
  one->data()[17] = 99;
  CHECK(other->data()[17] == 99);

  UniqueFd none;
  map.offset += 1;
  CHECK(companion.ask(map, &none).error == EINVAL);
  expbuf.buffer.index = 5;
  CHECK(companion.ask(expbuf, &none).error == EINVAL);
  CHECK_FALSE(none.valid());
}

TEST_CASE("a wrong token, another user's and a closed file's get nothing") {
  Companion companion;
  UniqueFd none;
  cuse::Question map = companion.question(cuse::Operation::kMap);
  map.token[0] ^= 1;
  CHECK(companion.ask(map, &none).error == EPERM);
  Companion others(::getuid() + 1);
  CHECK(others.ask(others.question(cuse::Operation::kMap), &none).error == EPERM);
  CHECK(others.info.token != companion.info.token);
}

TEST_CASE("a closed file's token is worth nothing") {
  Companion companion;
  companion.file.reset();
  UniqueFd none;
  CHECK(companion.ask(companion.question(cuse::Operation::kMap), &none).error == EPERM);
}

TEST_CASE("descriptors sent ahead are imported by the QBUF that follows") {
  Companion companion;
  companion.allocate(V4L2_MEMORY_DMABUF);
  TestFile::Buffer buffer(kOutput, 0, V4L2_MEMORY_DMABUF);
  buffer.buffer.length = 1;
  REQUIRE(companion.ioctl(VIDIOC_QUERYBUF, buffer.buffer) == 0);
  const UniqueFd memory(::memfd_create("buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(memory.get(), buffer.planes[0].length) == 0);
  REQUIRE(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) == 0);

  // The number is the client's; nothing of ours has it.
  constexpr int kClientFd = 123456;
  const auto queue = [&] {
    buffer.planes[0].m.fd = kClientFd;
    buffer.buffer.memory = V4L2_MEMORY_DMABUF;
    buffer.planes[0].bytesused = 100;
    return companion.ioctl(VIDIOC_QBUF, buffer.buffer);
  };
  CHECK(queue() == EINVAL);
  cuse::Question import = companion.question(cuse::Operation::kImport);
  import.client_fd = kClientFd;
  UniqueFd none;
  CHECK(companion.ask(import, &none).error == EBADF);
  REQUIRE(companion.ask(import, &none, memory.get()).error == 0);
  CHECK(queue() == 0);
}

// Open files of the stateless decoder, of its media node and of the node of handles.
struct Requests : Companion {
  Requests() : nodes(v4l2::make_nodes(core::test::make_core(1), {})) {
    video = open(*nodes[1], ::getuid());
    media = open(*nodes[2], ::getuid());
  }

  struct File {
    std::unique_ptr<v4l2::OpenFile> file;
    cuse::Token token{};
  };
  File open(v4l2::Device& device, uid_t user) {
    File opened{companions.wrap(std::move(device.open()).value(), user)};
    cuse::CompanionInfo told{};
    TestClient client;
    REQUIRE(opened.file->ioctl(cuse::kCompanionIoctl, std::as_writable_bytes(std::span(&told, 1)),
                               client) == 0);
    CHECK(std::string(told.request_node) == "/dev/handles");
    opened.token = told.token;
    return opened;
  }
  File open_handle(uid_t user = ::getuid()) {
    cuse::RequestDevice device("handles");
    return open(device, user);
  }
  cuse::Answer tell(cuse::Operation operation, const File& file, const File& handle) const {
    cuse::Question asked{};
    asked.operation = operation;
    asked.token = file.token;
    asked.handle = handle.token;
    UniqueFd none;
    return ask(asked, &none);
  }
  int allocate(const File& handle) const {
    return tell(cuse::Operation::kNewRequest, media, handle).error;
  }
  uint32_t know(const File& handle, const File& by) const {
    const cuse::Answer answer = tell(cuse::Operation::kKnowRequest, by, handle);
    REQUIRE(answer.error == 0);
    return static_cast<uint32_t>(answer.offset);
  }
  // VIDIOC_S_EXT_CTRLS of nothing, for a request: only whether the request is known there.
  static int touch(const File& file, uint32_t number) {
    v4l2_ext_controls controls{};
    controls.which = V4L2_CTRL_WHICH_REQUEST_VAL;
    controls.request_fd = 5;  // the client's affair
    controls.reserved[0] = number;
    TestClient client;
    return file.file->ioctl(VIDIOC_S_EXT_CTRLS, std::as_writable_bytes(std::span(&controls, 1)),
                            client);
  }
  static int call(const File& handle, uint32_t request) {
    TestClient client;
    return handle.file->ioctl(request, {}, client);
  }

  std::vector<std::unique_ptr<v4l2::Device>> nodes;
  File video, media;
};

TEST_CASE("an empty handle becomes a request, once") {
  Requests requests;
  auto handle = requests.open_handle();
  int changes = 0;
  handle.file->set_listener([&] { ++changes; });
  CHECK(handle.file->poll() == POLLERR);
  CHECK(Requests::call(handle, MEDIA_REQUEST_IOC_REINIT) == ENOTTY);
  CHECK_FALSE(handle.file->map(0, 4096).ok());
  REQUIRE(requests.allocate(handle) == 0);
  CHECK(requests.allocate(handle) == EBUSY);
  // As the request itself.
  CHECK(Requests::call(handle, MEDIA_REQUEST_IOC_QUEUE) == ENOENT);
  changes = 0;
  CHECK(Requests::call(handle, MEDIA_REQUEST_IOC_REINIT) == 0);
  CHECK(changes == 1);
  CHECK(handle.file->poll() == POLLERR);
}

TEST_CASE("a video node knows the requests that it was told of, while they are open") {
  Requests requests;
  auto handle = requests.open_handle();
  REQUIRE(requests.allocate(handle) == 0);
  CHECK(Requests::touch(requests.video, 0) == EINVAL);
  CHECK(Requests::touch(requests.video, 1) == EINVAL);
  const uint32_t number = requests.know(handle, requests.video);
  CHECK(Requests::touch(requests.video, number) == 0);
  CHECK(Requests::touch(requests.video, number + 1) == EINVAL);
  CHECK(requests.know(handle, requests.video) == number);
  // Another open file of that node was told nothing.
  const auto other = requests.open(*requests.nodes[1], ::getuid());
  CHECK(Requests::touch(other, number) == EINVAL);

  auto second = requests.open_handle();
  REQUIRE(requests.allocate(second) == 0);
  const uint32_t second_number = requests.know(second, requests.video);
  CHECK(second_number != number);
  handle.file.reset();
  CHECK(Requests::touch(requests.video, number) == EINVAL);
  CHECK(Requests::touch(requests.video, second_number) == 0);
}

TEST_CASE("QBUF finds its request by number") {
  Requests requests;
  auto handle = requests.open_handle();
  REQUIRE(requests.allocate(handle) == 0);
  TestClient client;
  const auto call = [&](uint32_t request, auto& argument) {
    return requests.video.file->ioctl(request, std::as_writable_bytes(std::span(&argument, 1)),
                                      client);
  };
  v4l2_requestbuffers buffers{};
  buffers.count = 1;
  buffers.type = kOutput;
  buffers.memory = V4L2_MEMORY_MMAP;
  REQUIRE(call(VIDIOC_REQBUFS, buffers) == 0);
  TestFile::Buffer buffer(kOutput, 0);
  buffer.buffer.length = 1;
  buffer.planes[0].bytesused = 100;
  buffer.buffer.flags = V4L2_BUF_FLAG_REQUEST_FD;
  buffer.buffer.request_fd = 5;
  CHECK(call(VIDIOC_QBUF, buffer.buffer) == EINVAL);
  buffer.buffer.reserved2 = requests.know(handle, requests.video);
  REQUIRE(call(VIDIOC_QBUF, buffer.buffer) == 0);
  // What the client hears of is its own descriptor.
  CHECK(buffer.buffer.request_fd == 5);
  CHECK((buffer.buffer.flags & V4L2_BUF_FLAG_REQUEST_FD) != 0);
  // The buffer is there, its controls are not.
  CHECK(Requests::call(handle, MEDIA_REQUEST_IOC_QUEUE) == ENOENT);
  CHECK(Requests::call(handle, MEDIA_REQUEST_IOC_REINIT) == 0);
}

TEST_CASE("requests of others, and what is none, are refused") {
  Requests requests;
  auto handle = requests.open_handle();
  auto others = requests.open_handle(::getuid() + 1);
  CHECK(requests.tell(cuse::Operation::kNewRequest, requests.media, others).error == EPERM);
  CHECK(requests.tell(cuse::Operation::kKnowRequest, requests.video, others).error == EINVAL);
  // Empty; not a handle; not a media node; the same file twice.
  const auto known = cuse::Operation::kKnowRequest;
  CHECK(requests.tell(known, requests.video, handle).error == EINVAL);
  CHECK(requests.tell(known, requests.video, requests.video).error == EINVAL);
  CHECK(requests.tell(cuse::Operation::kNewRequest, requests.video, handle).error == ENOTTY);
  CHECK(requests.tell(cuse::Operation::kNewRequest, requests.media, requests.media).error ==
        EINVAL);
  CHECK(requests.tell(cuse::Operation::kNewRequest, handle, handle).error == ENOTTY);
  REQUIRE(requests.allocate(handle) == 0);
  CHECK(requests.tell(known, handle, handle).error == 0);
  handle.file.reset();
  CHECK(requests.tell(known, requests.video, handle).error == EINVAL);
  CHECK(requests.allocate(handle) == EPERM);
}

TEST_CASE("who says nothing, half a word or nonsense hurts nobody") {
  Companion companion;
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(companion.connect());
  const std::byte half[8]{};
  const UniqueFd socket = companion.connect();
  CHECK(cuse::send_packet(socket.get(), half, -1));
  cuse::Answer answer{};
  UniqueFd none;
  CHECK_FALSE(
      cuse::receive_packet(socket.get(), std::as_writable_bytes(std::span(&answer, 1)), &none));
  cuse::Question question = companion.question(static_cast<cuse::Operation>(77));
  CHECK(companion.ask(question, &none, STDERR_FILENO).error == EINVAL);
}

}  // namespace
}  // namespace daedalus::test
