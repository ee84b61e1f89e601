#include "decode_core/frame_buffer.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
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

// Memory that is told from the heap's by its first byte.
class MarkedSource final : public FrameMemorySource {
 public:
  static constexpr uint8_t kMark = 0xc3;

  bool is_wanted(size_t) override { return left > 0; }
  std::unique_ptr<FrameMemory> allocate(size_t size) override {
    if (refuses) {
      left = 0;
      return nullptr;
    }
    --left;
    auto block = std::make_shared<Block>();
    block->bytes[0] = kMark;
    alive = block;
    uint8_t* const data = block->bytes.data();
    return std::make_unique<FrameMemory>(std::move(block), data, size);
  }

  struct Block {
    alignas(FrameMemory::kAlignment) std::array<uint8_t, 1024> bytes{};
  };
  std::atomic<int> left = 0;
  bool refuses = false;
  std::weak_ptr<Block> alive;  // the last one
};

bool is_marked(const std::shared_ptr<FrameMemory>& memory) {
  return memory->data()[0] == MarkedSource::kMark;
}

TEST_CASE("frame memory is a source's as long as it is wanted") {
  const auto source = std::make_shared<MarkedSource>();
  FramePool pool(source);
  auto of_heap = take(pool, 512);
  of_heap->data()[0] = 0;
  source->left = 10;
  auto first = take(pool, 512);
  CHECK(is_marked(first));
  CHECK(first->size() == 512);
  of_heap.reset();  // not of the source: it must not come again
  auto second = take(pool, 512);
  CHECK(is_marked(second));
  CHECK(source->left == 8);
  second.reset();
  CHECK(is_marked(take(pool, 512)));  // recycled
  CHECK(source->left == 8);
  // Of another size, and when it is not wanted any more, what lies idle is let go.
  second = take(pool, 512);
  const auto idle = source->alive;
  second.reset();
  CHECK_FALSE(idle.expired());
  source->left = 0;
  const auto after = take(pool, 512);
  after->data()[0] = 0;
  CHECK(idle.expired());
  first.reset();
  CHECK_FALSE(is_marked(take(pool, 512)));
}

TEST_CASE("where a source has nothing, frame memory is the heap's") {
  const auto source = std::make_shared<MarkedSource>();
  source->left = 1;
  source->refuses = true;
  FramePool pool(source);
  auto memory = take(pool, 512);
  std::memset(memory->data(), 1, 512);
  memory.reset();
  CHECK(take(pool, 512)->size() == 512);
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
