#include "test/clients/v4l2/sink.h"

#include <array>
#include <cinttypes>

extern "C" {
#include <libavutil/md5.h>
#include <libavutil/mem.h>
}

namespace daedalus::v4l2_client {
namespace {

size_t luma_bytes(const Frame& frame) {
  return size_t{frame.width} * frame.height * (frame.bit_depth > 8 ? 2 : 1);
}

}  // namespace

void Md5::Free::operator()(AVMD5* context) const { av_free(context); }

Md5::Md5() : context_(av_md5_alloc()) { av_md5_init(context_.get()); }

void Md5::add(std::span<const uint8_t> bytes) {
  av_md5_update(context_.get(), bytes.data(), bytes.size());
}

std::string Md5::hex() {
  std::array<uint8_t, 16> digest{};
  av_md5_final(context_.get(), digest.data());
  std::string text;
  for (const uint8_t byte : digest) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", byte);
    text += digits.data();
  }
  return text;
}

std::unique_ptr<Sink> Sink::to_file(const std::string& path, bool luma_only) {
  auto sink = std::make_unique<Sink>(Form::kNone, luma_only);
  sink->file_.reset(std::fopen(path.c_str(), "wb"));
  return sink->file_ ? std::move(sink) : nullptr;
}

Status Sink::write(const Frame& frame) {
  std::span<const uint8_t> samples = frame.samples;
  if (luma_only_) samples = samples.first(luma_bytes(frame));
  if (form_ == Form::kMd5) md5_.add(samples);
  if (form_ == Form::kFrameMd5) {
    Md5 md5;
    md5.add(samples);
    std::printf("%" PRIu64 ",%u,%u,%s\n", frames_, frame.width, frame.height, md5.hex().c_str());
  }
  ++frames_;
  if (file_ && std::fwrite(samples.data(), 1, samples.size(), file_.get()) != samples.size())
    return system_error("write");
  return {};
}

Status Sink::finish() {
  if (form_ == Form::kMd5) std::printf("md5 %s frames %" PRIu64 "\n", md5_.hex().c_str(), frames_);
  if (file_ && std::fflush(file_.get()) != 0) return system_error("write");
  return {};
}

}  // namespace daedalus::v4l2_client
