// The decoded picture buffer of H.264: which frames are references (8.2.5) and when each is output
// (C.4).
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_H264_DPB_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_H264_DPB_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/headers/h264_sps.h"
#include "decode_core/image.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"
#include "tools/parsed_stream/h264_order.h"

namespace daedalus::parsed_stream {

// Sets of fields: V4L2_H264_TOP_FIELD_REF, V4L2_H264_BOTTOM_FIELD_REF, V4L2_H264_FRAME_REF.
using H264Fields = uint8_t;

// A frame, complementary field pair or unpaired field.
struct H264Frame {
  std::shared_ptr<core::Picture> picture;  // null: inferred, never decoded nor output
  core::Rect visible;
  H264Fields fields = 0;      // decoded or being decoded
  H264Fields short_term = 0;  // "used for short-term reference"
  H264Fields long_term = 0;   // "used for long-term reference"
  bool field_coded = false;
  bool recovered = false;  // decodes right although decoding began before it
  bool hidden = false;     // decoded, perhaps a reference, and never output
  bool waiting = false;    // for output
  uint16_t frame_num = 0;
  int32_t frame_num_wrap = 0;  // 8.2.4.1, against the picture being decoded
  uint32_t long_term_frame_idx = 0;
  H264OrderCounts counts{};  // valid for `fields`

  bool is_reference() const { return (short_term | long_term) != 0; }
  // PicOrderCnt() (8.2.1) of what is there.
  int32_t order_count() const;
};

class H264Dpb {
 public:
  using Frames = std::vector<std::unique_ptr<H264Frame>>;

  // Size and marking limits for the pictures that follow. Does not touch what is held.
  void configure(const headers::H264Sps& sps);

  // Everything not yet output goes to `output`, in order; nothing is a reference any more. The
  // picture being decoded, if any, stays.
  void clear(Frames& output);

  // Begins a frame or first field. The former one must have been closed.
  H264Frame& open(std::unique_ptr<H264Frame> frame);
  // Null between close() and open().
  H264Frame* current() const { return current_; }
  // The current frame is whole (or stays an unpaired field): it waits for its turn, and what is due
  // goes to `output`, inferred and hidden frames excepted.
  void close(Frames& output);

  // The frame_num against which picture numbers count. Call for each picture before the three
  // below.
  void set_frame_num(uint32_t frame_num);
  // Inferred for a gap in frame_num: a short-term reference with no picture.
  void infer(uint32_t frame_num, const H264OrderCounts& counts, Frames& output);
  // Describes the references (at most 16) of the picture that `header` begins, as V4L2 wants them:
  // pic_num is FrameNumWrap or LongTermFrameIdx of a frame, and of a field picture what a field of
  // the same parity has (8-28, 8-30); frame_num of a long-term entry is its LongTermFrameIdx.
  void describe(const headers::H264SliceHeader& header, core::DecodeJob& job) const;
  // Marks the current reference picture and those that it releases (8.2.5.1). True: it had
  // memory_management_control_operation 5: everything before it is in `output`, and its frame_num
  // and counts start anew.
  bool mark(const headers::H264SliceHeader& header, Frames& output);

  // Frames with a field that is one.
  size_t short_term_count() const;
  size_t long_term_count() const;

 private:
  bool is_second_field(const headers::H264SliceHeader& header) const;
  void reset_current();
  void mark_sliding_window();
  void apply(const headers::H264MarkingOperation& operation,
             const headers::H264SliceHeader& header);
  H264Frame* find_short_term(const headers::H264SliceHeader& header, uint32_t difference_minus1,
                             H264Fields& fields) const;
  H264Frame* find_long_term(const headers::H264SliceHeader& header, uint32_t number,
                            H264Fields& fields) const;
  void release_long_term_frame_idx(uint32_t idx, const H264Frame* except);
  void bound_references();
  void remove_unused();
  size_t occupied() const;  // frames beside the current one
  H264Frame* first_waiting() const;
  void bump(Frames& output);
  void make_room(Frames& output);

  Frames frames_;  // in decoding order
  H264Frame* current_ = nullptr;
  uint32_t capacity_ = 1;        // frames
  uint32_t max_references_ = 1;  // frames
  uint32_t max_frame_num_ = 16;
  uint32_t frame_num_ = 0;
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_H264_DPB_H_
