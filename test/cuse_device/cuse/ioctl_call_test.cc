// Ioctls of the real stateful node, carried as CUSE carries them: memory comes by retry.
#include "cuse_device/cuse/ioctl_call.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "cuse_device/v4l2/stateful_device.h"
#include "decode_core/uapi/controls.h"
#include "test/catch.h"
#include "test/cuse_device/cuse/fake_kernel.h"
#include "test/cuse_device/v4l2/test_client.h"
#include "test/decode_core/stream/streams.h"

namespace daedalus::test {
namespace {

std::unique_ptr<v4l2::OpenFile> open_stateful() {
  v4l2::StatefulDevice device(core::test::make_core(1), v4l2::StatefulDevice::Options{});
  return std::move(device.open()).value();
}

// A file whose ioctl is the test's.
class ScriptedFile : public v4l2::OpenFile {
 public:
  using Script = std::function<int(std::span<std::byte> argument, v4l2::Client& client)>;
  explicit ScriptedFile(Script script) : script_(std::move(script)) {}
  int ioctl(uint32_t, std::span<std::byte> argument, v4l2::Client& client) override {
    return script_(argument, client);
  }
  short poll() override { return 0; }
  Result<v4l2::MappedRange> map(uint64_t, size_t) override { return Error{}; }
  void set_listener(std::function<void()>) override {}

 private:
  const Script script_;
};

constexpr uint32_t kNoArgument = _IO('V', 200);

TEST_CASE("an argument that only goes out takes two trips, one that goes both ways too") {
  const auto file = open_stateful();
  FakeKernel kernel;
  v4l2_capability capability{};
  CHECK(kernel.ioctl(*file, VIDIOC_QUERYCAP, &capability) == 0);
  CHECK(kernel.trips == 2);
  CHECK(std::string(reinterpret_cast<const char*>(capability.driver)) == "daedalus");
  v4l2_format format{};
  format.type = kOutput;
  CHECK(kernel.ioctl(*file, VIDIOC_G_FMT, &format) == 0);
  CHECK(kernel.trips == 2);
  CHECK(format.fmt.pix_mp.pixelformat == V4L2_PIX_FMT_H264);
}

TEST_CASE("nested pointers are fetched level by level, and written where they were read") {
  const auto file = open_stateful();
  FakeKernel kernel;
  v4l2_requestbuffers buffers{};
  buffers.count = 2;
  buffers.type = kOutput;
  buffers.memory = V4L2_MEMORY_MMAP;
  REQUIRE(kernel.ioctl(*file, VIDIOC_REQBUFS, &buffers) == 0);
  TestFile::Buffer buffer(kOutput, 1);
  buffer.buffer.length = 1;
  REQUIRE(kernel.ioctl(*file, VIDIOC_QUERYBUF, &buffer.buffer) == 0);
  CHECK(kernel.trips == 3);
  CHECK(buffer.buffer.length == 1);
  CHECK(buffer.planes[0].length > 0);
  CHECK(buffer.planes[0].m.mem_offset != 0);
}

TEST_CASE("controls that fail still say where") {
  const auto file = open_stateful();
  FakeKernel kernel;
  v4l2_ext_control array[2]{};
  array[0].id = V4L2_CID_MIN_BUFFERS_FOR_CAPTURE;
  array[1].id = V4L2_CID_BRIGHTNESS;
  v4l2_ext_controls controls{};
  controls.count = 2;
  controls.controls = array;
  controls.error_idx = 77;
  CHECK(kernel.ioctl(*file, VIDIOC_TRY_EXT_CTRLS, &controls) == EINVAL);
  CHECK(controls.error_idx == 1);
  controls.count = 1;
  CHECK(kernel.ioctl(*file, VIDIOC_G_EXT_CTRLS, &controls) == 0);
  CHECK(kernel.trips == 3);
  CHECK(array[0].value > 0);
}

TEST_CASE("pointers to nowhere are EFAULT, whichever level they are of") {
  const auto file = open_stateful();
  FakeKernel kernel;
  CHECK(kernel.ioctl(*file, VIDIOC_G_FMT, bad_pointer()) == EFAULT);
  v4l2_ext_controls controls{};
  controls.count = 1;
  controls.controls = static_cast<v4l2_ext_control*>(bad_pointer());
  CHECK(kernel.ioctl(*file, VIDIOC_G_EXT_CTRLS, &controls) == EFAULT);
}

TEST_CASE("unknown ioctls are ENOTTY, with and without argument") {
  const auto file = open_stateful();
  FakeKernel kernel;
  uint32_t word = 0;
  CHECK(kernel.ioctl(*file, kNoArgument, nullptr) == ENOTTY);
  CHECK(kernel.ioctl(*file, _IOWR('V', 201, uint32_t), &word) == ENOTTY);
}

TEST_CASE("what is beyond the kernel's bounds is ENOMEM, and asked for nowhere") {
  std::vector<std::byte> memory(cuse::kMaxIoctlBytes + 1);
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  FakeKernel kernel;
  const auto read = [&](size_t size) {
    ScriptedFile file([&](std::span<std::byte>, v4l2::Client& client) {
      std::vector<std::byte> to(size);
      return client.read(address, to.data(), size) ? 0 : EFAULT;
    });
    return kernel.ioctl(file, kNoArgument, nullptr);
  };
  CHECK(read(cuse::kMaxIoctlBytes) == 0);
  CHECK(read(cuse::kMaxIoctlBytes + 1) == ENOMEM);

  const auto read_ranges = [&](size_t count) {
    ScriptedFile file([&](std::span<std::byte>, v4l2::Client& client) {
      bool fetched = true;
      for (size_t i = 0; i < count; ++i) {
        std::byte to{};
        fetched = client.read(address + 2 * i, &to, 1) && fetched;
      }
      return fetched ? 0 : EFAULT;
    });
    return kernel.ioctl(file, kNoArgument, nullptr);
  };
  CHECK(read_ranges(cuse::kMaxIoctlRanges / 2) == 0);
  CHECK(kernel.trips == 2);  // all that is missing is asked for at once
  CHECK(read_ranges(cuse::kMaxIoctlRanges / 2 + 1) == ENOMEM);

  const uint64_t huge[] = {SIZE_MAX, SIZE_MAX - 16};
  for (const uint64_t size : huge) {
    ScriptedFile file([&](std::span<std::byte>, v4l2::Client& client) {
      std::byte to{};
      return client.read(address, &to, size) ? 0 : EFAULT;
    });
    CHECK(kernel.ioctl(file, kNoArgument, nullptr) == ENOMEM);
  }
}

TEST_CASE("only what was read can be written, part of it too") {
  uint8_t memory[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  const auto address = reinterpret_cast<uintptr_t>(memory);
  FakeKernel kernel;
  ScriptedFile file([&](std::span<std::byte>, v4l2::Client& client) {
    uint8_t bytes[4];
    if (!client.read(address, bytes, 4)) return EFAULT;
    const uint8_t nine = 9;
    CHECK(client.write(address + 1, &nine, 1));
    CHECK_FALSE(client.write(address + 4, &nine, 1));
    CHECK_FALSE(client.write(address + 3, memory, 2));
    CHECK_FALSE(client.write(address - 1, &nine, 1));
    CHECK(client.read(address + 1, bytes, 1));
    CHECK(bytes[0] == 9);
    return 0;
  });
  CHECK(kernel.ioctl(file, kNoArgument, nullptr) == 0);
  CHECK(memory[0] == 1);
  CHECK(memory[1] == 9);
  CHECK(memory[4] == 5);
}

TEST_CASE("a client that changes its memory between the trips hurts nobody but itself") {
  const auto file = open_stateful();
  FakeKernel kernel;
  v4l2_ext_control array[63 + 15]{};
  v4l2_ext_controls controls{};
  uint32_t seed = 1;
  kernel.between = [&] {
    seed = seed * 1664525 + 1013904223;
    controls.count = seed >> 26;
    controls.controls = array + (seed >> 20 & 15);
    for (auto& control : array) control.id = V4L2_CID_MIN_BUFFERS_FOR_CAPTURE + (seed >> 31);
  };
  for (int i = 0; i < 500; ++i) {
    controls.count = 1;
    controls.controls = array;
    const int error = kernel.ioctl(*file, VIDIOC_G_EXT_CTRLS, &controls);
    const bool known = error == 0 || error == EINVAL || error == ENOMEM || error == EFAULT ||
                       error == ELOOP || error == EIO;
    CHECK(known);
  }
}

TEST_CASE("what needs descriptors in the client does not exist") {
  const auto file = open_stateful();
  FakeKernel kernel;
  v4l2_exportbuffer buffer{};
  CHECK(kernel.ioctl(*file, VIDIOC_EXPBUF, &buffer) == ENOTTY);
}

TEST_CASE("no descriptors and no requests without a companion in the client") {
  cuse::ClientMemory client({}, std::nullopt);
  CHECK(client.give_fd(UniqueFd(), false) == -ENOTTY);
  CHECK_FALSE(client.take_fd(0).ok());
  CHECK(client.give_request(nullptr) == -ENOTTY);
  CHECK(client.find_request(0) == nullptr);
}

TEST_CASE("user pointers reach the caller's memory directly") {
  std::vector<uint8_t> memory(1 << 20, 7);
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  if (::process_vm_readv(::getpid(), nullptr, 0, nullptr, 0, 0) < 0) {
    REQUIRE(errno == ENOSYS);
    DAEDALUS_SKIP("this kernel (or emulator) has no process_vm_readv");
  }
  cuse::ClientMemory client({}, ::getpid());
  std::vector<uint8_t> copy(memory.size());
  CHECK(client.read(address, copy.data(), copy.size()));
  CHECK((copy == memory));  // a whole megabyte is not to be printed
  const uint8_t five = 5;
  CHECK(client.write(address + 3, &five, 1));
  CHECK(memory[3] == 5);
  CHECK_FALSE(client.read(0x10, copy.data(), 1));
  CHECK_FALSE(client.write(0x10, &five, 1));
  CHECK(client.missing().empty());
}

}  // namespace
}  // namespace daedalus::test
