#include "decode_core/hardware/hardware_decoder.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "base/log.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/hardware/capture_format.h"
#include "decode_core/hardware/codec_interface.h"
#include "decode_core/hardware/decoder_queues.h"
#include "decode_core/hardware/nal_mode.h"
#include "decode_core/hardware/request_content.h"
#include "decode_core/hardware/request_plan.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/picture.h"
#include "gpu_kernels/sand/sand.h"

namespace daedalus::core {
namespace {

using Clock = std::chrono::steady_clock;

// Timestamps of pictures are microseconds in buffers and nanoseconds in controls
// (v4l2_timeval_to_ns). No picture has 0.
constexpr uint64_t kNanosecondsEach = 1000;

// What did the stages of a picture.
class StagesByPicture {
 public:
  StagesByPicture(std::string_view driver, std::string_view sand_on_cpu)
      : decode_{"decode", driver}, sand_on_cpu_(sand_on_cpu) {
    adopted_ = {{{"capture", "adopted"}, decode_}};
    for (size_t i = 0; i < copied_.size(); ++i) {
      copied_[i] = {{decode_, {"capture", "copied"}, sand_run(static_cast<UnpackedOn>(i))}};
    }
  }
  std::span<const StageRun> adopted() const { return adopted_; }
  std::span<const StageRun> copied(UnpackedOn unpacked) const {
    const std::span<const StageRun> runs = copied_[static_cast<size_t>(unpacked)];
    return unpacked == UnpackedOn::kNothing ? runs.first(2) : runs;
  }

 private:
  StageRun sand_run(UnpackedOn unpacked) const {
    const std::string_view stage = gpu_kernels::stage_name(gpu_kernels::Stage::kSand);
    if (unpacked == UnpackedOn::kGpu) return {stage, "vulkan"};
    if (unpacked == UnpackedOn::kGpuCopied) return {stage, "vulkan+copy"};
    return {stage, sand_on_cpu_, unpacked == UnpackedOn::kCpuForGpu};
  }

  const StageRun decode_;
  const std::string_view sand_on_cpu_;
  std::array<StageRun, 2> adopted_;
  std::array<std::array<StageRun, 3>, 5> copied_;  // by UnpackedOn
};

class HardwareDecoder final : public Decoder {
 public:
  HardwareDecoder(VideoNode node, DeviceFd media, const CodecInterface& interface,
                  MemoryAllocator& memory, const gpu_kernels::SubstrateChoice& substrate,
                  gpu_kernels::Dispatcher* dispatcher, std::shared_ptr<FrameMemorySource> unpacked,
                  std::chrono::milliseconds timeout)
      : node_(std::move(node)),
        media_(std::move(media)),
        interface_(interface),
        timeout_(timeout),
        substrate_(substrate),
        dispatcher_(dispatcher),
        stages_(node_.driver(),
                gpu_kernels::sand_functions(substrate.of(gpu_kernels::Stage::kSand)).target),
        queues_(node_, media_.get(), interface, memory),
        unpacked_(std::move(unpacked)) {}

  Status open();

  DecodeOutcome decode(const DecodeJob& job) override { return run(job, false); }
  void begin(const DecodeJob& job, Done done) override;
  // A first field whose second follows keeps its CAPTURE buffer.
  bool wants_successor(const DecodeJob& job) const override {
    return job.field == FieldRole::kFirstField;
  }
  void foresee(const DecodeJob& job, const DecodeJob& successor) override {
    second_follows_ = job.field == FieldRole::kFirstField &&
                      successor.field == FieldRole::kSecondField && successor.target == job.target;
  }

 private:
  // The first field of a picture whose CAPTURE buffer the driver holds back for the second.
  struct Held {
    std::shared_ptr<Picture> target;
    uint32_t capture = 0;
    Done done;
  };
  // What a request came to.
  struct Landed {
    bool damaged = false;  // V4L2_BUF_FLAG_ERROR
    bool empty = false;    // no payload
  };

  DecodeOutcome run(const DecodeJob& job, bool hold);
  Result<DecodeOutcome> attempt(const DecodeJob& job, bool hold);
  bool wants_unknown(const DecodeJob& job) const;
  Status prepare(const DecodeJob& job, const RequestPlan& plan);
  Result<uint32_t> claim_capture(const DecodeJob& job);
  Result<bool> send_parts(const DecodeJob& job, const RequestPlan& plan, uint32_t capture,
                          bool hold);
  Status send(const DecodeJob& job, const RequestPart& part, const RequestControls& controls,
              uint32_t slot, bool hold);
  Result<Landed> await_output(uint32_t slot);
  Result<Landed> await_capture(uint32_t capture);
  Status take_picture(const DecodeJob& job, uint32_t capture, DecodeOutcome* outcome);
  bool lacks_references(const DecodeJob& job);
  bool has_whole_references(const DecodeJob& job);
  Status take_back_held(uint32_t capture);
  void release_held();
  Error give_up(Error error) {
    broken_ = true;
    return error;
  }
  int milliseconds() const { return static_cast<int>(timeout_.count()); }

  VideoNode node_;
  const DeviceFd media_;
  const CodecInterface& interface_;
  const std::chrono::milliseconds timeout_;
  const gpu_kernels::SubstrateChoice substrate_;
  gpu_kernels::Dispatcher* const dispatcher_;
  const StagesByPicture stages_;
  DecoderQueues queues_;
  std::set<uint32_t> absent_;  // optional controls
  NalMode nal_;
  bool wants_reference_sets_ = false;  // kHevcExtSpsStRps
  bool broken_ = false;                // something never came back: the queues are set up anew
  bool second_follows_ = false;
  bool first_damaged_ = false;  // of the held field
  std::optional<Held> held_;
  ReferenceKeeper keeper_;
  FramePool frames_, unpacked_;  // copies, and those that a GPU may have made of columns
  uint64_t last_timestamp_ = 0;
};

Status HardwareDecoder::open() {
  for (const uint32_t id : optional_controls(interface_.codec)) {
    if (!node_.query_control(id)) absent_.insert(id);
  }
  wants_reference_sets_ =
      interface_.codec == Codec::kHevc && node_.query_control(kHevcExtSpsStRps).has_value();
  if (!interface_.nal) return {};
  const auto mode = query_nal_mode(node_, interface_.codec, *interface_.nal);
  if (!mode) return mode.error();
  nal_ = *mode;
  return set_nal_mode(node_, *interface_.nal, nal_);
}

void HardwareDecoder::begin(const DecodeJob& job, Done done) {
  const bool joins = held_ && job.field == FieldRole::kSecondField && job.target == held_->target;
  if (held_ && !joins) release_held();
  const bool hold = std::exchange(second_follows_, false) && !joins;
  const Done first = joins ? std::move(held_->done) : Done();
  DecodeOutcome outcome = run(job, hold);
  if (!joins && held_) {
    held_->done = std::move(done);
    return;
  }
  held_.reset();
  if (first) first(outcome);
  done(std::move(outcome));
}

DecodeOutcome HardwareDecoder::run(const DecodeJob& job, bool hold) {
  auto outcome = attempt(job, hold);
  if (outcome) return std::move(*outcome);
  DecodeOutcome failed;
  failed.error = outcome.error();
  return failed;
}

// Such drivers read the slice headers in hardware, and decode wrongly without what is in the SPS
// alone, which neither the other controls nor VA-API carry.
bool HardwareDecoder::wants_unknown(const DecodeJob& job) const {
  if (!wants_reference_sets_) return false;
  const v4l2_ctrl_hevc_sps& sps = std::get<HevcParameters>(job.parameters).sps;
  return sps.num_short_term_ref_pic_sets != 0 || sps.num_long_term_ref_pics_sps != 0;
}

// The queues fit the job, and the bytes of each of its requests fit a slot.
Status HardwareDecoder::prepare(const DecodeJob& job, const RequestPlan& plan) {
  size_t bytes = 0;
  for (const RequestPart& part : plan.parts) {
    bytes = std::max(bytes, coded_size(job, part, nal_.annex_b));
  }
  if (broken_ || !queues_.fit(job)) {
    held_.reset();
    keeper_ = {};
    if (Status status = queues_.set_up(job, bytes); !status) {
      queues_.stop();
      return status;
    }
    broken_ = false;
  }
  if (queues_.slots().has_room_for(bytes)) return {};
  // Larger ones may come.
  if (Status status = queues_.slots().add(bytes + bytes / 2); !status) {
    return give_up(status.error());
  }
  if (queues_.slots().has_room_for(bytes)) return {};
  return Error{ErrorCode::kUnsupported, node_.path() + ": its OUTPUT buffers do not hold " +
                                            std::to_string(bytes) + " bytes"};
}

Result<uint32_t> HardwareDecoder::claim_capture(const DecodeJob& job) {
  if (held_) return held_->capture;
  CapturePool& pool = queues_.capture();
  const auto own = pool.find(job.target->id());
  if (job.field == FieldRole::kSecondField && own && !pool.lent(*own)) {
    if (Status status = pool.queue_again(*own); !status) return status.error();
    return *own;
  }
  const auto destination = queues_.destination_of(job);
  const bool free = destination && destination->memory->await_others(timeout_);
  auto index = pool.queue(job.target, ++last_timestamp_, keeper_.needed(job),
                          free ? &*destination : nullptr);
  if (!index && pool.takes_dma_bufs()) queues_.refuse_imports();
  return index;
}

// Sends the job's requests one after the other, each when the one before has ended. Whether one of
// them was damaged. One that is refused takes the picture with it, and the driver keeps nothing.
Result<bool> HardwareDecoder::send_parts(const DecodeJob& job, const RequestPlan& plan,
                                         uint32_t capture, bool hold) {
  const auto timestamp_of = [&](size_t reference) -> uint64_t {
    if (reference >= job.references.size() || job.references[reference] == nullptr) return 0;
    return queues_.capture().timestamp_of(job.references[reference]->id()).value_or(0) *
           kNanosecondsEach;
  };
  RequestControls controls(job, timestamp_of, absent_);
  RequestSlots& slots = queues_.slots();
  bool damaged = false;
  for (const RequestPart& part : plan.parts) {
    const bool first = &part == &plan.parts.front();
    const bool last = &part == &plan.parts.back();
    const auto slot = slots.acquire(coded_size(job, part, nal_.annex_b));
    if (!slot) return give_up({ErrorCode::kSystem, node_.path() + ": every slot is dead"});
    Status status = controls.set_slices(plan, part, nal_);
    if (status) status = send(job, part, controls, *slot, hold || !last);
    if (!status) {
      slots.release(*slot);
      if (!held_) queues_.capture().forget(capture);
      const bool holding = held_ || !first;
      if (!holding && queues_.capture().given(capture)) {
        // The next picture would be decoded into this one's surface.
        return give_up(status.error());
      }
      if (Status back = holding ? take_back_held(capture) : Status(); !back) return back.error();
      return status.error();
    }
    if (first) keeper_.note(job);
    const auto output = await_output(*slot);
    if (!output) return give_up(output.error());
    slots.release(*slot);
    damaged = damaged || output->damaged;
  }
  return damaged;
}

Status HardwareDecoder::send(const DecodeJob& job, const RequestPart& part,
                             const RequestControls& controls, uint32_t slot, bool hold) {
  RequestSlots& slots = queues_.slots();
  const size_t bytes = coded_size(job, part, nal_.annex_b);
  write_coded_data(job, part, nal_.annex_b, slots.memory(slot).first(bytes));
  const int request = slots.request(slot);
  if (Status status = node_.set_controls(controls.values(), request); !status) return status;
  const uint64_t timestamp = *queues_.capture().timestamp_of(job.target->id());
  const uint32_t flags = hold ? V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF : 0;
  if (Status status =
          node_.queue_output(slot, static_cast<uint32_t>(bytes), timestamp, request, flags);
      !status) {
    return status;
  }
  return slots.submit(slot);
}

// Of pictures that were decoded here and are not there any more.
bool HardwareDecoder::lacks_references(const DecodeJob& job) {
  for (size_t i = 0; i < job.references.size(); ++i) {
    if (refers_to(job, i) && !queues_.capture().find(job.references[i]->id())) return true;
  }
  return false;
}

bool HardwareDecoder::has_whole_references(const DecodeJob& job) {
  for (size_t i = 0; i < job.references.size(); ++i) {
    if (refers_to(job, i) && job.references[i]->concealed()) return false;
  }
  return !lacks_references(job);
}

Result<DecodeOutcome> HardwareDecoder::attempt(const DecodeJob& job, bool hold) {
  if (wants_unknown(job)) {
    return Error{ErrorCode::kUnsupported,
                 node_.path() + ": the driver wants the reference picture sets of HEVC's SPS"};
  }
  const auto plan = plan_requests(job, nal_);
  if (!plan) return plan.error();
  if (Status status = prepare(job, *plan); !status) return status.error();
  const bool can_hold = queues_.slots().supports_hold();
  if (plan->parts.size() > 1 && !can_hold) {
    return Error{ErrorCode::kUnsupported,
                 node_.path() + ": it cannot hold a picture back for its further slices"};
  }
  const bool joins = held_.has_value();
  const auto capture = claim_capture(job);
  if (!capture) return give_up(capture.error());
  const auto sent = Clock::now();
  const auto damaged = send_parts(job, *plan, *capture, hold && can_hold);
  if (!damaged) return damaged.error();
  DecodeOutcome outcome;
  outcome.concealed = *damaged || lacks_references(job);
  if (hold && can_hold) {
    held_ = Held{job.target, *capture, {}};
    first_damaged_ = outcome.concealed;
    return outcome;
  }
  const auto landed = await_capture(*capture);
  if (!landed) return give_up(landed.error());
  if (landed->empty) {
    return Error{ErrorCode::kCorrupt, node_.path() + ": the device decoded no picture"};
  }
  if (Status status = take_picture(job, *capture, &outcome); !status) return status.error();
  // A picture is damaged by what it refers to, by its bits, or by hardware that hung until the
  // driver's watchdog ended it.
  const bool hung = Clock::now() - sent >= timeout_ / 2;
  outcome.device_error = (*damaged || landed->damaged) && (hung || has_whole_references(job));
  outcome.concealed = outcome.concealed || landed->damaged || (joins && first_damaged_);
  if (job.display != nullptr) {
    outcome.display = outcome.frame;  // the driver applied the grain
    outcome.film_grain = true;
  }
  return outcome;
}

// The frame is the CAPTURE buffer itself where that can be lent, else a copy. A first field's is
// queued once more, for the second.
Status HardwareDecoder::take_picture(const DecodeJob& job, uint32_t capture,
                                     DecodeOutcome* outcome) {
  CapturePool& pool = queues_.capture();
  const QueueFormat& format = pool.format();
  const uint32_t width = job.coded_width();
  const uint32_t height = job.coded_height();
  if (!is_packed_capture(format.fourcc) && job.field != FieldRole::kFirstField) {
    const auto view = view_picture(format, pool.memory(capture), width, height);
    if (!view) return view.error();
    if (auto owner = pool.lend(capture)) {
      outcome->frame = FrameBuffer{*view, std::move(owner), pool.exporter(capture)};
      outcome->stages = stages_.adopted();
      return {};
    }
  }
  auto copied = copy_picture(has_columns(format.fourcc) ? unpacked_ : frames_, format,
                             pool.memory(capture), width, height, substrate_, dispatcher_);
  if (!copied) return copied.error();
  outcome->frame = std::move(copied->frame);
  outcome->stages = stages_.copied(copied->unpacked);
  return {};
}

// The request's end. Whatever goes wrong, the driver may still work on the slot's buffer.
Result<HardwareDecoder::Landed> HardwareDecoder::await_output(uint32_t slot) {
  RequestSlots& slots = queues_.slots();
  const auto events = node_.wait(slots.request(slot), POLLPRI, milliseconds());
  if (!events || (*events & POLLPRI) == 0) {
    slots.bury(slot);
    if (!events) return events.error();
    return Error{ErrorCode::kSystem, node_.path() + ": a request ended with POLLERR"};
  }
  const auto done = node_.dequeue(Queue::kOutput);
  if (!done || !*done || (*done)->index != slot) {
    slots.bury(slot);
    if (!done) return done.error();
    return Error{ErrorCode::kSystem, node_.path() + ": a request ended without its buffer"};
  }
  return Landed{(*done)->error, false};
}

// Drivers may give the CAPTURE buffer back a moment after the request.
Result<HardwareDecoder::Landed> HardwareDecoder::await_capture(uint32_t capture) {
  const auto deadline = Clock::now() + timeout_;
  for (;;) {
    const auto done = node_.dequeue(Queue::kCapture);
    if (!done) return done.error();
    if (*done) {
      queues_.capture().dequeued((*done)->index);
      if ((*done)->index == capture) return Landed{(*done)->error, (*done)->bytes_used[0] == 0};
      continue;  // of a first field that nothing followed
    }
    if (Clock::now() >= deadline) {
      return Error{ErrorCode::kTimeout, node_.path() + ": the CAPTURE buffer does not come back"};
    }
    const auto events = node_.wait(node_.fd(), POLLIN, milliseconds());
    if (!events) return events.error();
    if ((*events & POLLIN) == 0) {
      return Error{ErrorCode::kSystem, node_.path() + ": poll says POLLERR"};
    }
  }
}

// The driver gives back the buffer that it held for a second field. If it kept it, it would give it
// back with the next request, instead of decoding into it.
Status HardwareDecoder::take_back_held(uint32_t capture) {
  if (Status status = node_.flush_held(); !status) return give_up(status.error());
  const auto landed = await_capture(capture);
  return landed ? Status() : give_up(landed.error());
}

// No second field came after all.
void HardwareDecoder::release_held() {
  const Held held = *std::exchange(held_, std::nullopt);
  DecodeOutcome outcome;
  outcome.error = {ErrorCode::kCorrupt, "the second field of a picture is missing"};
  if (Status status = take_back_held(held.capture); !status) outcome.error = status.error();
  held.done(std::move(outcome));
}

}  // namespace

Result<std::unique_ptr<Decoder>> create_hardware_decoder(
    DeviceCalls& calls, const FoundDecoder& device, Codec codec, MemoryAllocator& memory,
    const gpu_kernels::SubstrateChoice& substrate, gpu_kernels::Dispatcher* dispatcher,
    std::shared_ptr<FrameMemorySource> unpacked, std::chrono::milliseconds timeout) {
  const CodecInterface* interface = codec_interface(codec);
  if (interface == nullptr) return Error{ErrorCode::kUnsupported, "not a codec of hardware"};
  auto node = VideoNode::open(calls, device.video_path);
  if (!node) return node.error();
  DeviceFd media(calls, calls.open(device.media_path));
  if (!media) return system_error("open " + device.media_path);
  auto decoder =
      std::make_unique<HardwareDecoder>(std::move(*node), std::move(media), *interface, memory,
                                        substrate, dispatcher, std::move(unpacked), timeout);
  if (Status status = decoder->open(); !status) return status.error();
  return std::unique_ptr<Decoder>(std::move(decoder));
}

}  // namespace daedalus::core
