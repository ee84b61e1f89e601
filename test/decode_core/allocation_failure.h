// AllocationFailure: memory that runs out, on one thread, for a moment.
#ifndef DAEDALUS_TEST_DECODE_CORE_ALLOCATION_FAILURE_H_
#define DAEDALUS_TEST_DECODE_CORE_ALLOCATION_FAILURE_H_

namespace daedalus::core::test {

// While it lives, this thread's operator new throws std::bad_alloc once: when `left` allocations
// have been made. What C libraries allocate does not count. One at a time.
class AllocationFailure {
 public:
  explicit AllocationFailure(int left);
  ~AllocationFailure();
  AllocationFailure(const AllocationFailure&) = delete;
  AllocationFailure& operator=(const AllocationFailure&) = delete;
};

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_ALLOCATION_FAILURE_H_
