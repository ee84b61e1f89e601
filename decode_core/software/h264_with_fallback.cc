#include "decode_core/software/h264_with_fallback.h"

#include <array>
#include <utility>
#include <variant>

#include "base/log.h"
#include "decode_core/software/h264/entropy_decoder.h"
#include "decode_core/software/h264/h264_decoder.h"
#include "decode_core/software/libavcodec/libavcodec_decoder.h"

namespace daedalus::core {
namespace {

constexpr std::array<StageRun, 1> kFallbackStages = {{{"decode", "libavcodec"}}};

class H264WithFallback final : public Decoder {
 public:
  H264WithFallback(std::unique_ptr<Decoder> native, int threads,
                   std::shared_ptr<FrameMemorySource> memory)
      : native_(std::move(native)), threads_(threads), memory_(std::move(memory)) {}

  DecodeOutcome decode(const DecodeJob& job) override {
    choose(job);
    return falls_back_ ? decode_by_fallback(job) : native_->decode(job);
  }

  void begin(const DecodeJob& job, Done done) override {
    choose(job);
    if (falls_back_) {
      done(decode_by_fallback(job));
    } else {
      native_->begin(job, std::move(done));
    }
  }

  // libavcodec's ends each job before the next one anyway.
  void expect(bool more) override { native_->expect(more); }
  void finish() override { native_->finish(); }

 private:
  void choose(const DecodeJob& job) {
    if (!begins_chain(job)) return;
    const Status supported = h264::check_supported(std::get<H264Parameters>(job.parameters));
    falls_back_ = !supported && ready_fallback(supported.error());
    // While the other one decodes, nobody works on what it has begun.
    if (falls_back_) native_->finish();
  }

  bool ready_fallback(const Error& reason) {
    if (fallback_ != nullptr) return true;
    auto fallback = create_libavcodec_decoder(Codec::kH264, threads_, memory_);
    if (!fallback) {
      log(LogLevel::kError, "%s: %s", reason.message.c_str(), fallback.error().message.c_str());
      return false;
    }
    log(LogLevel::kInfo, "%s: libavcodec decodes it", reason.message.c_str());
    fallback_ = std::move(*fallback);
    return true;
  }

  DecodeOutcome decode_by_fallback(const DecodeJob& job) {
    DecodeOutcome outcome = fallback_->decode(job);
    outcome.stages = kFallbackStages;
    return outcome;
  }

  const std::unique_ptr<Decoder> native_;
  const int threads_;
  const std::shared_ptr<FrameMemorySource> memory_;
  std::unique_ptr<Decoder> fallback_;  // from the first picture on that needs it
  bool falls_back_ = false;
};

}  // namespace

std::unique_ptr<Decoder> create_h264_with_fallback(Workers& workers, int threads,
                                                   const gpu_kernels::SubstrateChoice& substrate,
                                                   gpu_kernels::Dispatcher* dispatcher,
                                                   std::shared_ptr<FrameMemorySource> memory) {
  return std::make_unique<H264WithFallback>(
      create_h264_decoder(workers, threads, substrate, {}, dispatcher), threads, std::move(memory));
}

}  // namespace daedalus::core
