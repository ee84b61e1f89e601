#include "test/decode_core/allocation_failure.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

constexpr int kNever = -1;
thread_local int allocations_left = kNever;

}  // namespace

namespace daedalus::core::test {

AllocationFailure::AllocationFailure(int left) { allocations_left = left; }
AllocationFailure::~AllocationFailure() { allocations_left = kNever; }

}  // namespace daedalus::core::test

void* operator new(size_t size) {
  if (allocations_left != kNever && allocations_left-- == 0) throw std::bad_alloc();
  void* const memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// The sanitizers have a form of each of their own, which must not be mixed with ours.
void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { std::free(memory); }
