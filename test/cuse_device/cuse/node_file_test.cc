// Ioctls that wait, interrupts and poll, with a device and a kernel of the test's.
#include "cuse_device/cuse/node_file.h"

#include <poll.h>

#include <atomic>
#include <cerrno>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "cuse_device/cuse/companion_protocol.h"
#include "decode_core/uapi/controls.h"
#include "test/catch.h"

namespace daedalus::test {
namespace {

// DQEVENT takes one of the events that the test gave; G_FMT only looks whether there is one.
class FakeFile : public v4l2::OpenFile {
 public:
  int ioctl(uint32_t request, std::span<std::byte> argument, v4l2::Client&) override {
    if (request != VIDIOC_DQEVENT && request != VIDIOC_G_FMT) return ENOTTY;
    std::lock_guard lock(mutex_);
    if (request == VIDIOC_G_FMT) return events_ == 0 ? EAGAIN : 0;
    if (events_ == 0) return ENOENT;
    --events_;
    argument[0] = std::byte{1};
    return 0;
  }
  short poll() override {
    std::lock_guard lock(mutex_);
    return events_ != 0 ? POLLPRI : 0;
  }
  Result<v4l2::MappedRange> map(uint64_t, size_t) override { return Error{}; }
  void set_listener(std::function<void()> changed) override { changed_ = std::move(changed); }

  void give(int events) {
    {
      std::lock_guard lock(mutex_);
      events_ += events;
    }
    if (changed_) changed_();
  }

 private:
  std::mutex mutex_;
  int events_ = 0;
  std::function<void()> changed_;
};

// What became of an ioctl; outlives it, and so the file.
struct Fate {
  std::atomic<int> answers = 0;
  std::atomic<int> error = -1;
  std::atomic<size_t> output = 0;
  std::atomic<bool> interrupted = false;
  std::atomic<bool> watched = false;
};

class FakePending : public cuse::PendingIoctl {
 public:
  explicit FakePending(Fate* fate) : fate_(fate) {}
  void answer(const cuse::IoctlAnswer& answer) override {
    fate_->error = answer.error;
    fate_->output = answer.output.size();
    ++fate_->answers;
  }
  void watch_interrupts() override { fate_->watched = true; }
  bool interrupted() const override { return fate_->interrupted; }

 private:
  Fate* const fate_;
};

class FakeWaiter : public cuse::PollWaiter {
 public:
  FakeWaiter(int* notified, int* alive) : notified_(notified), alive_(alive) { ++*alive_; }
  ~FakeWaiter() override { --*alive_; }
  FakeWaiter(const FakeWaiter&) = delete;
  FakeWaiter& operator=(const FakeWaiter&) = delete;
  void notify() override { ++*notified_; }

 private:
  int* const notified_;
  int* const alive_;
};

// DQEVENT whose argument's room is there already.
cuse::IoctlCall dequeue_event() {
  cuse::IoctlCall call;
  call.request = VIDIOC_DQEVENT;
  call.output_size = sizeof(v4l2_event);
  return call;
}

// A file whose wakes are served at once, as one thread would.
struct Node {
  explicit Node(bool blocking) {
    auto fake = std::make_unique<FakeFile>();
    device = fake.get();
    file = std::make_unique<cuse::NodeFile>(std::move(fake), blocking, [this] { ++wakes; });
  }
  void ioctl(Fate* fate) { file->ioctl(std::make_unique<FakePending>(fate), dequeue_event()); }

  std::atomic<int> wakes = 0;
  FakeFile* device = nullptr;
  std::unique_ptr<cuse::NodeFile> file;
};

TEST_CASE("a file opened with O_NONBLOCK answers at once") {
  Fate fate;
  Node node(false);
  node.ioctl(&fate);
  CHECK(fate.answers == 1);
  CHECK(fate.error == ENOENT);
  CHECK(node.file->parked() == 0);
}

TEST_CASE("a companion tells that the flag has changed") {
  Fate changed, fate;
  Node node(true);
  cuse::IoctlCall change;
  change.request = cuse::kWaitIoctl;
  node.file->ioctl(std::make_unique<FakePending>(&changed), change);
  CHECK(changed.answers == 1);
  CHECK(changed.error == 0);
  node.ioctl(&fate);
  CHECK(fate.error == ENOENT);
  change.address = 1;
  node.file->ioctl(std::make_unique<FakePending>(&changed), change);
  node.ioctl(&fate);
  CHECK(fate.answers == 1);
  CHECK(node.file->parked() == 1);
}

TEST_CASE("what has to wait is parked, and answered in order as there is something") {
  Fate first, second;
  Node node(true);
  node.ioctl(&first);
  node.ioctl(&second);
  CHECK(node.file->parked() == 2);
  CHECK(first.watched);
  node.file->serve();
  CHECK(first.answers + second.answers == 0);
  node.device->give(1);
  CHECK(node.wakes == 1);
  node.file->serve();
  CHECK(first.answers == 1);
  CHECK(first.error == 0);
  CHECK(first.output == sizeof(v4l2_event));
  CHECK(second.answers == 0);
  node.device->give(1);
  node.file->serve();
  CHECK(second.answers == 1);
  CHECK(node.file->parked() == 0);
}

TEST_CASE("other ioctls and other errors are never parked") {
  Fate fate;
  Node node(true);
  cuse::IoctlCall call;
  call.request = VIDIOC_LOG_STATUS;
  node.file->ioctl(std::make_unique<FakePending>(&fate), call);
  CHECK(fate.answers == 1);
  CHECK(fate.error == ENOTTY);
}

TEST_CASE("a format that is being found out is waited for, whatever flag and signal say") {
  Fate fate;
  Node node(false);
  cuse::IoctlCall call;
  call.request = VIDIOC_G_FMT;
  call.input.resize(sizeof(v4l2_format));
  call.output_size = sizeof(v4l2_format);
  node.file->ioctl(std::make_unique<FakePending>(&fate), call);
  CHECK(node.file->parked() == 1);
  fate.interrupted = true;
  node.file->serve();
  CHECK(fate.answers == 0);
  node.device->give(1);
  node.file->serve();
  CHECK(fate.answers == 1);
  CHECK(fate.error == 0);
  CHECK(node.file->parked() == 0);
}

TEST_CASE("an interrupt ends what waits, and nothing else") {
  Fate first, second;
  Node node(true);
  node.ioctl(&first);
  node.ioctl(&second);
  first.interrupted = true;
  node.file->serve();
  CHECK(first.answers == 1);
  CHECK(first.error == EINTR);
  CHECK(second.answers == 0);
  // Interrupted before it was parked.
  Fate third;
  third.interrupted = true;
  node.ioctl(&third);
  CHECK(third.answers == 1);
  CHECK(third.error == EINTR);
  // What is there is delivered all the same: an event must not get lost.
  second.interrupted = true;
  node.device->give(1);
  node.file->serve();
  CHECK(second.error == 0);
}

TEST_CASE("the end of the file ends what waits") {
  Fate fate;
  {
    Node node(true);
    node.ioctl(&fate);
    CHECK(fate.answers == 0);
  }
  CHECK(fate.answers == 1);
  CHECK(fate.error == ENODEV);
}

TEST_CASE("who polls hears of one change, and the last who polls counts") {
  Node node(true);
  int notified = 0;
  int alive = 0;
  CHECK(node.file->poll(std::make_unique<FakeWaiter>(&notified, &alive)) == 0);
  CHECK(node.file->poll(std::make_unique<FakeWaiter>(&notified, &alive)) == 0);
  CHECK(alive == 1);
  node.device->give(1);
  node.file->serve();
  CHECK(notified == 1);
  CHECK(alive == 0);
  CHECK(node.file->poll(nullptr) == POLLPRI);
  node.device->give(1);
  node.file->serve();
  CHECK(notified == 1);
}

TEST_CASE("each ioctl is answered once, whoever serves, changes and interrupts at the time") {
  constexpr size_t kRounds = 300;
  constexpr size_t kClients = 3;
  std::vector<std::deque<Fate>> fates(kClients);
  Node node(true);
  std::atomic<bool> over = false;
  std::vector<std::thread> servers;
  for (int i = 0; i < 2; ++i) {
    servers.emplace_back([&] {
      while (!over) {
        if (node.wakes.exchange(0) != 0) node.file->serve();
        std::this_thread::yield();
      }
    });
  }
  std::vector<std::thread> clients;
  for (size_t client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (size_t round = 0; round < kRounds; ++round) {
        Fate& fate = fates[client].emplace_back();
        node.ioctl(&fate);
        if (round % 3 == 0) {
          fate.interrupted = true;
          ++node.wakes;
        } else {
          node.device->give(1);
        }
        while (fate.answers == 0) std::this_thread::yield();
        // An event that came before the interrupt was another one's.
        if (fate.interrupted && fate.error == 0) node.device->give(1);
      }
    });
  }
  for (auto& thread : clients) thread.join();
  over = true;
  for (auto& thread : servers) thread.join();
  int wrong = 0;
  for (const auto& list : fates) {
    for (const Fate& fate : list) wrong += fate.answers != 1;
  }
  CHECK(wrong == 0);
  CHECK(node.file->parked() == 0);
}

}  // namespace
}  // namespace daedalus::test
