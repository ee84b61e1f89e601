// The decoded picture buffer of an H.264 client: picture order counts (8.2.1), marking (8.2.5) and
// the order of output (C.4.5).
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_H264_DPB_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_H264_DPB_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "test/clients/parsers/h264_parameter_sets.h"
#include "test/clients/parsers/h264_slice_header.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

// Bits of V4L2_H264_FRAME_REF: a set of fields.
using H264Fields = uint8_t;
H264Fields fields_of(const H264SliceHeader& header);

// A frame, a pair of fields or a single one.
struct H264Frame {
  PicturePtr picture;  // null: "non-existing" (8.2.5.2)
  uint64_t timestamp = 0;
  Rectangle visible;
  bool coded_as_fields = false;
  bool shown = true;      // may be output at all
  bool reliable = false;  // decodes exactly, wherever decoding began
  bool waiting = false;   // for output
  H264Fields present = 0;
  H264Fields short_term = 0;
  H264Fields long_term = 0;
  uint32_t frame_num = 0;
  int32_t frame_num_wrap = 0;
  uint32_t long_term_frame_idx = 0;
  std::array<int32_t, 2> order{};  // TopFieldOrderCnt, BottomFieldOrderCnt

  bool reference() const { return (short_term | long_term) != 0; }
  int32_t order_count() const;
};
using H264FramePtr = std::shared_ptr<H264Frame>;

// Picture order counts; one call for each picture, in decoding order, then finish().
class H264OrderCounter {
 public:
  std::array<int32_t, 2> next(const H264Sps& sps, const H264SliceHeader& header);
  // `cleared`: by memory_management_control_operation 5; `top`: TopFieldOrderCnt after it, 0 for a
  // bottom field.
  void finish(bool cleared, int32_t top);
  // Of a frame that a gap in frame_num leaves out.
  std::array<int32_t, 2> next_missing(const H264Sps& sps, uint32_t frame_num);

 private:
  int64_t expected_by_cycle(const H264Sps& sps, bool reference) const;

  int64_t reference_msb_ = 0, reference_lsb_ = 0;
  int64_t frame_num_ = 0, frame_num_offset_ = 0;
  int64_t msb_ = 0, lsb_ = 0;
  bool is_reference_ = false;
};

class H264Dpb {
 public:
  using Output = std::vector<H264FramePtr>;

  void configure(const H264Sps& sps);
  // Everything that waits goes out, nothing stays a reference.
  void flush(Output& output);

  const std::vector<H264FramePtr>& frames() const { return frames_; }
  // 8.2.4.1, for the picture to come.
  void number_frames(uint32_t frame_num);
  // A frame that a gap in frame_num leaves out (8.2.5.2).
  void add_missing(const H264FramePtr& frame, Output& output);
  // The marking that the current reference picture, not yet stored or a second field, asks for
  // (8.2.5.1). True: it cleared everything else (operation 5), which is in `output`.
  bool mark(const H264SliceHeader& header, const H264FramePtr& current, Output& output);
  // The current frame is complete: C.4.5.
  void store(const H264FramePtr& frame, Output& output);
  // A first field may refer to itself in its pair: the frame is there, yet neither output nor
  // counted before store().
  void open(const H264FramePtr& frame) {
    frames_.push_back(frame);
    open_ = frame;
  }

 private:
  void slide();
  void apply(const H264Marking& marking, const H264SliceHeader& header,
             const H264FramePtr& current);
  H264Frame* find(bool long_term, int64_t number, bool field_pic, H264Fields own,
                  H264Fields* fields) const;
  void free_long_term_idx(uint32_t idx, const H264Frame* except);
  void limit_references();
  void drop_unused();
  size_t stored() const;
  H264FramePtr next_for_output() const;
  bool output_one(Output& output);

  std::vector<H264FramePtr> frames_;
  H264FramePtr open_;
  size_t capacity_ = 1;
  size_t max_references_ = 1;
  int64_t max_frame_num_ = 16;
  int64_t frame_num_ = 0;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_H264_DPB_H_
