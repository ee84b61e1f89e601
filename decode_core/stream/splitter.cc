#include "decode_core/stream/splitter.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include "decode_core/software/libavcodec/codec_context.h"

namespace daedalus::core {
namespace {

Status fill(AVPacket& packet, std::span<const uint8_t> bytes, uint64_t token) {
  av_packet_unref(&packet);
  if (av_new_packet(&packet, static_cast<int>(bytes.size())) < 0) {
    return Error{ErrorCode::kOutOfMemory, "no memory for a packet"};
  }
  std::memcpy(packet.data, bytes.data(), bytes.size());
  set_token(packet, token);
  return {};
}

class FrameSplitter final : public Splitter {
 public:
  void push(Run run) override { run_ = std::move(run); }
  void finish() override {}
  void reset() override { run_.reset(); }

  Result<bool> next(AVPacket& packet) override {
    const std::optional<Run> run = std::exchange(run_, std::nullopt);
    if (!run || run->data().empty()) return false;
    if (Status status = fill(packet, run->data(), run->token); !status) return status.error();
    return true;
  }

 private:
  std::optional<Run> run_;
};

struct CloseParser {
  void operator()(AVCodecParserContext* parser) const { av_parser_close(parser); }
};

class AccessUnitSplitter final : public Splitter {
 public:
  explicit AccessUnitSplitter(AvCodecContext context) : context_(std::move(context)) { reset(); }

  void push(Run run) override {
    starts_.push_back({fed_, run.token});
    // A unit's end is found soon after it: of a long one the runs in its middle are not needed.
    if (starts_.size() > kMaxStarts) starts_.erase(starts_.begin() + 1);
    fed_ += static_cast<int64_t>(run.data().size());
    run_ = std::move(run);
    position_ = 0;
  }

  void finish() override { finishing_ = true; }

  void reset() override {
    parser_.reset(av_parser_init(context_->codec_id));
    run_.reset();
    starts_.clear();
    position_ = unfinished_ = 0;
    fed_ = 0;
    finishing_ = false;
  }

  Result<bool> next(AVPacket& packet) override {
    while (true) {
      const std::span<const uint8_t> rest =
          run_ ? run_->data().subspan(position_) : std::span<const uint8_t>();
      if (rest.empty() && !finishing_) return false;
      if (parser_ == nullptr) {
        reset();
        return Error{ErrorCode::kOutOfMemory, "no memory for a parser"};
      }
      uint8_t* unit = nullptr;
      int unit_size = 0;
      const int parsed =
          av_parser_parse2(parser_.get(), context_.get(), &unit, &unit_size, rest.data(),
                           static_cast<int>(rest.size()), AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
      const auto used = static_cast<size_t>(std::max(parsed, 0));
      position_ += used;
      unfinished_ += used;
      if (unit_size > 0) {
        unfinished_ = 0;
        const uint64_t token = token_at(parser_->frame_offset);
        if (Status status = fill(packet, {unit, static_cast<size_t>(unit_size)}, token); !status) {
          return status.error();
        }
        return true;
      }
      if (rest.empty()) return false;
      // Bytes that never end a unit, or a parser that does not go on.
      if (unfinished_ > kMaxPacket || used == 0) reset();
    }
  }

 private:
  struct Start {
    int64_t offset;  // of the run's first byte, bytes since reset()
    uint64_t token;
  };

  // The token of the run in which the unit at `offset` begins. A zero byte more or less before a
  // start code belongs to either unit, so the start code's last zero decides.
  uint64_t token_at(int64_t offset) {
    constexpr int64_t kLastZero = 1;
    while (starts_.size() > 1 && starts_[1].offset <= offset + kLastZero) starts_.pop_front();
    return starts_.empty() ? 0 : starts_.front().token;
  }

  static constexpr size_t kMaxStarts = 1024;

  // For the parser alone: it writes to it, which must not race with the decoder's threads.
  const AvCodecContext context_;
  std::unique_ptr<AVCodecParserContext, CloseParser> parser_;
  std::optional<Run> run_;
  size_t position_ = 0;    // in the run
  size_t unfinished_ = 0;  // bytes that the parser has taken since it gave a unit
  std::deque<Start> starts_;
  int64_t fed_ = 0;
  bool finishing_ = false;
};

}  // namespace

Run::Run(std::span<const uint8_t> data, uint64_t token)
    : padded(data.size() + AV_INPUT_BUFFER_PADDING_SIZE), token(token) {
  std::copy(data.begin(), data.end(), padded.begin());
}

std::span<const uint8_t> Run::data() const {
  return std::span(padded).first(padded.size() - AV_INPUT_BUFFER_PADDING_SIZE);
}

void set_token(AVPacket& packet, uint64_t token) { packet.pts = static_cast<int64_t>(token); }

Result<std::unique_ptr<Splitter>> Splitter::create(Codec codec) {
  switch (codec) {
    case Codec::kAv1:
    case Codec::kVp8:
    case Codec::kVp9:
      return std::unique_ptr<Splitter>(std::make_unique<FrameSplitter>());
    case Codec::kH264:
    case Codec::kHevc:
    case Codec::kMpeg2:
      break;
  }
  auto context = make_codec_context(codec);
  if (!context) return context.error();
  return std::unique_ptr<Splitter>(std::make_unique<AccessUnitSplitter>(std::move(*context)));
}

}  // namespace daedalus::core
