#include "test/cuse_device/v4l2/clip_pictures.h"

#include <utility>

#include "test/catch.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::test {

ClipPictures::ClipPictures(const std::string& clip)
    : jobs_(std::make_shared<FakeJobs>()),
      nodes_(std::make_shared<FakeCore>(jobs_)),
      client_(nodes_) {
  auto stream = parsed_stream::ParsedStream::open("test/data/" + clip);
  REQUIRE(stream.ok());
  parsed_stream::Event event;
  for (auto more = (*stream)->next(event); more.ok() && *more; more = (*stream)->next(event)) {
    if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      originals_.push_back(std::move(decode->job));
    }
  }
  REQUIRE(originals_.size() > 10);
  REQUIRE(client_.video.start_output(stateless_fourcc((*stream)->codec()), 2, 16, 16) == 0);
  REQUIRE(client_.video.start_capture(32) == 0);
  request_ = client_.allocate_request();
}

bool ClipPictures::same_references(size_t i) const {
  const auto& ours = job(i).references;
  const auto& theirs = original(i).references;
  if (ours.size() != theirs.size()) return false;
  for (size_t r = 0; r < ours.size(); ++r) {
    if ((ours[r] == nullptr) != (theirs[r] == nullptr)) return false;
    if (ours[r] == nullptr) continue;
    size_t at = 0;
    while (at < i && original(at).target != theirs[r]) ++at;
    if (at == i || ours[r] != job(at).target) return false;
  }
  return true;
}

bool ClipPictures::queue(const Change& change, const std::function<void(int)>& complete,
                         std::span<const uint8_t> rest) {
  const core::DecodeJob& original = originals_[next_++];
  timestamps_[original.target.get()] = 1000 * next_;
  auto controls = controls_of(original, timestamps_);
  auto data = coded_data_of(original);
  if (change) change(controls, data);
  const uint32_t hold = rest.empty() ? 0 : V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF;
  bool good = carry_out(controls, data, hold, complete);
  if (!rest.empty()) good = carry_out(controls, rest, 0, complete) && good;
  TestFile::Buffer capture(kCapture, 0);
  REQUIRE(client_.video.dequeue_blocking(capture) == 0);
  captured_.push_back(capture.buffer.index);
  // The oldest buffer again, when nothing refers to it any more.
  if (captured_.size() > 20) {
    REQUIRE(client_.video.queue_capture(captured_.front()) == 0);
    captured_.erase(captured_.begin());
  }
  return good;
}

bool ClipPictures::carry_out(std::span<const ControlValue> controls, std::span<const uint8_t> data,
                             uint32_t flags, const std::function<void(int)>& complete) {
  REQUIRE(client_.set_controls(request_, controls) == 0);
  REQUIRE(client_.queue_output(request_, 0, data, next_, flags) == 0);
  REQUIRE(client_.queue_request(request_) == 0);
  REQUIRE(client_.wait_complete(request_));
  if (complete) complete(request_);
  TestFile::Buffer output(kOutput, 0);
  REQUIRE(client_.video.dequeue(output) == 0);
  REQUIRE(client_.reinit(request_) == 0);
  return (output.buffer.flags & V4L2_BUF_FLAG_ERROR) == 0;
}

}  // namespace daedalus::test
