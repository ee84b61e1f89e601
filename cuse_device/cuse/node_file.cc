#include "cuse_device/cuse/node_file.h"

#include <cerrno>
#include <utility>

#include "cuse_device/cuse/companion_protocol.h"

namespace daedalus::cuse {

NodeFile::NodeFile(std::unique_ptr<v4l2::OpenFile> file, bool blocking, std::function<void()> wake)
    : file_(std::move(file)), blocking_(blocking) {
  file_->set_listener(std::move(wake));
}

NodeFile::~NodeFile() {
  file_->set_listener(nullptr);
  for (Parked& parked : parked_) parked.pending->answer({ENODEV, {}, {}, {}, 0});
}

void NodeFile::ioctl(std::unique_ptr<PendingIoctl> pending, IoctlCall call) {
  if (call.request == kWaitIoctl) {
    blocking_ = call.address != 0;
    pending->answer({});
    return;
  }
  const IoctlAnswer answer = run_ioctl(*file_, call);
  const v4l2::Parking parking = v4l2::parking_of(call.request, answer.error);
  if (parking == v4l2::Parking::kNone || (parking == v4l2::Parking::kIfBlocking && !blocking_)) {
    pending->answer(answer);
    return;
  }
  Parked* parked = nullptr;
  {
    std::lock_guard lock(mutex_);
    parked = &parked_.emplace_back();
    parked->pending = std::move(pending);
    parked->call = std::move(call);
  }
  parked->pending->watch_interrupts();
  {
    std::lock_guard lock(mutex_);
    parked->ready = true;
  }
  serve();  // what changed since the attempt
}

short NodeFile::poll(std::unique_ptr<PollWaiter> waiter) {
  if (waiter) {
    std::lock_guard lock(mutex_);
    waiter_.swap(waiter);
  }
  return file_->poll();
}

void NodeFile::serve() {
  std::unique_lock lock(mutex_);
  serve_again_ = true;
  if (serving_) return;
  serving_ = true;
  while (std::exchange(serve_again_, false)) {
    for (Parked& parked : parked_) parked.tried = false;
    const std::unique_ptr<PollWaiter> waiter = std::move(waiter_);
    lock.unlock();
    if (waiter) waiter->notify();
    while (Parked* parked = next_to_try()) try_again(parked);
    lock.lock();
  }
  serving_ = false;
}

NodeFile::Parked* NodeFile::next_to_try() {
  std::lock_guard lock(mutex_);
  for (Parked& parked : parked_) {
    if (!parked.ready || parked.tried) continue;
    parked.tried = true;
    return &parked;
  }
  return nullptr;
}

// Only serve() takes entries out, one thread at a time, so this one stays.
void NodeFile::try_again(Parked* parked) {
  IoctlAnswer answer = run_ioctl(*file_, parked->call);
  const v4l2::Parking parking = v4l2::parking_of(parked->call.request, answer.error);
  if (parking != v4l2::Parking::kNone) {
    if (parking == v4l2::Parking::kAlways || !parked->pending->interrupted()) return;
    answer.error = EINTR;
  }
  parked->pending->answer(answer);
  std::lock_guard lock(mutex_);
  parked_.remove_if([parked](const Parked& entry) { return &entry == parked; });
}

size_t NodeFile::parked() const {
  std::lock_guard lock(mutex_);
  return parked_.size();
}

}  // namespace daedalus::cuse
