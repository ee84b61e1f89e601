// What companions get over the daemon's socket, and what they do not.
#include "cuse_device/cuse/companions.h"

#include <fcntl.h>
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
#include "cuse_device/v4l2/stateful_device.h"
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
        companions(listening(path, &address), path) {
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
