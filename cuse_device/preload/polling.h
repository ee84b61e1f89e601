// poll(2) and select(2) over descriptors of which some are ours.
//
// The kernel sleeps on the others as they are and, for all of ours, on one eventfd that every
// change of them wakes; then ours are asked what holds. Nothing is ever polled twice without a
// change.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_POLLING_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_POLLING_H_

#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <time.h>

#include <cstdint>

namespace daedalus::preload {

// What is left of a timeout, whatever the clock of the wall does.
class Deadline {
 public:
  // Null: never.
  explicit Deadline(const timespec* timeout);
  // Milliseconds, as poll(2): below 0 is never.
  static Deadline after_milliseconds(int timeout);
  // Null where it never comes; zero once it has.
  const timespec* left();
  bool passed();

 private:
  bool never_;
  int64_t end_ = 0;  // nanoseconds of CLOCK_MONOTONIC
  timespec left_{};
};

// Whether any descriptor is ours; cheap where none is.
bool concerns_us(const pollfd* entries, nfds_t count);
bool concerns_us(int count, const fd_set* read, const fd_set* write, const fd_set* except);

// As ppoll(2).
int poll_mixed(pollfd* entries, nfds_t count, Deadline deadline, const sigset_t* mask);
// As pselect(2).
int select_mixed(int count, fd_set* read, fd_set* write, fd_set* except, Deadline deadline,
                 const sigset_t* mask);

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_POLLING_H_
