#include "cuse_device/cuse/cuse_node.h"

#define FUSE_USE_VERSION 35
#include <cuse_lowlevel.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <malloc.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/unique_fd.h"
#include "cuse_device/cuse/node_file.h"

namespace daedalus::cuse {
namespace {

constexpr int kStartMilliseconds = 5000;

std::vector<iovec> vectors_of(const std::vector<MemoryRange>& ranges) {
  std::vector<iovec> vectors;
  vectors.reserve(ranges.size());
  for (const MemoryRange& range : ranges) {
    vectors.push_back({reinterpret_cast<void*>(range.address), range.size});
  }
  return vectors;
}

class FuseIoctl final : public PendingIoctl {
 public:
  using Interrupted = void (*)(fuse_req_t request, void* file);
  FuseIoctl(fuse_req_t request, uint64_t file, Interrupted interrupted, StatisticsPage& page)
      : request_(request), file_(file), interrupted_(interrupted), page_(page) {}

  void answer(const IoctlAnswer& answer) override {
    page_.bytes += answer.output.size() + answer.direct_bytes;
    if (!answer.retry()) ++page_.calls;
    if (answer.retry()) {
      const auto in = vectors_of(answer.retry_input);
      const auto out = vectors_of(answer.retry_output);
      fuse_reply_ioctl_retry(request_, in.data(), in.size(), out.data(), out.size());
    } else if (answer.error != 0 && answer.output.empty()) {
      fuse_reply_err(request_, answer.error);
    } else {
      fuse_reply_ioctl(request_, -answer.error, answer.output.data(), answer.output.size());
    }
  }
  void watch_interrupts() override {
    fuse_req_interrupt_func(request_, interrupted_, reinterpret_cast<void*>(uintptr_t{file_}));
  }
  bool interrupted() const override { return fuse_req_interrupted(request_) != 0; }

 private:
  const fuse_req_t request_;
  const uint64_t file_;
  const Interrupted interrupted_;
  StatisticsPage& page_;
};

class FusePoll final : public PollWaiter {
 public:
  explicit FusePoll(fuse_pollhandle* handle) : handle_(handle) {}
  ~FusePoll() override { fuse_pollhandle_destroy(handle_); }
  FusePoll(const FusePoll&) = delete;
  FusePoll& operator=(const FusePoll&) = delete;
  void notify() override { fuse_lowlevel_notify_poll(handle_); }

 private:
  fuse_pollhandle* const handle_;
};

class FuseNode final : public CuseNode {
 public:
  explicit FuseNode(const std::string& name) : name_(name), path_("/dev/" + name) {}
  ~FuseNode() override;
  FuseNode(const FuseNode&) = delete;
  FuseNode& operator=(const FuseNode&) = delete;

  Status start();

  const std::string& path() const override { return path_; }
  dev_t number() const override { return number_; }
  void attach(Attachment attachment) override { behind_ = std::move(attachment); }
  int fd() const override { return fuse_session_fd(session_); }
  bool process() override;
  void serve(uint64_t file) override;

 private:
  static FuseNode& of(fuse_req_t request) {
    return *static_cast<FuseNode*>(fuse_req_userdata(request));
  }
  static void handle_open(fuse_req_t request, fuse_file_info* info);
  static void handle_release(fuse_req_t request, fuse_file_info* info);
  static void handle_ioctl(fuse_req_t request, int command, void* address, fuse_file_info* info,
                           unsigned flags, const void* input, size_t input_size,
                           size_t output_size);
  static void handle_poll(fuse_req_t request, fuse_file_info* info, fuse_pollhandle* handle);
  static void handle_read(fuse_req_t request, size_t, off_t, fuse_file_info*) {
    fuse_reply_err(request, EINVAL);
  }
  static void handle_write(fuse_req_t request, const char*, size_t, off_t, fuse_file_info*) {
    fuse_reply_err(request, EINVAL);
  }
  static void interrupted(fuse_req_t request, void* file) {
    of(request).behind_.wake(reinterpret_cast<uintptr_t>(file));
  }

  std::shared_ptr<NodeFile> find(uint64_t file);
  Status wait_for_node();

  const std::string name_;
  const std::string path_;
  dev_t number_ = 0;
  fuse_session* session_ = nullptr;
  std::atomic<bool> initialized_ = false;

  Attachment behind_;
  std::atomic<bool> compat_said_ = false;

  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<NodeFile>> files_;
  uint64_t next_file_ = 1;
};

Error no_cuse() {
  if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
    return {ErrorCode::kNotFound,
            "there is no /dev/cuse: load the kernel's module with `modprobe cuse` (a kernel "
            "without it can still use `daedalus run --transport in-process`)"};
  }
  return system_error("/dev/cuse");
}

Status FuseNode::start() {
  struct stat existing;
  if (::lstat(path_.c_str(), &existing) == 0) {
    return Error{ErrorCode::kBusy, path_ + " exists already: choose another name"};
  }
  UniqueFd cuse(::open("/dev/cuse", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!cuse) return no_cuse();

  static constexpr cuse_lowlevel_ops kOperations = [] {
    cuse_lowlevel_ops operations{};
    operations.init_done = [](void* node) { static_cast<FuseNode*>(node)->initialized_ = true; };
    operations.open = &handle_open;
    operations.release = &handle_release;
    operations.ioctl = &handle_ioctl;
    operations.poll = &handle_poll;
    operations.read = &handle_read;
    operations.write = &handle_write;
    return operations;
  }();
  const std::string device_name = "DEVNAME=" + name_;
  const char* device_info[] = {device_name.c_str()};
  cuse_info info{};
  info.dev_info_argc = 1;
  info.dev_info_argv = device_info;
  info.flags = CUSE_UNRESTRICTED_IOCTL;
  char program[] = "daedalusd";
  char* words[] = {program, nullptr};
  fuse_args arguments = FUSE_ARGS_INIT(1, words);
  session_ = cuse_lowlevel_new(&arguments, &info, &kOperations, this);
  fuse_opt_free_args(&arguments);
  if (session_ == nullptr) return Error{ErrorCode::kSystem, "libfuse makes no CUSE session"};
  // How a descriptor that is open already is handed to libfuse; from here on it is the session's.
  const std::string by_number = "/dev/fd/" + std::to_string(cuse.get());
  if (fuse_session_mount(session_, by_number.c_str()) != 0) {
    return Error{ErrorCode::kSystem, "libfuse does not take an open /dev/cuse"};
  }
  cuse.release();
  return wait_for_node();
}

Status FuseNode::wait_for_node() {
  const Error refused{ErrorCode::kSystem, "the kernel made no " + path_ +
                                              ": is the name or its number taken? dmesg "
                                              "says more"};
  while (!initialized_) {
    pollfd ready{fd(), POLLIN, 0};
    if (::poll(&ready, 1, kStartMilliseconds) <= 0 || !process()) return refused;
  }
  // The device is there now; who makes the node (devtmpfs, udev) may take a moment.
  struct stat node;
  for (int waited = 0; ::stat(path_.c_str(), &node) != 0 || !S_ISCHR(node.st_mode); ++waited) {
    if (waited >= kStartMilliseconds || !process()) return refused;
    ::usleep(1000);
  }
  number_ = node.st_rdev;
  return {};
}

FuseNode::~FuseNode() {
  files_.clear();
  if (session_ != nullptr) fuse_session_destroy(session_);
}

// libfuse gives each thread's buffer the size that it needs at the first use.
bool FuseNode::process() {
  struct Buffer {
    fuse_buf buffer{};
    ~Buffer() { std::free(buffer.mem); }
  };
  thread_local Buffer own;
  const int size = fuse_session_receive_buf(session_, &own.buffer);
  if (size > 0) fuse_session_process_buf(session_, &own.buffer);
  return fuse_session_exited(session_) == 0;
}

void FuseNode::serve(uint64_t file) {
  if (const auto found = find(file)) found->serve();
}

std::shared_ptr<NodeFile> FuseNode::find(uint64_t file) {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(file);
  return found == files_.end() ? nullptr : found->second;
}

void FuseNode::handle_open(fuse_req_t request, fuse_file_info* info) {
  FuseNode& node = of(request);
  auto opened = node.behind_.device->open();
  if (!opened.ok()) {
    log(LogLevel::kWarning, "%s: %s", node.path_.c_str(), opened.error().message.c_str());
    fuse_reply_err(request, opened.error().code == ErrorCode::kOutOfMemory ? ENOMEM : ENODEV);
    return;
  }
  std::unique_ptr<v4l2::OpenFile> behind = std::move(opened).value();
  if (Companions* companions = node.behind_.companions) {
    behind = companions->wrap(std::move(behind), fuse_req_ctx(request)->uid);
  }
  uint64_t number = 0;
  {
    std::lock_guard lock(node.mutex_);
    number = node.next_file_++;
  }
  auto file = std::make_shared<NodeFile>(std::move(behind), (info->flags & O_NONBLOCK) == 0,
                                         [&node, number] { node.behind_.wake(number); });
  {
    std::lock_guard lock(node.mutex_);
    node.files_[number] = std::move(file);
  }
  info->fh = number;
  info->direct_io = 1;
  info->nonseekable = 1;
  if (fuse_reply_open(request, info) == 0) return;
  // The client went away while it opened; there will be no release.
  std::shared_ptr<NodeFile> unwanted;
  std::lock_guard lock(node.mutex_);
  unwanted = std::move(node.files_[number]);
  node.files_.erase(number);
}

void FuseNode::handle_release(fuse_req_t request, fuse_file_info* info) {
  FuseNode& node = of(request);
  std::shared_ptr<NodeFile> file;
  bool idle = false;
  {
    std::lock_guard lock(node.mutex_);
    const auto found = node.files_.find(info->fh);
    if (found != node.files_.end()) {
      file = std::move(found->second);
      node.files_.erase(found);
    }
    idle = node.files_.empty();
  }
  file.reset();
  fuse_reply_err(request, 0);
  // The allocator keeps tens of MiB of what threads of decoders freed, for nobody.
  if (idle) ::malloc_trim(0);
}

void FuseNode::handle_ioctl(fuse_req_t request, int command, void* address, fuse_file_info* info,
                            unsigned flags, const void* input, size_t input_size,
                            size_t output_size) {
  FuseNode& node = of(request);
  StatisticsPage& page = node.behind_.statistics->page();
  ++page.trips;
  page.bytes += input_size;
  const auto file = node.find(info->fh);
  if (!file || (flags & FUSE_IOCTL_COMPAT)) {
    if (file && !node.compat_said_.exchange(true)) {
      log(LogLevel::kWarning, "%s: 32-bit clients of a 64-bit kernel are not served",
          node.path_.c_str());
    }
    fuse_reply_err(request, file ? ENOTTY : EBADF);
    return;
  }
  IoctlCall call;
  call.request = static_cast<uint32_t>(command);
  call.address = reinterpret_cast<uintptr_t>(address);
  const auto* bytes = static_cast<const std::byte*>(input);
  call.input.assign(bytes, bytes + input_size);
  call.output_size = output_size;
  if (node.behind_.user_pointers) call.process = fuse_req_ctx(request)->pid;
  file->ioctl(std::make_unique<FuseIoctl>(request, info->fh, &interrupted, page), std::move(call));
}

void FuseNode::handle_poll(fuse_req_t request, fuse_file_info* info, fuse_pollhandle* handle) {
  ++of(request).behind_.statistics->page().polls;
  auto waiter = handle != nullptr ? std::make_unique<FusePoll>(handle) : nullptr;
  const auto file = of(request).find(info->fh);
  if (!file) {
    fuse_reply_err(request, EBADF);
    return;
  }
  const short events = file->poll(std::move(waiter));
  fuse_reply_poll(request, static_cast<unsigned short>(events));
}

}  // namespace

Result<std::unique_ptr<CuseNode>> CuseNode::create(const std::string& name) {
  auto node = std::make_unique<FuseNode>(name);
  if (Status status = node->start(); !status.ok()) return status.error();
  return std::unique_ptr<CuseNode>(std::move(node));
}

}  // namespace daedalus::cuse
