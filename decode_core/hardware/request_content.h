// What one media request carries of a job: the controls and the bytes of the OUTPUT buffer.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_CONTENT_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_CONTENT_H_

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <vector>

#include "decode_core/hardware/request_plan.h"
#include "decode_core/hardware/video_node.h"
#include "decode_core/job.h"

namespace daedalus::core {

// The timestamp, in nanoseconds, by which the driver finds the picture that references[i] of the
// job is; of one that it does not have, a timestamp that no buffer has.
using TimestampOf = std::function<uint64_t(size_t reference)>;

// Owns copies of the job's control structures, timestamps filled in (V4L2 "Stateless Codec Control
// ID").
class RequestControls {
 public:
  // `absent`: optional controls that the driver lacks. The job is valid and outlives this.
  RequestControls(const DecodeJob& job, const TimestampOf& timestamp_of,
                  const std::set<uint32_t>& absent);
  RequestControls(const RequestControls&) = delete;
  RequestControls& operator=(const RequestControls&) = delete;

  // The controls of single slices become those of one part of the plan, in the place of another's,
  // where the driver takes them in this mode. kCorrupt: they cannot be made.
  Status set_slices(const RequestPlan& plan, const RequestPart& part, const NalMode& mode);

  // All of them; valid until set_slices().
  std::span<const ControlValue> values() const { return values_; }

 private:
  void add(H264Parameters& parameters, const DecodeJob& job, const TimestampOf& timestamp_of);
  void add(HevcParameters& parameters, const DecodeJob& job, const TimestampOf& timestamp_of);
  void add(Vp9Parameters& parameters, const DecodeJob& job, const TimestampOf& timestamp_of);
  void add(Vp8Parameters& parameters, const DecodeJob& job, const TimestampOf& timestamp_of);
  void add(Mpeg2Parameters& parameters, const DecodeJob& job, const TimestampOf& timestamp_of);
  void add(Av1Parameters& parameters, const DecodeJob& job, const TimestampOf& timestamp_of);
  void read_compressed_header(std::span<const uint8_t> data, v4l2_ctrl_vp9_frame& frame);
  void add_hevc_slices(const RequestPlan& plan, const RequestPart& part, bool annex_b);
  template <typename T>
  void add_array(uint32_t id, const std::vector<T>& array) {
    if (array.empty() || absent_.contains(id)) return;
    values_.push_back({id, array.data(), static_cast<uint32_t>(array.size() * sizeof(T))});
  }
  template <typename T>
  void add_value(uint32_t id, const T& value) {
    if (!absent_.contains(id)) values_.push_back({id, &value, sizeof value});
  }

  const DecodeJob& job_;
  const std::set<uint32_t>& absent_;
  JobParameters parameters_;
  v4l2_ctrl_vp9_compressed_hdr vp9_compressed_{};
  std::vector<v4l2_ctrl_hevc_slice_params> hevc_slices_;
  std::vector<uint32_t> hevc_entry_points_;
  H264SliceControls h264_slice_;
  std::vector<ControlValue> values_;
  size_t of_picture_ = 0;  // of values_; those of slices follow
};

// The optional controls of a codec: sent where the driver has them.
std::span<const uint32_t> optional_controls(Codec codec);

// The controls that tell a driver the kind of stream before there is a picture: the depth decides
// which CAPTURE formats it offers ("Initialization" 2).
class SequenceControl {
 public:
  SequenceControl(Codec codec, uint32_t width, uint32_t height, int bit_depth);
  explicit SequenceControl(const DecodeJob& job);
  SequenceControl(const SequenceControl&) = delete;
  SequenceControl& operator=(const SequenceControl&) = delete;
  // Empty for VP8, whose streams are all of one kind.
  std::span<const ControlValue> values() const { return values_; }

 private:
  void point_at_parameters();
  JobParameters parameters_;
  std::vector<ControlValue> values_;
};

// The bytes of the OUTPUT buffer: NAL units with start codes in between and, for `annex_b`, before
// the first; slices, frames and tiles one after the other.
size_t coded_size(const DecodeJob& job, const RequestPart& part, bool annex_b);
// `to` has coded_size() bytes.
void write_coded_data(const DecodeJob& job, const RequestPart& part, bool annex_b,
                      std::span<uint8_t> to);

// 8 or 10.
int bit_depth_of(const DecodeJob& job);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_REQUEST_CONTENT_H_
