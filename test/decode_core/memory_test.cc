#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "decode_core/memory/surface_memory.h"
#include "test/catch.h"

namespace daedalus::core {
namespace {

TEST_CASE("surface memory is mapped, shared by its descriptor and whole pages") {
  const auto allocator = MemoryAllocator::create();
  for (const size_t size : {size_t{1}, size_t{4096}, size_t{4097}, size_t{3'110'400}}) {
    const auto memory = allocator->allocate(size, false);
    REQUIRE(memory.ok());
    REQUIRE((*memory)->size() >= size);
    (*memory)->begin_cpu_write();
    std::memset((*memory)->data(), 0x5a, size);
    (*memory)->end_cpu_write();
    auto other = Mapping::map((*memory)->fd(), size, 0, false);
    REQUIRE(other.ok());
    CHECK(other->data()[0] == 0x5a);
    CHECK(other->data()[size - 1] == 0x5a);
    CHECK((::fcntl((*memory)->fd(), F_GETFD) & FD_CLOEXEC) != 0);
    const std::string provider((*memory)->provider());
    CHECK((provider == "drm" || provider == "dma_heap" || provider == "udmabuf" ||
           provider == "memfd"));
    CHECK((*memory)->dma_buf() == (provider != "memfd"));
    CHECK((*memory)->cached() == (provider != "drm"));
  }
}

TEST_CASE("nobody who has the descriptor can shrink a memfd under our mapping") {
  const auto memory = MemoryAllocator::create()->allocate(8192, false);
  REQUIRE(memory.ok());
  if ((*memory)->dma_buf()) DAEDALUS_SKIP("this machine has dma-bufs");
  CHECK(::ftruncate((*memory)->fd(), 0) != 0);
  (*memory)->data()[8191] = 1;
}

TEST_CASE("where a dma-buf is needed there is one, or an error that names what is missing") {
  const auto allocator = MemoryAllocator::create();
  const auto memory = allocator->allocate(4096, true);
  if (memory) {
    CHECK((*memory)->dma_buf());
    return;
  }
  CHECK(memory.error().code == ErrorCode::kUnsupported);
  CHECK_THAT(memory.error().message, Catch::Matchers::ContainsSubstring("/dev/dma_heap"));
  CHECK_THAT(memory.error().message, Catch::Matchers::ContainsSubstring("/dev/udmabuf"));
  // The refusal is no obstacle for those who need none.
  CHECK(allocator->allocate(4096, false).ok());
}

TEST_CASE("a cached dma-buf is both, or an error that names what is missing") {
  const auto memory = MemoryAllocator::create()->allocate_cached(4096);
  if (memory) {
    CHECK((*memory)->dma_buf());
    CHECK((*memory)->cached());
    return;
  }
  CHECK_THAT(memory.error().message, Catch::Matchers::ContainsSubstring("/dev/dma_heap"));
  CHECK_THAT(memory.error().message, !Catch::Matchers::ContainsSubstring("render node"));
}

// Has memory of one kind alone.
class OneKind final : public MemoryAllocator {
 public:
  explicit OneKind(bool cached) : cached_(cached) {}
  Result<std::shared_ptr<SurfaceMemory>> allocate(size_t, bool require_dma_buf) override {
    return std::make_shared<SurfaceMemory>(UniqueFd(), Mapping(), require_dma_buf, cached_, "test");
  }

 private:
  bool cached_;
};

TEST_CASE("any allocator's cached memory is a dma-buf, and cached") {
  const auto memory = OneKind(true).allocate_cached(1);
  REQUIRE(memory.ok());
  CHECK((*memory)->dma_buf());
  CHECK(OneKind(false).allocate_cached(1).error().code == ErrorCode::kUnsupported);
}

// An eventfd is ready for writing as a dma-buf is whose fences are done.
TEST_CASE("others' work on a dma-buf is waited for, for so long") {
  constexpr std::chrono::milliseconds kSome{20};
  UniqueFd fences(::eventfd(0, EFD_CLOEXEC));
  const int fd = fences.get();
  const SurfaceMemory memory(std::move(fences), Mapping(), true, true, "test");
  CHECK(memory.await_others(kSome));
  const uint64_t full = UINT64_MAX - 1;
  REQUIRE(::write(fd, &full, sizeof full) == sizeof full);
  CHECK_FALSE(memory.await_others(kSome));
  auto waiting = std::async(std::launch::async,
                            [&] { return memory.await_others(std::chrono::milliseconds(60'000)); });
  CHECK(waiting.wait_for(kSome) == std::future_status::timeout);
  uint64_t read = 0;
  REQUIRE(::read(fd, &read, sizeof read) == sizeof read);
  CHECK(waiting.get());
  // What is no dma-buf has none.
  UniqueFd plain(::eventfd(0, EFD_CLOEXEC));
  REQUIRE(::write(plain.get(), &full, sizeof full) == sizeof full);
  CHECK(SurfaceMemory(std::move(plain), Mapping(), false, true, "test").await_others(kSome));
}

TEST_CASE("more memory than there can be is an error") {
  const auto memory = MemoryAllocator::create()->allocate(size_t{1} << 62, false);
  CHECK_FALSE(memory.ok());
}

}  // namespace
}  // namespace daedalus::core
