#include "cuse_device/cuse/companions.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "cuse_device/cuse/packet_socket.h"
#include "cuse_device/cuse/request_handle.h"
#include "decode_core/uapi/media.h"

namespace daedalus::cuse {
namespace {

constexpr int kBacklog = 64;
// Connections that have not asked yet; the oldest gives way.
constexpr size_t kMostConnections = 64;
constexpr size_t kMostImports = 64;

// What the ioctls of a companion need of the client: descriptors go over the socket, requests to
// handles.
class SocketClient final : public v4l2::Client {
 public:
  explicit SocketClient(UniqueFd* sent) : sent_(sent) {}
  explicit SocketClient(std::shared_ptr<v4l2::Request>* made) : made_(made) {}
  bool read(uint64_t, void*, size_t) override { return false; }
  bool write(uint64_t, const void*, size_t) override { return false; }
  int give_fd(UniqueFd fd, bool) override {
    if (sent_ == nullptr) return -ENOTTY;
    *sent_ = std::move(fd);
    return 0;
  }
  Result<UniqueFd> take_fd(int) override { return Error{ErrorCode::kUnsupported, "no descriptor"}; }
  int give_request(std::shared_ptr<v4l2::Request> request) override {
    if (made_ == nullptr) return -ENOTTY;
    *made_ = std::move(request);
    return 0;
  }
  std::shared_ptr<v4l2::Request> find_request(int) override { return nullptr; }

 private:
  UniqueFd* const sent_ = nullptr;
  std::shared_ptr<v4l2::Request>* const made_ = nullptr;
};

// The client of a call over CUSE, with the descriptors that its companion sent ahead and the
// request that it named.
class CompanionClient final : public v4l2::Client {
 public:
  CompanionClient(v4l2::Client& client, const std::map<int, UniqueFd>& imports,
                  std::shared_ptr<v4l2::Request> request)
      : client_(client), imports_(imports), request_(std::move(request)) {}
  bool read(uint64_t address, void* to, size_t size) override {
    return client_.read(address, to, size);
  }
  bool write(uint64_t address, const void* from, size_t size) override {
    return client_.write(address, from, size);
  }
  int give_fd(UniqueFd fd, bool close_on_exec) override {
    return client_.give_fd(std::move(fd), close_on_exec);
  }
  Result<UniqueFd> take_fd(int client_fd) override {
    const auto found = imports_.find(client_fd);
    if (found == imports_.end()) return client_.take_fd(client_fd);
    UniqueFd copy(::fcntl(found->second.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return system_error("a client's descriptor");
    return copy;
  }
  int give_request(std::shared_ptr<v4l2::Request> request) override {
    return client_.give_request(std::move(request));
  }
  // An ioctl names one at most.
  std::shared_ptr<v4l2::Request> find_request(int) override { return request_; }

 private:
  v4l2::Client& client_;
  const std::map<int, UniqueFd>& imports_;
  const std::shared_ptr<v4l2::Request> request_;
};

}  // namespace

class Companions::File final : public v4l2::OpenFile {
 public:
  File(Companions& companions, std::unique_ptr<v4l2::OpenFile> file, const CompanionInfo& info,
       std::shared_ptr<Entry> entry)
      : companions_(companions), file_(std::move(file)), info_(info), entry_(std::move(entry)) {
    entry_->file = this;
  }
  ~File() override {
    companions_.forget(info_.token);
    std::lock_guard lock(entry_->mutex);  // waits for a companion that is being answered
    entry_->file = nullptr;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int ioctl(uint32_t request, std::span<std::byte> argument, v4l2::Client& client) override {
    if (request == kCompanionIoctl) {
      std::memcpy(argument.data(), &info_, std::min(argument.size(), sizeof info_));
      return 0;
    }
    const auto number_at = request_number_offset(request);
    if (!number_at) return file_->ioctl(request, argument, client);
    uint32_t number = 0;
    std::memcpy(&number, argument.data() + *number_at, sizeof number);
    std::lock_guard lock(imports_mutex_);
    CompanionClient known(client, imports_, known_request(number));
    const int error = file_->ioctl(request, argument, known);
    // With EFAULT the call comes again.
    if (error != EFAULT && (request == VIDIOC_QBUF || request == VIDIOC_PREPARE_BUF)) {
      imports_.clear();
    }
    return error;
  }
  short poll() override { return file_->poll(); }
  Result<v4l2::MappedRange> map(uint64_t offset, size_t size) override {
    return file_->map(offset, size);
  }
  void set_listener(std::function<void()> changed) override {
    file_->set_listener(std::move(changed));
  }

  int import(int client_fd, UniqueFd fd) {
    if (!fd || client_fd < 0) return EBADF;
    std::lock_guard lock(imports_mutex_);
    if (imports_.size() >= kMostImports) imports_.clear();
    imports_[client_fd] = std::move(fd);
    return 0;
  }

  // Null: it is no request handle.
  RequestHandle* handle() { return dynamic_cast<RequestHandle*>(file_.get()); }
  // The number by which the file's ioctls name `request` from now on.
  uint32_t know(const std::shared_ptr<v4l2::Request>& request) {
    std::lock_guard lock(requests_mutex_);
    std::erase_if(requests_, [](const auto& known) { return known.second.expired(); });
    for (const auto& [number, known] : requests_) {
      if (known.lock() == request) return number;
    }
    do {
      ++last_number_;
    } while (last_number_ == 0 || requests_.count(last_number_) != 0);
    requests_[last_number_] = request;
    return last_number_;
  }

 private:
  std::shared_ptr<v4l2::Request> known_request(uint32_t number) {
    std::lock_guard lock(requests_mutex_);
    const auto found = requests_.find(number);
    return found == requests_.end() ? nullptr : found->second.lock();
  }

  Companions& companions_;
  const std::unique_ptr<v4l2::OpenFile> file_;
  const CompanionInfo info_;
  const std::shared_ptr<Entry> entry_;
  std::mutex imports_mutex_;
  std::map<int, UniqueFd> imports_;  // by the client's number
  std::mutex requests_mutex_;
  std::map<uint32_t, std::weak_ptr<v4l2::Request>> requests_;  // by number; 0 is none's
  uint32_t last_number_ = 0;
};

Result<UniqueFd> Companions::listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::kInvalidArgument, path + " is too long for a socket"};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const std::string folder = path.substr(0, path.rfind('/'));
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return system_error(folder);
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(path.c_str());  // of a daemon that ended
  const group* video = ::getgrnam("video");
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chown(path.c_str(), 0, video != nullptr ? video->gr_gid : 0) != 0 ||
      ::chmod(path.c_str(), 0660) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return system_error(path);
  }
  return fd;
}

Companions::Companions(UniqueFd listening, std::string path, std::string request_node)
    : listening_(std::move(listening)),
      path_(std::move(path)),
      request_node_(std::move(request_node)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Companions::~Companions() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_.get(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

void Companions::start() {
  thread_ = std::thread([this] { run(); });
}

std::unique_ptr<v4l2::OpenFile> Companions::wrap(std::unique_ptr<v4l2::OpenFile> file, uid_t user) {
  CompanionInfo info{};
  path_.copy(info.socket, sizeof info.socket - 1);
  request_node_.copy(info.request_node, sizeof info.request_node - 1);
  // Without a token nobody can ask for the file; it works as without companion.
  if (::getrandom(info.token.data(), info.token.size(), 0) !=
      static_cast<ssize_t>(info.token.size())) {
    return file;
  }
  auto entry = std::make_shared<Entry>();
  entry->user = user;
  auto wrapped = std::make_unique<File>(*this, std::move(file), info, entry);
  std::lock_guard lock(mutex_);
  entries_[info.token] = std::move(entry);
  return wrapped;
}

std::shared_ptr<Companions::Entry> Companions::find(const Token& token, uid_t user) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(token);
  const bool theirs = found != entries_.end() && found->second->user == user;
  return theirs ? found->second : nullptr;
}

void Companions::forget(const Token& token) {
  std::lock_guard lock(mutex_);
  entries_.erase(token);
}

void Companions::run() {
  std::vector<UniqueFd> connections;  // oldest first
  for (;;) {
    std::vector<pollfd> waits{{stop_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}};
    for (const UniqueFd& connection : connections) waits.push_back({connection.get(), POLLIN, 0});
    if (::poll(waits.data(), waits.size(), -1) < 0) continue;
    if (waits[0].revents != 0) return;
    for (size_t i = connections.size(); i-- > 0;) {
      if (waits[i + 2].revents == 0) continue;
      if (waits[i + 2].revents & POLLIN) serve(connections[i].get());
      connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (waits[1].revents != 0) accept_one(&connections);
  }
}

void Companions::accept_one(std::vector<UniqueFd>* connections) const {
  UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) return;
  if (connections->size() >= kMostConnections) connections->erase(connections->begin());
  connections->push_back(std::move(fd));
}

void Companions::serve(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  Question question;
  UniqueFd received, sent;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      !receive_packet(connection, std::as_writable_bytes(std::span(&question, 1)), &received)) {
    return;
  }
  const Answer answered = answer(question, peer.uid, std::move(received), &sent);
  send_packet(connection, std::as_bytes(std::span(&answered, 1)), sent.get());
}

// A wrong token and somebody else's get the same answer.
Answer Companions::answer(const Question& question, uid_t user, UniqueFd received, UniqueFd* sent) {
  const auto entry = find(question.token, user);
  if (!entry) return {EPERM, 0, 0};
  if (question.operation == Operation::kNewRequest) {
    return {new_request(*entry, question.handle, user), 0, 0};
  }
  if (question.operation == Operation::kKnowRequest) {
    return know_request(*entry, question.handle, user);
  }
  std::lock_guard lock(entry->mutex);
  if (entry->file == nullptr) return {EPERM, 0, 0};
  switch (question.operation) {
    case Operation::kMap: {
      auto range = entry->file->map(question.offset, question.size);
      if (!range.ok()) return {EINVAL, 0, 0};
      sent->reset(::fcntl(range->memory->fd(), F_DUPFD_CLOEXEC, 0));
      return {sent->valid() ? 0 : EMFILE, 0, range->offset};
    }
    case Operation::kExport: {
      v4l2_exportbuffer buffer = question.buffer;
      SocketClient client(sent);
      return {
          entry->file->ioctl(VIDIOC_EXPBUF, std::as_writable_bytes(std::span(&buffer, 1)), client),
          0, 0};
    }
    case Operation::kImport:
      return {entry->file->import(question.client_fd, std::move(received)), 0, 0};
    default:
      return {EINVAL, 0, 0};
  }
}

// One file's lock at a time: a client may name the same one twice.
int Companions::new_request(Entry& media, const Token& handle, uid_t user) {
  std::shared_ptr<v4l2::Request> request;
  {
    std::lock_guard lock(media.mutex);
    if (media.file == nullptr) return EPERM;
    int descriptor = -1;
    SocketClient client(&request);
    const int error = media.file->ioctl(MEDIA_IOC_REQUEST_ALLOC,
                                        std::as_writable_bytes(std::span(&descriptor, 1)), client);
    if (error != 0) return error;
    if (!request) return EINVAL;
  }
  const auto entry = find(handle, user);
  if (!entry) return EPERM;
  std::lock_guard lock(entry->mutex);
  if (entry->file == nullptr) return EPERM;
  RequestHandle* const empty = entry->file->handle();
  return empty != nullptr ? empty->bind(request) : EINVAL;
}

Answer Companions::know_request(Entry& video, const Token& handle, uid_t user) {
  std::shared_ptr<v4l2::Request> request;
  if (const auto entry = find(handle, user)) {
    std::lock_guard lock(entry->mutex);
    if (entry->file == nullptr) return {EPERM, 0, 0};
    if (RequestHandle* const known = entry->file->handle()) request = known->request();
  }
  if (!request) return {EINVAL, 0, 0};
  std::lock_guard lock(video.mutex);
  if (video.file == nullptr) return {EPERM, 0, 0};
  return {0, 0, video.file->know(request)};
}

}  // namespace daedalus::cuse
