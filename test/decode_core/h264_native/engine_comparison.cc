#include "test/decode_core/h264_native/engine_comparison.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "decode_core/core.h"
#include "decode_core/picture.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

// One engine at work on a stream.
class Side {
 public:
  Side(const std::string& path, const std::string& engine, int threads) {
    Settings settings;
    settings.engine = engine;
    settings.threads = threads;
    core_ = Core::create(settings);
    auto stream = parsed_stream::ParsedStream::open(path);
    if (stream) stream_ = std::move(*stream);
  }

  bool supported() const { return stream_ != nullptr && stream_->profile().has_value(); }

  // Submits the next picture, both fields of it; null: there is none.
  std::shared_ptr<Picture> submit_next() {
    std::shared_ptr<Picture> picture = std::exchange(pending_, nullptr);
    parsed_stream::Event event;
    while (true) {
      const Result<bool> more = stream_->next(event);
      if (!more) continue;
      if (!*more) return picture;
      auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
      if (decode == nullptr) continue;
      std::shared_ptr<Picture> target = decode->job.target;
      if (!submit(std::move(decode->job))) continue;
      if (picture != nullptr && target != picture) {
        pending_ = std::move(target);
        return picture;
      }
      picture = std::move(target);
    }
  }

  std::string engine() const {
    return session_ != nullptr ? std::string(session_->engine()) : std::string();
  }

 private:
  bool submit(DecodeJob job) {
    session_ = session_for(job, std::move(session_));
    if (session_ == nullptr) {
      const auto profile = parsed_stream::profile_of(job);
      if (!profile.has_value()) return false;
      auto session =
          core_->open_session({*profile, job.coded_width(), job.coded_height(), "replay"});
      if (!session) return false;
      session_ = std::move(*session);
    }
    return session_->submit(std::move(job)).ok();
  }

  std::shared_ptr<Core> core_;
  std::unique_ptr<parsed_stream::ParsedStream> stream_;
  std::shared_ptr<Session> session_;
  std::shared_ptr<Picture> pending_;  // its first job was submitted already
};

uint8_t sample_of(const FrameView& frame, size_t component, uint32_t x, uint32_t y) {
  if (component != 0 && frame.format == SampleFormat::kNv12) {
    return frame.planes[1].data[y * frame.planes[1].stride + x * 2 + component - 1];
  }
  return frame.planes[component].data[y * frame.planes[component].stride + x];
}

// The first macroblock that differs, and how.
std::optional<std::string> difference_of(const FrameView& expected, const FrameView& actual) {
  const uint32_t width = std::min(expected.width, actual.width);
  const uint32_t height = std::min(expected.height, actual.height);
  for (uint32_t top = 0; top < height; top += 16) {
    for (uint32_t left = 0; left < width; left += 16) {
      for (size_t component = 0; component < 3; ++component) {
        const uint32_t shift = component == 0 ? 0 : 1;
        for (uint32_t y = top >> shift; y < std::min(top + 16, height) >> shift; ++y) {
          for (uint32_t x = left >> shift; x < std::min(left + 16, width) >> shift; ++x) {
            const int theirs = sample_of(expected, component, x, y);
            const int ours = sample_of(actual, component, x, y);
            if (theirs == ours) continue;
            return "macroblock (" + std::to_string(left / 16) + ", " + std::to_string(top / 16) +
                   "), component " + std::to_string(component) + ", sample (" +
                   std::to_string(x - (left >> shift)) + ", " + std::to_string(y - (top >> shift)) +
                   ") is " + std::to_string(ours) + ", not " + std::to_string(theirs);
          }
        }
      }
    }
  }
  return std::nullopt;
}

struct Pair {
  std::shared_ptr<Picture> expected;
  std::shared_ptr<Picture> actual;
};

void compare(const Pair& pair, Comparison& result) {
  pair.expected->wait();
  pair.actual->wait();
  const auto expected = pair.expected->frame();
  const auto actual = pair.actual->frame();
  const std::string name = "picture " + std::to_string(result.pictures) + ": ";
  if (expected.has_value() != actual.has_value()) {
    result.difference = name + (actual.has_value() ? "libavcodec has none"
                                                   : "error: " + pair.actual->error().message);
    return;
  }
  if (!expected.has_value()) return;
  if (const auto difference = difference_of(expected->view, actual->view)) {
    result.difference = name + *difference;
    return;
  }
  ++result.pictures;
  if (pair.actual->concealed()) ++result.concealed;
}

}  // namespace

Comparison compare_engines(const std::string& path, const ComparisonOptions& options) {
  Side expected(path, "libavcodec", 1);
  Side actual(path, "native", options.threads);
  Comparison result;
  result.supported = expected.supported() && actual.supported();
  if (!result.supported) return result;
  std::deque<Pair> waiting;
  while (result.difference.empty()) {
    Pair pair{expected.submit_next(), actual.submit_next()};
    const bool end = pair.expected == nullptr || pair.actual == nullptr;
    if (!end) waiting.push_back(std::move(pair));
    while (!waiting.empty() && result.difference.empty() &&
           (end || waiting.size() >= options.in_flight)) {
      compare(waiting.front(), result);
      waiting.pop_front();
    }
    if (end) break;
  }
  result.engine = actual.engine();
  return result;
}

}  // namespace daedalus::core::test
