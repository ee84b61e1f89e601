// Devices that fail at a random picture in a random way: every stream ends, what came before the
// fault and what comes from the next key picture on is exact, and nothing is left behind. Half of
// the clients have exported their surfaces before.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "decode_core/hardware/decoder_queues.h"
#include "decode_core/hardware/failover_decoder.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/session.h"
#include "decode_core/surface.h"
#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/decode_core/hardware/exporting_client.h"
#include "test/decode_core/hardware/own_device.h"
#include "test/decode_core/hardware/passing_memory.h"
#include "test/decode_core/stream/streams.h"
#include "test/statistics.h"
#include "test/temporary_file.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

constexpr const char* kClips[] = {
    "h264.mp4", "h264_interlaced.mp4", "vp8.webm", "vp9.webm",      "vp9_10bit.webm", "mpeg2.mpg",
    "hevc.mp4", "hevc_10bit.mp4",      "av1.webm", "av1_10bit.webm"};

// Calls that a fault hits beside the ioctls by their numbers.
constexpr uint32_t kQueueOutput = 1;
constexpr uint32_t kQueueCapture = 2;
constexpr uint32_t kRequestControls = 3;
constexpr uint32_t kEverything = 4;

constexpr int kForGood = std::numeric_limits<int>::max();

struct FaultKind {
  const char* name;
  std::vector<uint32_t> calls;
  int error;
  int times;  // that calls fail
  // So many pictures, that of the fault the first, may fail before the device works again or is
  // given up.
  size_t pictures;
};

const std::vector<FaultKind>& fault_kinds() {
  static const std::vector<FaultKind> kinds = {
      {"the coded data are refused", {kQueueOutput}, EINVAL, 1, 1},
      {"the buffer for the picture is refused", {kQueueCapture}, EINVAL, 1, 1},
      {"controls are refused twice", {kRequestControls}, EINVAL, 2, 2},
      {"controls are refused for good", {kRequestControls}, EINVAL, kForGood, 3},
      {"a request is refused", {MEDIA_REQUEST_IOC_QUEUE}, EINVAL, 1, 1},
      {"requests are refused for good", {MEDIA_REQUEST_IOC_QUEUE}, EIO, kForGood, 3},
      {"a request gets lost", {OwnDevice::kPoll}, ETIME, 1, 1},
      {"the device hangs for good", {OwnDevice::kPoll}, ETIME, kForGood, 3},
      {"poll fails", {OwnDevice::kPoll}, EIO, 1, 1},
      {"a buffer does not come back", {VIDIOC_DQBUF}, EIO, 1, 1},
      {"no buffer ever comes back", {VIDIOC_DQBUF}, EIO, kForGood, 3},
      {"a request is busy", {MEDIA_REQUEST_IOC_REINIT}, EBUSY, 1, 0},
      {"requests are always busy", {MEDIA_REQUEST_IOC_REINIT}, EBUSY, kForGood, 0},
      // Four slots die one after the other, then there is none, and no new ones twice.
      {"requests are always busy, and there are no new ones",
       {MEDIA_REQUEST_IOC_REINIT, MEDIA_IOC_REQUEST_ALLOC},
       EBUSY,
       kForGood,
       DecoderQueues::kSlots + 3},
      {"the device is unplugged", {kEverything}, ENODEV, kForGood, 3},
  };
  return kinds;
}

// What a call is to the table above.
uint32_t kind_of_call(uint32_t request, const void* argument) {
  if (request == VIDIOC_QBUF) {
    const bool output = V4L2_TYPE_IS_OUTPUT(static_cast<const v4l2_buffer*>(argument)->type);
    return output ? kQueueOutput : kQueueCapture;
  }
  if (request == VIDIOC_S_EXT_CTRLS &&
      static_cast<const v4l2_ext_controls*>(argument)->which == V4L2_CTRL_WHICH_REQUEST_VAL) {
    return kRequestControls;
  }
  return request;
}

// Fails as the kind says from the job `first` on.
class ScriptedFault {
 public:
  ScriptedFault(const FaultKind& kind, size_t first) : kind_(kind), first_(first) {}

  int operator()(uint32_t request, const void* argument) {
    const uint32_t call = kind_of_call(request, argument);
    // Each job sets its controls once, after it has its CAPTURE buffer.
    if (call == kRequestControls) ++begun_;
    if (begun_ + (call == kQueueCapture ? 1 : 0) <= first_) return 0;
    const bool hit = kind_.calls.front() == kEverything ||
                     std::ranges::find(kind_.calls, call) != kind_.calls.end();
    if (!hit || failed_ >= kind_.times) return 0;
    ++failed_;
    return kind_.error;
  }
  int failed() const { return failed_; }

 private:
  const FaultKind& kind_;
  const size_t first_;
  std::atomic<size_t> begun_{0};  // jobs
  std::atomic<int> failed_{0};
};

constexpr size_t kNever = std::numeric_limits<size_t>::max();

// A clip's pictures in the orders of decoding and of display.
struct Timeline {
  std::vector<bool> begins_chain;  // by job
  std::vector<size_t> shown_at;    // by job: the first time; kNever
  std::vector<size_t> job_of;      // by picture shown
};

Timeline read_timeline(const std::string& path) {
  auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  Timeline timeline;
  std::map<uint64_t, size_t> jobs;  // by picture
  parsed_stream::Event event;
  for (;;) {
    const auto more = (*stream)->next(event);
    REQUIRE(more.ok());
    if (!*more) return timeline;
    if (const auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      const DecodeJob& job = decode->job;
      REQUIRE(job.field == FieldRole::kFrame);
      jobs[job.target->id()] = timeline.begins_chain.size();
      if (job.display != nullptr) jobs[job.display->id()] = timeline.begins_chain.size();
      timeline.begins_chain.push_back(begins_chain(job));
      timeline.shown_at.push_back(kNever);
    } else {
      const size_t job = jobs.at(std::get<parsed_stream::OutputEvent>(event).picture->id());
      timeline.shown_at[job] = std::min(timeline.shown_at[job], timeline.job_of.size());
      timeline.job_of.push_back(job);
    }
  }
}

struct Clip {
  std::string path;
  Timeline timeline;
  PlayedFile expected;
};

const Clip& clip_of(size_t index) {
  static std::map<size_t, Clip> clips;
  const auto [entry, made] = clips.try_emplace(index);
  Clip& clip = entry->second;
  if (!made) return clip;
  clip.path = std::string("test/data/") + kClips[index];
  clip.timeline = read_timeline(clip.path);
  clip.expected = play_file(*make_core(1), clip.path);
  return clip;
}

// The job that begins the first chain after `pictures` failed ones from `fault` on.
size_t recovery(const Timeline& timeline, size_t fault, size_t pictures) {
  for (size_t job = fault + pictures; job < timeline.begins_chain.size(); ++job) {
    if (timeline.begins_chain[job]) return job;
  }
  return kNever;
}

// How many pictures were compared, and how many of these after the fault.
struct Compared {
  size_t all = 0;
  size_t after = 0;
};

Compared compare(const Clip& clip, const PlayedFile& played, size_t fault, size_t pictures) {
  const Timeline& timeline = clip.timeline;
  REQUIRE(played.failure == "");
  REQUIRE(played.pictures.size() == clip.expected.pictures.size());
  const size_t again = pictures == 0 ? fault : recovery(timeline, fault, pictures);
  Compared compared;
  for (size_t i = 0; i < played.pictures.size(); ++i) {
    const size_t job = timeline.job_of[i];
    const bool after = again != kNever && job >= again && i >= timeline.shown_at[again];
    if (job >= fault && !after) continue;
    CAPTURE(i, job);
    REQUIRE(played.pictures[i].hash == clip.expected.pictures[i].hash);
    // A CRA picture may name lost pictures, without being predicted from them.
    if (!after) REQUIRE_FALSE(played.pictures[i].concealed);
    ++compared.all;
    compared.after += after ? 1 : 0;
  }
  return compared;
}

// Gives each picture a surface that was exported before, as GStreamer and Chromium do, and compares
// what others see of it with what is shown.
class ExportedSurfaces {
 public:
  ExportedSurfaces(std::shared_ptr<Core> core, const std::string& path)
      : core_(std::move(core)),
        format_(path.find("10bit") == std::string::npos ? SurfaceFormat::kNv12
                                                        : SurfaceFormat::kP010) {}

  void prepare(const DecodeJob& job) {
    const auto picture = job.display != nullptr ? job.display : job.target;
    auto& surface = surfaces_[picture->id()];
    surface = std::make_unique<Surface>(core_, format_, job.coded_width(), job.coded_height());
    REQUIRE(surface->export_memory(true).ok());
    surface->set_picture(picture);
  }
  void show(const Picture& picture) const {
    const auto frame = picture.frame();
    const auto exported = surfaces_.at(picture.id())->export_memory(true);
    REQUIRE(exported.ok());
    if (!frame) return;
    REQUIRE(ExportingClient::seen(*exported, format_, frame->view.width, frame->view.height) ==
            hash_frame(frame->view));
  }

 private:
  const std::shared_ptr<Core> core_;
  const SurfaceFormat format_;
  std::map<uint64_t, std::unique_ptr<Surface>> surfaces_;  // by picture
};

Compared run_seed(uint32_t seed) {
  std::mt19937 random(seed);
  const auto choose = [&](size_t count) {
    return std::uniform_int_distribution<size_t>(0, count - 1)(random);
  };
  const Clip& clip = clip_of(choose(std::size(kClips)));
  const FaultKind& kind = fault_kinds()[choose(fault_kinds().size())];
  const size_t jobs = clip.timeline.begins_chain.size();
  const size_t first = choose(jobs);
  CAPTURE(seed, clip.path, kind.name, first);

  const daedalus::test::TemporaryFolder folder;
  OwnDevice device;
  device.set_driver("test-vpu");
  ScriptedFault fault(kind, first);
  Compared compared;
  {
    const auto core = make_hardware_core(device, "prefer-hardware", folder.path(),
                                         std::make_unique<PassingMemory>());
    device.set_fault(std::ref(fault));
    std::shared_ptr<Session> session;
    std::optional<ExportedSurfaces> surfaces;
    Show show;
    Prepare prepare;
    if (seed % 2 == 0) {
      surfaces.emplace(core, clip.path);
      show = [&](const auto& picture) { surfaces->show(*picture); };
      prepare = [&](const DecodeJob& job) { surfaces->prepare(job); };
    }
    const PlayedFile played = play_file(*core, clip.path, &session, show, prepare);
    CHECK(fault.failed() > 0);
    compared = compare(clip, played, first, kind.pictures);
    const StatisticsSnapshot page = daedalus::test::only_page(folder.path());
    CHECK(page.pictures + page.errors == jobs);
    if (kind.pictures == 0) CHECK(page.errors == 0);
    CHECK(decoded_by(page, "test-vpu") + decoded_by(page, "software") == page.pictures);
    if (kind.pictures == 0) CHECK(decoded_by(page, "test-vpu") == jobs);
    // The video node, the media node, and each slot's request; nothing once it is given up.
    const size_t files = device.open_files();
    const size_t whole = 2 + DecoderQueues::kSlots;
    CAPTURE(files);
    // Pictures without pixels for want of their references bring the end nearer, too.
    const bool for_good = kind.times == kForGood;
    const bool given_up = for_good || page.errors >= kFailuresBeforeFailover;
    CHECK((files == whole || (given_up && files == 0) || (for_good && files == 2)));
    if (decoded_by(page, "software") > 0) CHECK(files == 0);
    device.set_fault({});
  }
  CHECK(device.open_files() == 0);
  CHECK(device.mappings() == 0);
  return compared;
}

void run_seeds(uint32_t count) {
  Compared compared;
  for (uint32_t seed = 1; seed <= count; ++seed) {
    const Compared of_seed = run_seed(seed);
    compared.all += of_seed.all;
    compared.after += of_seed.after;
  }
  std::printf("%u seeds: %zu pictures compared, %zu of them after the fault\n", count, compared.all,
              compared.after);
  CHECK(compared.all > 20 * count);
  CHECK(compared.after > 5 * count);
}

}  // namespace

TEST_CASE("a device that fails at a random picture in a random way", "[sample]") { run_seeds(40); }

TEST_CASE("a device that fails at a random picture in a random way, a thousand times", "[full]") {
  run_seeds(1000);
}

}  // namespace daedalus::core::test
