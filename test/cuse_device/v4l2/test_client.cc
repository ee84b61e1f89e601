#include "test/cuse_device/v4l2/test_client.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

namespace daedalus::test {
bool TestClient::mapped(uint64_t address, size_t size) const {
  const auto first = reinterpret_cast<uintptr_t>(arena.data());
  if (!arena.empty()) {
    return address >= first && size <= arena.size() && address - first <= arena.size() - size;
  }
  constexpr uint64_t kEnd = uint64_t{1} << 47;
  return address >= 0x10000 && address < kEnd && size < kEnd - address;
}

bool TestClient::read(uint64_t address, void* to, size_t size) {
  if (!mapped(address, size)) return false;
  if (fetch_first && fetched_.insert({address, size}).second) return false;
  std::memcpy(to, reinterpret_cast<const void*>(address), size);
  return true;
}

bool TestClient::write(uint64_t address, const void* from, size_t size) {
  if (!mapped(address, size)) return false;
  bool known = !fetch_first;
  for (const auto& [start, length] : fetched_) {
    known = known || (address >= start && address + size <= start + length);
  }
  wrote_unread = wrote_unread || !known;
  std::memcpy(reinterpret_cast<void*>(address), from, size);
  return true;
}

int TestClient::give_fd(UniqueFd fd, bool) {
  const int number = 1000 + static_cast<int>(fds.size());
  fds[number] = std::move(fd);
  return number;
}

Result<UniqueFd> TestClient::take_fd(int client_fd) {
  const auto found = fds.find(client_fd);
  if (found == fds.end()) return Error{ErrorCode::kNotFound, "no such descriptor"};
  return UniqueFd(::fcntl(found->second.get(), F_DUPFD_CLOEXEC, 0));
}

int TestClient::give_request(std::shared_ptr<v4l2::Request> request) {
  const int number = 5000 + static_cast<int>(requests.size());
  requests[number] = std::move(request);
  return number;
}

std::shared_ptr<v4l2::Request> TestClient::find_request(int client_fd) {
  const auto found = requests.find(client_fd);
  return found == requests.end() ? nullptr : found->second;
}

TestFile::TestFile(v4l2::Device& device, std::shared_ptr<TestClient> client)
    : client_(std::move(client)) {
  auto opened = device.open();
  if (!opened.ok()) std::abort();
  file_ = std::move(opened).value();
  file_->set_listener([this] {
    std::lock_guard lock(mutex_);
    ++changes_;
    condition_.notify_all();
  });
}

TestFile::~TestFile() { file_->set_listener(nullptr); }

int TestFile::ioctl_bytes(uint32_t request, std::span<std::byte> argument) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const int seen = changes();
    const int error = file_->ioctl(request, argument, *client_);
    const bool parked = v4l2::parking_of(request, error) == v4l2::Parking::kAlways;
    if (!parked || !wait_for_change(seen, deadline)) return error;
  }
}

int TestFile::changes() {
  std::lock_guard lock(mutex_);
  return changes_;
}

bool TestFile::wait_for_change(int seen, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return condition_.wait_until(lock, deadline, [&] { return changes_ != seen; });
}

bool TestFile::wait_poll(short events) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    const int seen = changes();
    if ((poll() & events) == events) return true;
    if (!wait_for_change(seen, deadline)) return false;
  }
}

int TestFile::set_format(uint32_t type, uint32_t fourcc, uint32_t width, uint32_t height) {
  v4l2_format format{};
  format.type = type;
  format.fmt.pix_mp.pixelformat = fourcc;
  format.fmt.pix_mp.width = width;
  format.fmt.pix_mp.height = height;
  return ioctl(VIDIOC_S_FMT, format);
}

v4l2_pix_format_mplane TestFile::format(uint32_t type) {
  v4l2_format format{};
  format.type = type;
  return ioctl(VIDIOC_G_FMT, format) == 0 ? format.fmt.pix_mp : v4l2_pix_format_mplane{};
}

int TestFile::request_buffers(uint32_t type, uint32_t count, uint32_t memory, uint32_t* granted) {
  v4l2_requestbuffers request{};
  request.type = type;
  request.count = count;
  request.memory = memory;
  const int error = ioctl(VIDIOC_REQBUFS, request);
  if (granted != nullptr) *granted = request.count;
  return error;
}

int TestFile::stream(uint32_t type, bool on) {
  int argument = static_cast<int>(type);
  return ioctl(on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, argument);
}

int TestFile::subscribe(uint32_t type, uint32_t id, uint32_t flags) {
  v4l2_event_subscription subscription{};
  subscription.type = type;
  subscription.id = id;
  subscription.flags = flags;
  return ioctl(VIDIOC_SUBSCRIBE_EVENT, subscription);
}

int TestFile::command(uint32_t command) {
  v4l2_decoder_cmd argument{};
  argument.cmd = command;
  return ioctl(VIDIOC_DECODER_CMD, argument);
}

TestFile::Buffer::Buffer(uint32_t type, uint32_t index, uint32_t memory) {
  buffer.type = type;
  buffer.index = index;
  buffer.memory = memory;
  buffer.m.planes = planes;
  buffer.length = VIDEO_MAX_PLANES;
}

int TestFile::queue_capture(uint32_t index) {
  Buffer buffer(kCapture, index);
  return queue(buffer);
}

int TestFile::queue_output(uint32_t index, std::span<const uint8_t> bytes, int64_t microseconds) {
  const v4l2::MappedRange range = map(kOutput, index);
  if (!range.memory || bytes.size() > range.size) return EINVAL;
  std::memcpy(data(range), bytes.data(), bytes.size());
  Buffer buffer(kOutput, index);
  buffer.planes[0].bytesused = static_cast<uint32_t>(bytes.size());
  buffer.buffer.timestamp.tv_sec = microseconds / 1000000;
  buffer.buffer.timestamp.tv_usec = microseconds % 1000000;
  return queue(buffer);
}

v4l2::MappedRange TestFile::map(uint32_t type, uint32_t index, uint32_t plane) {
  Buffer buffer(type, index);
  if (query(buffer) != 0 || plane >= buffer.buffer.length) return {};
  auto range = file_->map(buffer.planes[plane].m.mem_offset, buffer.planes[plane].length);
  return range.ok() ? *range : v4l2::MappedRange{};
}

int TestFile::start_capture(uint32_t count) {
  if (const int error = request_buffers(kCapture, count)) return error;
  for (uint32_t i = 0; i < count; ++i) {
    if (const int error = queue_capture(i)) return error;
  }
  return stream(kCapture, true);
}

int TestFile::start_output(uint32_t fourcc, uint32_t count, uint32_t width, uint32_t height) {
  if (const int error = set_format(kOutput, fourcc, width, height)) return error;
  if (const int error = request_buffers(kOutput, count)) return error;
  return stream(kOutput, true);
}

uint32_t TestFile::next_event() {
  v4l2_event event{};
  return ioctl(VIDIOC_DQEVENT, event) == 0 ? event.type : 0;
}

uint32_t TestFile::next_event_blocking() {
  v4l2_event event{};
  return blocking(VIDIOC_DQEVENT, event) == 0 ? event.type : 0;
}

}  // namespace daedalus::test
