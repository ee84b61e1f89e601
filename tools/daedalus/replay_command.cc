// daedalus replay: decodes a recording with no client and compares each picture with its hash.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "base/mapping.h"
#include "decode_core/core.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/session.h"
#include "tools/daedalus/commands.h"
#include "tools/daedalus/options.h"
#include "tools/daedalus/progress.h"

namespace daedalus::tool {
namespace {

constexpr const char* kUsage =
    "usage: daedalus replay [--in-flight N] FILE\n"
    "\n"
    "FILE was written by a decoder with DAEDALUS_RECORD=FILE. Every picture is decoded again and\n"
    "compared with the hash in the recording; the first that differs is named.\n"
    "  --in-flight N   jobs given before the first is waited for (default 1)\n"
    "DAEDALUS_BACKEND, _ENGINE, _SUBSTRATE and _THREADS hold here too.\n";

class Replay {
 public:
  Replay(std::shared_ptr<core::Core> core, size_t in_flight)
      : core_(std::move(core)), in_flight_(in_flight) {}

  Status submit(core::RecordedJob recorded) {
    auto& session = sessions_[recorded.session];
    if (session == nullptr) {
      auto opened = core_->open_session(
          {recorded.profile, recorded.job.coded_width(), recorded.job.coded_height(), "replay"});
      if (!opened) return opened.error();
      session = std::move(*opened);
    }
    // A second field is compared together with the first: both fill one picture.
    const bool second = recorded.job.field == core::FieldRole::kSecondField;
    while (!second && waiting_.size() >= in_flight_) compare_front();
    auto target = recorded.job.target;
    if (second && !waiting_.empty() && waiting_.back().picture == target) {
      waiting_.back().hash = recorded.hash;
    } else {
      waiting_.push_back({target, recorded.hash, recorded.job.display, recorded.display_hash});
    }
    const bool had_pixels = recorded.hash.has_value();
    if (Status status = session->submit(std::move(recorded.job)); !status) {
      waiting_.pop_back();
      return had_pixels ? status : Status();
    }
    return {};
  }

  void finish() {
    while (!waiting_.empty()) compare_front();
  }

  uint64_t pictures() const { return pictures_; }
  uint64_t different() const { return different_; }
  std::optional<uint64_t> first_different() const { return first_different_; }

 private:
  struct Waiting {
    std::shared_ptr<core::Picture> picture;
    std::optional<core::FrameHash> hash;
    // AV1: what is shown instead, if anything.
    std::shared_ptr<core::Picture> display;
    std::optional<core::FrameHash> display_hash;
  };

  static bool same(const core::Picture& picture, const std::optional<core::FrameHash>& expected) {
    picture.wait();
    const auto frame = picture.frame();
    std::optional<core::FrameHash> hash;
    if (frame.has_value()) hash = core::hash_frame(frame->view);
    return hash == expected;
  }

  void compare_front() {
    const Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    if (!same(*waiting.picture, waiting.hash) ||
        (waiting.display != nullptr && !same(*waiting.display, waiting.display_hash))) {
      ++different_;
      if (!first_different_.has_value()) first_different_ = pictures_;
    }
    ++pictures_;
  }

  std::shared_ptr<core::Core> core_;
  const size_t in_flight_;
  std::map<uint32_t, std::shared_ptr<core::Session>> sessions_;
  std::deque<Waiting> waiting_;
  uint64_t pictures_ = 0;
  uint64_t different_ = 0;
  std::optional<uint64_t> first_different_;
};

Status replay_all(const std::string& path, Replay& replay) {
  auto file = Mapping::map_file(path);
  if (!file) return file.error();
  auto reader = core::RecordingReader::open(file->bytes());
  if (!reader) return reader.error();
  Progress progress;
  while (true) {
    auto next = reader->next();
    if (!next) return next.error();
    if (!next->has_value()) break;
    if (Status status = replay.submit(std::move(**next)); !status) return status;
    progress.update(static_cast<double>(reader->position()) / static_cast<double>(file->size()),
                    replay.pictures());
  }
  replay.finish();
  return {};
}

}  // namespace

int run_replay(Arguments arguments) {
  Options options(std::move(arguments));
  if (options.flag("help")) return std::fputs(kUsage, stdout) < 0;
  const std::string in_flight = options.value("in-flight").value_or("1");
  const auto operands = options.operands();
  if (!operands) return fail(operands.error().message, 2);
  if (operands->size() != 1) return fail("replay takes one recording", 2);
  const int depth = std::atoi(in_flight.c_str());
  if (depth < 1 || depth > 32) return fail("--in-flight is a number from 1 to 32", 2);
  const auto settings = core::Settings::parse_environment();
  if (!settings) return fail(settings.error().message, 2);

  const auto start = std::chrono::steady_clock::now();
  Replay replay(core::Core::create(*settings), static_cast<size_t>(depth));
  const Status status = replay_all(operands->front(), replay);
  if (!status) return fail(status.error().message);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (replay.first_different().has_value()) {
    std::printf("the first picture that differs is number %" PRIu64 " in decoding order\n",
                *replay.first_different());
  }
  std::printf("replay %s: %" PRIu64 " pictures in %.2f s, %" PRIu64 " different\n",
              operands->front().c_str(), replay.pictures(), seconds, replay.different());
  return replay.different() == 0 && replay.pictures() != 0 ? 0 : 1;
}

}  // namespace daedalus::tool
