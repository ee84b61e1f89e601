// daedalus decode: a file through a front, to frames, hashes or a benchmark.
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "tools/daedalus/commands.h"
#include "tools/daedalus/front.h"
#include "tools/daedalus/options.h"
#include "tools/daedalus/progress.h"
#include "tools/daedalus/sink.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::tool {
namespace {

constexpr const char* kUsage =
    "usage: daedalus decode [OPTION…] IN [OUT]\n"
    "\n"
    "  OUT                 .yuv, .y4m or .png (the first frame), or a folder's name ending in /\n"
    "  --front replay|va   straight into the core (default), or through the VA driver\n"
    "  --driver FILE       the VA driver for --front va\n"
    "  --style NAME        whose habits --front va has: ffmpeg (default), firefox, chromium, …\n"
    "  --md5               one hash over all frames in display order\n"
    "  --framemd5          a line for each frame: index,width,height,hash\n"
    "  --luma              the first plane alone, what a monochrome stream codes; not into .y4m, "
    ".png\n"
    "  --benchmark         decode only, and read what is to get film grain; prints frames, seconds "
    "and\n"
    "                      CPU seconds as JSON\n"
    "  --frames N          the first N frames only\n"
    "  --in-flight N       wait for the Nth picture before this one is given (default: for those "
    "that\n"
    "                      are to be shown, as a player does)\n"
    "  --backend auto|software|prefer-hardware|hardware|hardware:NODE   --engine "
    "auto|libavcodec|dav1d|native\n"
    "  --threads N\n"
    "  --substrate auto|scalar|simd or stage=value,…\n"
    "\n"
    "H.264, HEVC, AV1, VP9, VP8 and MPEG-2 in any container that libavformat opens; AV1 also of\n"
    "annex B.\n";

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

constexpr size_t kUnlimited = SIZE_MAX;

struct Totals {
  uint64_t shown = 0;
  uint64_t concealed = 0;
  uint64_t errors = 0;
};

// The events of a stream in order. Like a player it waits for a picture when it is to be shown, and
// for others when more than `in_flight` are under way. Without a sink pictures with film grain
// alone are read: who reads a picture may be who adds it.
class Player {
 public:
  Player(Front& front, Sink* sink, bool luma, size_t in_flight)
      : front_(front), sink_(sink), luma_(luma), in_flight_(in_flight) {}

  Status handle(parsed_stream::Event event) {
    if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      give(std::move(decode->job));
      return {};
    }
    return show(std::get<parsed_stream::OutputEvent>(event));
  }

  void report(const Error& error) {
    ++totals_.errors;
    constexpr uint64_t kMostMessages = 5;
    if (totals_.errors <= kMostMessages) fail(error.message);
  }

  const Totals& totals() const { return totals_; }

 private:
  void give(core::DecodeJob job) {
    // What a picture failed of is said when it is shown.
    for (; under_way_.size() >= in_flight_; under_way_.pop_front()) {
      static_cast<void>(front_.wait(*under_way_.front()));
    }
    if (in_flight_ != kUnlimited) under_way_.push_back(job.target);
    if (job.display != nullptr) with_film_grain_.insert(job.display->id());
    if (Status status = front_.decode(std::move(job)); !status) report(status.error());
  }

  Status show(const parsed_stream::OutputEvent& output) {
    if (Status status = front_.wait(*output.picture); !status) {
      report(status.error());
      return {};
    }
    ++totals_.shown;
    if (output.picture->concealed()) ++totals_.concealed;
    const bool with_film_grain = with_film_grain_.erase(output.picture->id()) != 0;
    if (sink_ == nullptr) {
      if (!with_film_grain) return {};
      if (Status status = front_.pack(*output.picture, output.visible); !status) {
        report(status.error());
      }
      return {};
    }
    if (Status status = front_.read(*output.picture, output.visible, frame_); !status) {
      report(status.error());
      return {};
    }
    const size_t samples = size_t{frame_.width} * frame_.height;
    if (luma_) frame_.samples.resize(samples * (frame_.bit_depth > 8 ? 2 : 1));
    return sink_->write(frame_);
  }

  Front& front_;
  Sink* const sink_;
  const bool luma_;
  const size_t in_flight_;
  std::deque<std::shared_ptr<core::Picture>> under_way_;
  std::unordered_set<uint64_t> with_film_grain_;  // pictures that are still to be shown
  Frame frame_;
  Totals totals_;
};

struct Request {
  std::string in, out, front, driver, style;
  bool md5 = false, frame_md5 = false, benchmark = false, luma = false;
  size_t frames = kUnlimited, in_flight = kUnlimited;
  core::Settings settings;
};

// The value of --`name`, at least 1; kUnlimited where it is not given.
Result<size_t> parse_count(Options& options, std::string_view name) {
  const auto text = options.value(name);
  if (!text.has_value()) return size_t{kUnlimited};
  size_t count = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (error == std::errc() && end == text->data() + text->size() && count > 0) return count;
  return Error{ErrorCode::kInvalidArgument, "--" + std::string(name) + " takes a number above 0"};
}

Result<Request> parse(Arguments arguments) {
  Options options(std::move(arguments));
  Request request;
  request.front = options.value("front").value_or("replay");
  request.driver = options.value("driver").value_or(default_driver_path());
  request.style = options.value("style").value_or("ffmpeg");
  request.md5 = options.flag("md5");
  request.frame_md5 = options.flag("framemd5");
  request.benchmark = options.flag("benchmark");
  request.luma = options.flag("luma");
  const auto frames = parse_count(options, "frames");
  if (!frames) return frames.error();
  request.frames = *frames;
  const auto in_flight = parse_count(options, "in-flight");
  if (!in_flight) return in_flight.error();
  request.in_flight = *in_flight;
  // A driver in this process reads the environment, as in any client.
  for (const char* name : {"backend", "engine", "substrate", "threads"}) {
    const auto value = options.value(name);
    if (!value.has_value()) continue;
    std::string variable = "DAEDALUS_";
    for (const char* c = name; *c != 0; ++c) variable += static_cast<char>(*c - 'a' + 'A');
    ::setenv(variable.c_str(), value->c_str(), 1);
  }
  auto settings = core::Settings::parse_environment();
  if (!settings) return settings.error();
  request.settings = std::move(*settings);
  auto operands = options.operands();
  if (!operands) return operands.error();
  if (operands->empty() || operands->size() > 2) {
    return Error{ErrorCode::kInvalidArgument, "decode takes IN and, perhaps, OUT"};
  }
  request.in = (*operands)[0];
  if (operands->size() == 2) request.out = (*operands)[1];
  if (request.md5 + request.frame_md5 + request.benchmark + !request.out.empty() > 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "one of OUT, --md5, --framemd5, --benchmark at a time"};
  }
  if (request.luma && (request.out.ends_with(".y4m") || request.out.ends_with(".png"))) {
    return Error{ErrorCode::kInvalidArgument, "--luma writes no .y4m and no .png"};
  }
  return request;
}

Result<std::unique_ptr<Sink>> create_sink(const Request& request) {
  if (request.md5) return create_md5_sink();
  if (request.frame_md5) return create_frame_md5_sink();
  if (!request.out.empty()) return create_file_sink(request.out);
  return std::unique_ptr<Sink>();
}

Result<std::unique_ptr<Front>> create_front(const Request& request) {
  if (request.front == "replay") return create_replay_front(core::Core::create(request.settings));
  if (request.front == "va") return create_va_front(request.driver, request.style);
  return Error{ErrorCode::kInvalidArgument, "--front is replay or va"};
}

// Plays the stream, `frames` of it; damage is counted, not fatal. The error: the output cannot be
// written.
Status play(parsed_stream::ParsedStream& stream, size_t frames, Player& player) {
  Progress progress;
  parsed_stream::Event event;
  while (player.totals().shown < frames) {
    const Result<bool> more = stream.next(event);
    if (!more) {
      player.report(more.error());
      continue;
    }
    if (!*more) return {};
    if (Status status = player.handle(std::move(event)); !status) return status;
    progress.update(stream.progress(), player.totals().shown);
  }
  return {};
}

}  // namespace

int run_decode(Arguments arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--help") return std::fputs(kUsage, stdout) < 0;
  }
  const auto request = parse(std::move(arguments));
  if (!request) return fail(request.error().message, 2);
  auto stream = parsed_stream::ParsedStream::open(request->in);
  if (!stream) return fail(stream.error().message);
  auto front = create_front(*request);
  if (!front) return fail(front.error().message);
  auto sink = create_sink(*request);
  if (!sink) return fail(sink.error().message);

  Player player(**front, sink->get(), request->luma, request->in_flight);
  const auto start = std::chrono::steady_clock::now();
  const double cpu_start = cpu_seconds();
  if (Status status = play(**stream, request->frames, player); !status)
    return fail(status.error().message);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (*sink != nullptr) {
    if (Status status = (*sink)->finish(); !status) return fail(status.error().message);
  }
  const Totals& totals = player.totals();
  if (request->benchmark) {
    std::printf("{\"frames\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
                totals.shown, seconds, cpu_seconds() - cpu_start);
  }
  std::fprintf(stderr,
               "%s: %" PRIu64 " pictures through %s in %.2f s (%.1f a second), %" PRIu64
               " concealed, %" PRIu64 " errors\n",
               request->in.c_str(), totals.shown, request->front.c_str(), seconds,
               static_cast<double>(totals.shown) / seconds, totals.concealed, totals.errors);
  return totals.errors == 0 && totals.shown != 0 ? 0 : 1;
}

}  // namespace daedalus::tool
