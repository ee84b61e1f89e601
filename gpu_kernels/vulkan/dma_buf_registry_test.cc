#include "gpu_kernels/vulkan/dma_buf_registry.h"

#include <sys/mman.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gpu_kernels/vulkan/test_dma_buf.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

constexpr size_t kSize = 16384;

Result<std::shared_ptr<DmaBuf>> add(DmaBufRegistry& registry,
                                    const std::shared_ptr<const TestDmaBuf>& memory) {
  return registry.add(memory, memory->data(), memory->size(), memory->fd.get());
}

TEST_CASE("what lies wholly in a registered dma-buf is found") {
  const auto registry = DmaBufRegistry::create();
  const auto memory = TestDmaBuf::create(kSize);
  uint8_t* const data = memory->data();
  CHECK(registry->find(data, 1) == nullptr);
  auto added = add(*registry, memory);
  REQUIRE(added.ok());
  CHECK((*added)->data() == data);
  CHECK((*added)->size() == kSize);
  CHECK((*added)->fd() == memory->fd.get());
  CHECK(registry->find(data, kSize) == *added);
  CHECK(registry->find(data + kSize - 1, 1) == *added);
  CHECK(registry->find(data + 64, kSize - 64) == *added);
  CHECK(registry->find(data + 64, kSize - 63) == nullptr);
  CHECK(registry->find(data, SIZE_MAX) == nullptr);
  CHECK(registry->find(data - 1, 2) == nullptr);
  CHECK(registry->find(data + kSize, 1) == nullptr);
  *added = nullptr;
  CHECK(registry->find(data, 1) == nullptr);
}

TEST_CASE("a dma-buf that somebody works on stays mapped when its owner lets go") {
  const auto registry = DmaBufRegistry::create();
  auto memory = TestDmaBuf::create(kSize);
  const std::weak_ptr<const TestDmaBuf> mapped = memory;
  uint8_t* const data = memory->data();
  auto working = add(*registry, memory);
  REQUIRE(working.ok());
  memory.reset();
  REQUIRE_FALSE(mapped.expired());
  CHECK(registry->find(data, kSize) == *working);
  *working = nullptr;
  CHECK(mapped.expired());
  CHECK(registry->find(data, kSize) == nullptr);
}

TEST_CASE("a range that was unmapped and mapped anew is the new dma-buf's") {
  const auto registry = DmaBufRegistry::create();
  auto first = TestDmaBuf::create(kSize);
  uint8_t* const data = first->data();
  auto added = add(*registry, first);
  REQUIRE(added.ok());
  *added = nullptr;
  first.reset();
  const auto second = TestDmaBuf::create(kSize);
  void* const again = ::mmap(data, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE,
                             second->fd.get(), 0);
  if (again != data) {  // the kernel gave the same range already
    REQUIRE(second->data() == data);
  }
  auto anew = registry->add(second, data, kSize, second->fd.get());
  REQUIRE(anew.ok());
  CHECK(registry->find(data, kSize)->fd() == second->fd.get());
  *anew = nullptr;
  if (again == data) ::munmap(again, kSize);
}

TEST_CASE("a mapping that is registered twice is one, until both let go") {
  const auto registry = DmaBufRegistry::create();
  const auto memory = TestDmaBuf::create(kSize);
  auto first = add(*registry, memory);
  auto second = add(*registry, memory);
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  CHECK(*first == *second);
  *first = nullptr;
  CHECK(registry->find(memory->data(), kSize) == *second);
  *second = nullptr;
  CHECK(registry->find(memory->data(), kSize) == nullptr);
}

TEST_CASE("ranges that cannot be are refused, and disturb no other") {
  const auto registry = DmaBufRegistry::create();
  const auto memory = TestDmaBuf::create(kSize);
  const int fd = memory->fd.get();
  uint8_t* const data = memory->data();
  const auto added = registry->add(memory, data + 4096, 8192, fd);
  REQUIRE(added.ok());
  const auto is_refused = [&](uint8_t* at, size_t size, int of) {
    const auto refused = registry->add(memory, at, size, of);
    return !refused.ok() && refused.error().code == ErrorCode::kInvalidArgument;
  };
  CHECK(is_refused(data, 0, fd));
  CHECK(is_refused(data, SIZE_MAX, fd));
  CHECK(is_refused(data, 4097, fd));
  CHECK(is_refused(data, kSize, fd));
  CHECK(is_refused(data + 8192, 1, fd));
  CHECK(is_refused(data + 4096, 8192, fd + 1));
  CHECK(registry->find(data + 4096, 8192) == *added);
  CHECK(registry->add(memory, data, 4096, fd).ok());
  CHECK(registry->add(memory, data + 12288, 4096, fd).ok());
}

TEST_CASE("threads register, find and let go at the same time") {
  const auto registry = DmaBufRegistry::create();
  std::vector<std::shared_ptr<const TestDmaBuf>> memories;
  for (int i = 0; i < 4; ++i) memories.push_back(TestDmaBuf::create(kSize));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t round = 0; round < 2000; ++round) {
        const auto& mine = memories[(t + round) % 4];
        const auto added = add(*registry, mine);
        const auto found = registry->find(mine->data() + 1, 1);
        if (!added.ok() || found != *added) ++wrong;
        registry->find(memories[round % 4]->data(), kSize);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  for (const auto& memory : memories) CHECK(registry->find(memory->data(), 1) == nullptr);
}

}  // namespace
}  // namespace daedalus::gpu_kernels::vulkan
