#include "cuse_device/cuse/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

namespace daedalus::cuse {
namespace {

constexpr size_t kLeastThreads = 4;

// epoll_event.data beyond the nodes' indices.
constexpr uint64_t kWoken = UINT64_MAX;
constexpr uint64_t kStop = UINT64_MAX - 1;

void raise_event(const UniqueFd& fd) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd.get(), &one, sizeof one);
}

bool watch(const UniqueFd& epoll, int fd, uint64_t data) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = data;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::create(std::vector<std::unique_ptr<CuseNode>> nodes) {
  std::unique_ptr<Server> server(new Server);
  server->nodes_ = std::move(nodes);
  server->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  server->woken_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  server->stop_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  server->ended_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const UniqueFd& epoll = server->epoll_;
  bool ok = epoll && server->woken_ && server->stop_ && server->ended_ &&
            watch(epoll, server->woken_.get(), kWoken) && watch(epoll, server->stop_.get(), kStop);
  for (size_t i = 0; ok && i < server->nodes_.size(); ++i) {
    ok = watch(epoll, server->nodes_[i]->fd(), i);
  }
  if (!ok) return system_error("cannot watch the nodes");
  return server;
}

Server::~Server() {
  raise_event(stop_);
  for (std::thread& thread : threads_) thread.join();
  // Engines may still wake files of ours while these close.
  nodes_.clear();
}

std::function<void(uint64_t)> Server::waker(size_t index) {
  return [this, index](uint64_t file) {
    {
      std::lock_guard lock(mutex_);
      if (!wakes_.emplace(index, file).second) return;
    }
    raise_event(woken_);
  };
}

void Server::start() {
  const size_t count = std::max<size_t>(kLeastThreads, std::thread::hardware_concurrency());
  for (size_t i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
}

void Server::run() {
  for (;;) {
    epoll_event event{};
    const int count = ::epoll_wait(epoll_.get(), &event, 1, -1);
    if (count < 0 && errno != EINTR) return;
    if (count != 1) continue;
    if (event.data.u64 == kStop) return;
    if (event.data.u64 == kWoken) {
      serve_woken();
    } else if (!nodes_[event.data.u64]->process()) {
      raise_event(ended_);
      return;
    }
  }
}

void Server::serve_woken() {
  uint64_t one = 0;
  if (::read(woken_.get(), &one, sizeof one) != sizeof one) return;  // another thread's
  std::pair<size_t, uint64_t> wake;
  {
    std::lock_guard lock(mutex_);
    wake = *wakes_.begin();
    wakes_.erase(wakes_.begin());
  }
  nodes_[wake.first]->serve(wake.second);
}

}  // namespace daedalus::cuse
