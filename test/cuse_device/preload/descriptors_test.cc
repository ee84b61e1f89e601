// Descriptors: what duplicates, ends and survives, and what others do not notice.
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "cuse_device/preload/process.h"
#include "test/catch.h"
#include "test/cuse_device/preload/testing.h"

namespace daedalus::test {
namespace {

uint32_t output_format(int fd) {
  v4l2_format format{};
  format.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  return call(fd, VIDIOC_G_FMT, &format) == 0 ? format.fmt.pix_mp.pixelformat : 0;
}

void set_output_format(int fd, uint32_t fourcc) {
  v4l2_format format{};
  format.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  format.fmt.pix_mp.pixelformat = fourcc;
  REQUIRE(call(fd, VIDIOC_S_FMT, &format) == 0);
}

// The exit status of a child that runs `body`.
template <typename F>
int in_child(F body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

TEST_CASE("duplicates are one open file, which the last of them ends") {
  UniqueFd first = open_node();
  REQUIRE(first);
  const int original = first.get();
  std::vector<UniqueFd> copies;
  copies.emplace_back(::dup(original));
  copies.emplace_back(::fcntl(original, F_DUPFD_CLOEXEC, 100));
  CHECK(copies.back().get() >= 100);
  const int target = ::dup(STDERR_FILENO);
  copies.emplace_back(::dup2(original, target));
  copies.emplace_back(::dup3(original, ::dup(STDERR_FILENO), O_CLOEXEC));
  set_output_format(original, V4L2_PIX_FMT_VP9);
  for (const UniqueFd& copy : copies) {
    REQUIRE(copy);
    CHECK(output_format(copy.get()) == V4L2_PIX_FMT_VP9);
  }
  first.reset();
  CHECK(output_format(copies.back().get()) == V4L2_PIX_FMT_VP9);
  const UniqueFd other = open_node();
  CHECK(output_format(other.get()) != V4L2_PIX_FMT_VP9);
  const int last = copies.back().get();
  copies.clear();
  CHECK_FALSE(preload::descriptors.has(last));
  CHECK_FALSE(is_decoder(last));
}

TEST_CASE("what is copied onto a descriptor of ours takes its place") {
  const Pipe pipe;
  UniqueFd fd = open_node();
  REQUIRE(::dup2(pipe.writer.get(), fd.get()) == fd.get());
  CHECK(::write(fd.get(), "x", 1) == 1);
  CHECK(pipe.read());
  CHECK_FALSE(is_decoder(fd.get()));
}

TEST_CASE("close_range and closefrom end ours too") {
  for (const bool from : {false, true}) {
    const int low = open_node().release();
    const int high = ::fcntl(low, F_DUPFD_CLOEXEC, 1000);
    REQUIRE(high >= 1000);
    REQUIRE(::close_range(1000, ~0u, CLOSE_RANGE_CLOEXEC) == 0);
    CHECK(is_decoder(high));
    if (from) {
      ::closefrom(1000);
    } else {
      REQUIRE(::close_range(1000, 2000, 0) == 0);
    }
    CHECK_FALSE(preload::descriptors.has(high));
    CHECK(is_decoder(low));
    ::close(low);
  }
}

TEST_CASE("a number that was closed behind our back is not taken for ours") {
  const int fd = open_node().release();
  std::FILE* const stream = ::fdopen(fd, "r");
  REQUIRE(stream != nullptr);
  std::fclose(stream);  // inside the C library
  const UniqueFd next(::open("/dev/null", O_RDWR | O_CLOEXEC));
  CHECK(next.get() == fd);
  CHECK_FALSE(is_decoder(next.get()));
}

TEST_CASE("status flags are the kernel's, shared by duplicates") {
  const UniqueFd fd = open_node();
  const UniqueFd copy(::dup(fd.get()));
  CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  int on = 1;
  CHECK(::ioctl(copy.get(), FIONBIO, &on) == 0);
  CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK(take_event(fd.get()) == ENOENT);
  const UniqueFd born(open_node(O_NONBLOCK));
  CHECK((::fcntl(born.get(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("wrong pointers, numbers and calls get the kernel's errno") {
  const UniqueFd fd = open_node(O_NONBLOCK);
  CHECK(call<void>(fd.get(), VIDIOC_QUERYCAP, nullptr) == EFAULT);
  CHECK(call(fd.get(), VIDIOC_G_FMT, reinterpret_cast<void*>(uintptr_t{64})) == EFAULT);
  char byte = 0;
  CHECK(call(fd.get(), _IOWR('V', 200, char), &byte) == ENOTTY);
  CHECK(::read(fd.get(), &byte, 1) == -1);
  CHECK(errno == EINVAL);
  CHECK(::write(fd.get(), &byte, 1) == -1);
  CHECK(errno == EINVAL);
  CHECK(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd.get(), 0) == MAP_FAILED);
  CHECK(errno == EINVAL);
}

TEST_CASE("buffers are mapped, shared, and outlive the node") {
  UniqueFd fd = open_node();
  v4l2_requestbuffers request{};
  request.type = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
  request.memory = V4L2_MEMORY_MMAP;
  request.count = 1;
  REQUIRE(call(fd.get(), VIDIOC_REQBUFS, &request) == 0);
  v4l2_plane plane{};
  v4l2_buffer buffer{};
  buffer.type = request.type;
  buffer.memory = request.memory;
  buffer.m.planes = &plane;
  buffer.length = 1;
  REQUIRE(call(fd.get(), VIDIOC_QUERYBUF, &buffer) == 0);
  const auto map = [&](int flags) {
    return ::mmap(nullptr, plane.length, PROT_READ | PROT_WRITE, flags, fd.get(),
                  plane.m.mem_offset);
  };
  CHECK(map(MAP_PRIVATE) == MAP_FAILED);
  auto* const first = static_cast<char*>(map(MAP_SHARED));
  auto* const second = static_cast<char*>(map(MAP_SHARED));
  REQUIRE((first != MAP_FAILED && second != MAP_FAILED));
  fd.reset();
  first[plane.length - 1] = 'x';
  CHECK(second[plane.length - 1] == 'x');
  ::munmap(first, plane.length);
  ::munmap(second, plane.length);
  void* const anonymous = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(anonymous != MAP_FAILED);
  ::munmap(anonymous, 4096);
}

TEST_CASE("a forked child finds the parent's files dead and opens its own") {
  const UniqueFd fd = open_node();
  REQUIRE(is_decoder(fd.get()));
  CHECK(in_child([&] {
          v4l2_capability capability{};
          if (call(fd.get(), VIDIOC_QUERYCAP, &capability) != ENODEV) return 1;
          const UniqueFd copy(::dup(fd.get()));
          if (call(copy.get(), VIDIOC_QUERYCAP, &capability) != ENODEV) return 2;
          if (::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd.get(), 0) != MAP_FAILED) return 3;
#ifndef __SANITIZE_THREAD__
          // ThreadSanitizer has no threads in such a child.
          if (!is_decoder(open_node().get())) return 4;
#endif
          return 0;
        }) == 0);
  CHECK(is_decoder(fd.get()));
}

TEST_CASE("a child on borrowed memory takes nothing from its parent") {
  const UniqueFd fd = open_node();
  const int number = fd.get();
  volatile int seen = 0;
  const pid_t child = ::vfork();
  if (child == 0) {
    v4l2_capability capability;
    seen = ::ioctl(number, VIDIOC_QUERYCAP, &capability) == -1 ? errno : 0;
    ::close(number);
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK((seen == ENODEV || seen == 0));
  CHECK(is_decoder(number));
}

TEST_CASE("threads open, duplicate and close at the same time") {
  std::vector<std::thread> threads;
  std::array<int, 4> wrong{};
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&wrong, t] {
      for (int i = 0; i < 50; ++i) {
        const UniqueFd fd = open_node();
        const UniqueFd copy(::dup(fd.get()));
        const UniqueFd foreign(::open("/dev/null", O_RDWR | O_CLOEXEC));
        wrong[t] += is_decoder(copy.get()) ? 0 : 1;
        wrong[t] += is_decoder(foreign.get()) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK(count == 0);
}

}  // namespace daedalus::test
