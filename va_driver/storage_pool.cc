#include "va_driver/storage_pool.h"

#include <bit>
#include <new>
#include <utility>

namespace daedalus::va {
namespace {

// Capacities are powers of two from this on; the allocator is good enough at what is smaller.
constexpr size_t kMinPooled = 4096;

}  // namespace

Storage::Storage(std::shared_ptr<StoragePool> pool, std::unique_ptr<uint8_t[]> bytes,
                 size_t capacity)
    : pool_(std::move(pool)), bytes_(std::move(bytes)), capacity_(capacity) {}

Storage& Storage::operator=(Storage&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = std::move(other.pool_);
    bytes_ = std::move(other.bytes_);
    capacity_ = other.capacity_;
  }
  return *this;
}

Storage::~Storage() { give_back(); }

void Storage::give_back() {
  if (bytes_ && pool_) pool_->put_back(std::move(bytes_), capacity_);
}

Storage StoragePool::allocate(size_t size) {
  if (size < kMinPooled) {
    return Storage(nullptr, std::unique_ptr<uint8_t[]>(new uint8_t[size]), size);
  }
  const size_t capacity = std::bit_ceil(size);
  {
    std::lock_guard lock(mutex_);
    auto& shelf = idle_[std::countr_zero(capacity)];
    if (!shelf.empty()) {
      std::unique_ptr<uint8_t[]> bytes = std::move(shelf.back());
      shelf.pop_back();
      idle_bytes_ -= capacity;
      return Storage(shared_from_this(), std::move(bytes), capacity);
    }
  }
  return Storage(shared_from_this(), std::unique_ptr<uint8_t[]>(new uint8_t[capacity]), capacity);
}

void StoragePool::put_back(std::unique_ptr<uint8_t[]> bytes, size_t capacity) {
  std::lock_guard lock(mutex_);
  if (idle_bytes_ + capacity > kMaxIdle) return;
  try {
    idle_[std::countr_zero(capacity)].push_back(std::move(bytes));
    idle_bytes_ += capacity;
  } catch (const std::bad_alloc&) {
    // Freed instead of kept.
  }
}

}  // namespace daedalus::va
