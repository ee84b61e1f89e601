#include "decode_core/frame_buffer.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "test/catch.h"

namespace daedalus::core {
namespace {

std::shared_ptr<FrameMemory> take(FramePool& pool, size_t size) {
  auto memory = pool.allocate(size);
  REQUIRE(memory.ok());
  return *memory;
}

TEST_CASE("frame memory is aligned and writable to its end") {
  FramePool pool;
  for (const size_t size : {1, 63, 64, 65, 100'000}) {
    const auto memory = take(pool, size);
    CHECK(memory->size() == size);
    CHECK(reinterpret_cast<uintptr_t>(memory->data()) % FrameMemory::kAlignment == 0);
    std::memset(memory->data(), 0xa5, size);
  }
}

TEST_CASE("frame memory that was let go comes again, and only then") {
  FramePool pool;
  auto first = take(pool, 1000);
  const auto second = take(pool, 1000);
  CHECK(first->data() != second->data());
  const uint8_t* data = first->data();
  first.reset();
  CHECK(take(pool, 1000)->data() == data);
}

TEST_CASE("what lies idle is bounded, and dropped at another size") {
  FramePool pool;
  {
    std::vector<std::shared_ptr<FrameMemory>> many;
    for (size_t i = 0; i < FramePool::kMaxIdle * 3; ++i) many.push_back(take(pool, 64));
  }
  auto other_size = take(pool, 128);
  auto old_size = take(pool, 64);
  other_size.reset();  // not of the pool's size any more: it must not come again as 64 bytes
  CHECK(take(pool, 64)->size() == 64);
  CHECK(old_size->size() == 64);
}

TEST_CASE("sizes that no picture has are refused") {
  FramePool pool;
  for (const size_t size : {size_t{0}, (size_t{256} << 20) + 1, SIZE_MAX}) {
    const auto memory = pool.allocate(size);
    REQUIRE_FALSE(memory.ok());
    CHECK(memory.error().code == ErrorCode::kOutOfMemory);
  }
}

TEST_CASE("frame memory may outlive its pool") {
  auto pool = std::make_unique<FramePool>();
  const auto memory = take(*pool, 500);
  pool.reset();
  std::memset(memory->data(), 1, memory->size());
}

TEST_CASE("threads may share a pool") {
  FramePool pool;
  std::vector<std::thread> threads;
  for (uint8_t t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (int i = 0; i < 2000; ++i) {
        auto memory = pool.allocate(i % 50 == 0 ? 256 : 512);
        if (memory) std::memset((*memory)->data(), t, (*memory)->size());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(pool.allocate(512).ok());
}

}  // namespace
}  // namespace daedalus::core
