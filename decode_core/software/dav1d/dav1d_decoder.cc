#include "decode_core/software/dav1d/dav1d_decoder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

extern "C" {
#include <dav1d/dav1d.h>
}

#include "decode_core/av1_slot_map.h"
#include "decode_core/film_grain.h"
#include "decode_core/picture.h"
#include "decode_core/software/dav1d/packet_writer.h"
#include "decode_core/software/dav1d/picture_allocator.h"
#include "decode_core/software/dav1d/rewrite/av1_units.h"

namespace daedalus::core {
namespace {

struct CloseDecoder {
  void operator()(Dav1dContext* decoder) const { dav1d_close(&decoder); }
};

// One reference to a picture of dav1d's.
class OwnedPicture {
 public:
  OwnedPicture() = default;
  OwnedPicture(OwnedPicture&& other) noexcept : picture_(std::exchange(other.picture_, {})) {}
  OwnedPicture& operator=(OwnedPicture&& other) noexcept {
    std::swap(picture_, other.picture_);
    return *this;
  }
  ~OwnedPicture() { reset(); }

  bool empty() const { return picture_.data[0] == nullptr; }
  const Dav1dPicture& get() const { return picture_; }
  // To be filled.
  Dav1dPicture* reset() {
    if (!empty()) dav1d_picture_unref(&picture_);
    picture_ = {};
    return &picture_;
  }

 private:
  Dav1dPicture picture_{};
};

// A picture that was decoded and may have to be decoded once more, into a slot.
struct Undecided {
  uint64_t picture;
  CodedFrame coded;
  std::array<uint8_t, V4L2_AV1_REFS_PER_FRAME> ref_frame_idx;
};

class Dav1dDecoder final : public Decoder {
 public:
  explicit Dav1dDecoder(std::shared_ptr<FrameMemorySource> memory)
      : allocator_(std::move(memory)) {}

  Status open(int threads) {
    Dav1dSettings settings;
    dav1d_default_settings(&settings);
    settings.n_threads = threads;
    settings.max_frame_delay = 1;
    settings.apply_grain = 0;
    settings.output_invisible_frames = 1;
    settings.frame_size_limit = kMaxDimension * kMaxDimension;
    settings.allocator = allocator_.callbacks();
    settings.logger.callback = nullptr;
    Dav1dContext* decoder = nullptr;
    if (dav1d_open(&decoder, &settings) != 0) {
      return Error{ErrorCode::kInternal, "dav1d does not open"};
    }
    decoder_.reset(decoder);
    return {};
  }

  bool wants_successor(const DecodeJob& job) const override {
    return !refresh_flags_of(job).has_value() && names_eight_references(job);
  }

  void foresee(const DecodeJob& job, const DecodeJob& successor) override {
    foreseen_ = refresh_flags_from(successor, job.target->id());
  }

  DecodeOutcome decode(const DecodeJob& job) override {
    const auto refresh_flags = take_refresh_flags(job);  // first, so that none is left behind
    const auto& parameters = std::get<Av1Parameters>(job.parameters);
    DecodeOutcome outcome;
    begin_sequence(parameters.sequence);
    outcome.redecoded = decode_undecided(job);
    const Av1SlotMap::Plan plan = slots_.plan(job, refresh_flags);
    OwnedPicture picture;
    Status status;
    if (!plan.lost) {
      const CodedFrameView coded{parameters, job.bitstream, job.slices};
      status = run(coded, plan.ref_frame_idx, plan.slot, job.target->id(), picture);
    }
    if (plan.undecided && status && !plan.lost) remember(job, plan);
    if (!picture.empty()) {
      outcome.frame = PictureAllocator::buffer_of(picture.get());
      outcome.concealed = plan.substituted;
    } else if (plan.substituted) {
      // Before the first picture that this session knows, or an impossible stand-in.
      outcome.frame = grey(job, outcome.error);
      outcome.concealed = true;
    } else {
      outcome.error = status.error();
    }
    if (job.display != nullptr && outcome.frame.has_value()) show(parameters, picture, outcome);
    return outcome;
  }

 private:
  static constexpr size_t kMostUndecided = headers::kAv1SlotCount;

  // As the job tells them, else as the one after it does.
  std::optional<uint32_t> take_refresh_flags(const DecodeJob& job) {
    const auto foreseen = std::exchange(foreseen_, std::nullopt);
    const auto flags = refresh_flags_of(job);
    return flags.has_value() ? flags : foreseen;
  }

  // dav1d drops what it holds at another sequence header.
  void begin_sequence(const v4l2_ctrl_av1_sequence& sequence) {
    std::vector<uint8_t> header;
    rewrite::append_av1_sequence_header(sequence, header);
    if (header == sequence_) return;
    sequence_ = std::move(header);
    slots_.clear();
    undecided_.clear();
  }

  // The references of a job tell which earlier pictures were stored after all, and which of the
  // slots' pictures they replaced. Returns how many were decoded once more.
  uint32_t decode_undecided(const DecodeJob& job) {
    if (!names_references(job)) return 0;
    uint32_t count = 0;
    for (const Undecided& undecided : undecided_) {
      const bool stored =
          std::any_of(job.references.begin(), job.references.end(), [&](const auto& reference) {
            return reference != nullptr && reference->id() == undecided.picture;
          });
      if (!stored || slots_.holds(undecided.picture)) continue;
      const auto slot = slots_.late_slot(job);
      if (!slot.has_value()) continue;
      const CodedFrame& coded = undecided.coded;
      OwnedPicture again;
      if (run({coded.parameters, coded.bitstream, coded.slices}, undecided.ref_frame_idx, slot,
              undecided.picture, again)) {
        ++count;
      }
    }
    undecided_.clear();
    return count;
  }

  void remember(const DecodeJob& job, const Av1SlotMap::Plan& plan) {
    if (undecided_.size() == kMostUndecided) undecided_.pop_front();
    undecided_.push_back({job.target->id(),
                          {std::get<Av1Parameters>(job.parameters), job.bitstream, job.slices},
                          plan.ref_frame_idx});
  }

  // Decodes a frame into `picture` and, with `slot`, the slot.
  Status run(const CodedFrameView& coded, const decltype(FramePlace::ref_frame_idx)& references,
             std::optional<uint8_t> slot, uint64_t id, OwnedPicture& picture) {
    const auto state = write_av1_packet(coded, {references, slot, states()}, packet_);
    if (!state) return state.error();
    if (slot.has_value()) slots_.drop(*slot);
    const int result = send(picture);
    if (result < 0 || picture.empty()) {
      return Error{ErrorCode::kCorrupt, result < 0 ? std::string("dav1d: ") + std::strerror(-result)
                                                   : "dav1d decoded no picture"};
    }
    if (slot.has_value()) {
      slots_.store(*slot, id);
      states_[*slot] = *state;
    }
    return {};
  }

  decltype(FramePlace::states) states() const {
    decltype(FramePlace::states) states{};
    for (size_t i = 0; i < states.size(); ++i) {
      if (slots_.picture_in(i) != 0) states[i] = &states_[i];
    }
    return states;
  }

  // One temporal unit in, its picture out: there is no delay.
  int send(OwnedPicture& picture) {
    Dav1dData data{};
    uint8_t* to = dav1d_data_create(&data, packet_.size());
    if (to == nullptr) return DAV1D_ERR(ENOMEM);
    std::copy(packet_.begin(), packet_.end(), to);
    const int result = dav1d_send_data(decoder_.get(), &data);
    if (data.sz != 0) dav1d_data_unref(&data);
    OwnedPicture next;
    while (dav1d_get_picture(decoder_.get(), next.reset()) == 0) picture = std::move(next);
    return result;
  }

  std::optional<FrameBuffer> grey(const DecodeJob& job, Error& error) {
    const bool wide = std::get<Av1Parameters>(job.parameters).sequence.bit_depth > 8;
    auto frame = allocator_.grey(wide ? SampleFormat::kI42010 : SampleFormat::kI420,
                                 job.coded_width(), job.coded_height());
    if (frame) return std::move(*frame);
    error = frame.error();
    return std::nullopt;
  }

  // The displayed picture: the target's pixels, which are to get film grain if there is any.
  void show(const Av1Parameters& parameters, const OwnedPicture& picture, DecodeOutcome& outcome) {
    outcome.display = outcome.frame;
    if (picture.empty() ||
        (parameters.film_grain.flags & V4L2_AV1_FILM_GRAIN_FLAG_APPLY_GRAIN) == 0) {
      return;
    }
    const bool monochrome = picture.get().p.layout == DAV1D_PIXEL_LAYOUT_I400;
    auto grained = with_film_grain(*outcome.frame, parameters.film_grain, monochrome);
    if (grained) {
      outcome.display = std::move(*grained);
    } else {
      outcome.concealed = true;
    }
  }

  PictureAllocator allocator_;
  std::unique_ptr<Dav1dContext, CloseDecoder> decoder_;
  Av1SlotMap slots_;
  std::array<rewrite::Av1SlotState, headers::kAv1SlotCount> states_;  // of those that are not empty
  std::deque<Undecided> undecided_;
  std::optional<uint32_t> foreseen_;  // refresh_frame_flags of the next job
  std::vector<uint8_t> sequence_;     // as it was written last
  std::vector<uint8_t> packet_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> create_dav1d_decoder(int threads,
                                                      std::shared_ptr<FrameMemorySource> memory) {
  auto decoder = std::make_unique<Dav1dDecoder>(std::move(memory));
  if (Status status = decoder->open(threads); !status) return status.error();
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace daedalus::core
