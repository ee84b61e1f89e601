#include "test/clients/parsers/h264_dpb.h"

#include <algorithm>

namespace daedalus::clients {

H264Fields fields_of(const H264SliceHeader& header) {
  if (!header.field_pic) return V4L2_H264_FRAME_REF;
  return header.bottom_field ? V4L2_H264_BOTTOM_FIELD_REF : V4L2_H264_TOP_FIELD_REF;
}

int32_t H264Frame::order_count() const {
  switch (present) {
    case V4L2_H264_TOP_FIELD_REF:
      return order[0];
    case V4L2_H264_BOTTOM_FIELD_REF:
      return order[1];
    default:
      return std::min(order[0], order[1]);
  }
}

// ---- Picture order counts ----

namespace {
// Damaged streams may leave 32 bits.
int32_t narrow(int64_t count) { return static_cast<int32_t>(static_cast<uint32_t>(count)); }
}  // namespace

int64_t H264OrderCounter::expected_by_cycle(const H264Sps& sps, bool reference) const {
  const v4l2_ctrl_h264_sps& c = sps.control;
  const int64_t length = c.num_ref_frames_in_pic_order_cnt_cycle;
  int64_t number = length != 0 ? frame_num_offset_ + frame_num_ : 0;
  if (!reference && number > 0) --number;
  int64_t expected = reference ? 0 : c.offset_for_non_ref_pic;
  if (number == 0) return expected;
  int64_t whole_cycle = 0;
  for (int64_t i = 0; i < length; ++i) {
    whole_cycle += c.offset_for_ref_frame[i];
    if (i <= (number - 1) % length) expected += c.offset_for_ref_frame[i];
  }
  return expected + (number - 1) / length * whole_cycle;
}

std::array<int32_t, 2> H264OrderCounter::next(const H264Sps& sps, const H264SliceHeader& header) {
  if (header.idr) *this = {};
  is_reference_ = header.nal_ref_idc != 0;
  if (!header.idr && header.frame_num < frame_num_) {
    constexpr int64_t kNoLonger = int64_t{1} << 30;  // conforming counts stay below
    frame_num_offset_ = (frame_num_offset_ + sps.max_frame_num()) % kNoLonger;
  }
  frame_num_ = header.frame_num;
  int64_t top = 0, bottom = 0;
  if (sps.control.pic_order_cnt_type == 0) {
    const int64_t range = int64_t{16} << sps.control.log2_max_pic_order_cnt_lsb_minus4;
    lsb_ = header.pic_order_cnt_lsb;
    const int64_t step = lsb_ - reference_lsb_;
    msb_ = reference_msb_ + (step <= -range / 2 ? range : step > range / 2 ? -range : 0);
    top = msb_ + lsb_;
    bottom = top + header.delta_pic_order_cnt_bottom;
  } else if (sps.control.pic_order_cnt_type == 1) {
    const int64_t expected = expected_by_cycle(sps, is_reference_);
    top = expected + header.delta_pic_order_cnt[0];
    bottom = top + sps.control.offset_for_top_to_bottom_field + header.delta_pic_order_cnt[1];
  } else {
    top = bottom = 2 * (frame_num_offset_ + frame_num_) - (is_reference_ || header.idr ? 0 : 1);
  }
  return {narrow(top), narrow(bottom)};
}

void H264OrderCounter::finish(bool cleared, int32_t top) {
  if (cleared) {
    frame_num_ = frame_num_offset_ = reference_msb_ = 0;
    reference_lsb_ = top;
  } else if (is_reference_) {
    reference_msb_ = msb_;
    reference_lsb_ = lsb_;
  }
}

std::array<int32_t, 2> H264OrderCounter::next_missing(const H264Sps& sps, uint32_t frame_num) {
  H264SliceHeader header;
  header.nal_ref_idc = 1;
  header.frame_num = frame_num;
  const H264OrderCounter before = *this;
  const std::array<int32_t, 2> counts = next(sps, header);
  if (sps.control.pic_order_cnt_type != 0) return counts;
  reference_msb_ = before.reference_msb_;
  reference_lsb_ = before.reference_lsb_;
  return {0, 0};
}

// ---- Storage and output ----

void H264Dpb::configure(const H264Sps& sps) {
  max_references_ = std::max<size_t>(sps.control.max_num_ref_frames, 1);
  max_frame_num_ = sps.max_frame_num();
  capacity_ = sps.dpb_frames;
}

void H264Dpb::drop_unused() {
  std::erase_if(frames_, [this](const H264FramePtr& frame) {
    return frame != open_ && !frame->waiting && !frame->reference();
  });
}

size_t H264Dpb::stored() const { return frames_.size() - (open_ ? 1 : 0); }

H264FramePtr H264Dpb::next_for_output() const {
  H264FramePtr first;
  for (const H264FramePtr& frame : frames_) {
    if (frame != open_ && frame->waiting && (!first || frame->order_count() < first->order_count()))
      first = frame;
  }
  return first;
}

bool H264Dpb::output_one(Output& output) {
  const H264FramePtr first = next_for_output();
  if (!first) return false;
  first->waiting = false;
  output.push_back(first);
  drop_unused();
  return true;
}

void H264Dpb::flush(Output& output) {
  for (const H264FramePtr& frame : frames_) {
    if (frame != open_) frame->short_term = frame->long_term = 0;
  }
  while (output_one(output)) {
  }
  drop_unused();
}

void H264Dpb::store(const H264FramePtr& frame, Output& output) {
  drop_unused();
  const bool keep = frame->reference() || !frame->shown;
  while (stored() >= capacity_) {
    const H264FramePtr first = next_for_output();
    if (!keep && (!first || frame->order_count() < first->order_count())) {
      output.push_back(frame);  // C.4.5.2: nobody waits for it, and it is the first
      open_.reset();
      drop_unused();
      return;
    }
    if (!output_one(output)) break;
  }
  frame->waiting = frame->shown;
  open_.reset();
}

void H264Dpb::add_missing(const H264FramePtr& frame, Output& output) {
  number_frames(frame->frame_num);
  slide();
  drop_unused();
  while (stored() >= capacity_ && output_one(output)) {
  }
  frames_.push_back(frame);
}

// ---- Marking ----

void H264Dpb::number_frames(uint32_t frame_num) {
  frame_num_ = frame_num;
  for (const H264FramePtr& frame : frames_) {
    const int64_t wrap = frame->frame_num > frame_num ? max_frame_num_ : 0;
    frame->frame_num_wrap = static_cast<int32_t>(frame->frame_num - wrap);
  }
}

// 8.2.5.3
void H264Dpb::slide() {
  size_t references = 0;
  H264Frame* oldest = nullptr;
  for (const H264FramePtr& frame : frames_) {
    if (frame == open_ || !frame->reference()) continue;
    ++references;
    if (frame->short_term && (!oldest || frame->frame_num_wrap < oldest->frame_num_wrap))
      oldest = frame.get();
  }
  if (references >= max_references_ && oldest) oldest->short_term = 0;
}

bool H264Dpb::mark(const H264SliceHeader& header, const H264FramePtr& current, Output& output) {
  const H264Fields own = fields_of(header);
  const bool second_field = header.field_pic && current->present == V4L2_H264_FRAME_REF;
  bool cleared = false;
  if (header.idr) {
    if (header.long_term_reference) current->long_term_frame_idx = 0;
    (header.long_term_reference ? current->long_term : current->short_term) |= own;
    return false;
  }
  for (const H264Marking& marking : header.marking) {
    cleared |= marking.operation == 5;
    marking.operation == 5 ? flush(output) : apply(marking, header, current);
  }
  if (!header.adaptive_marking && !(second_field && current->short_term)) slide();
  if (cleared) {
    const int64_t base = current->order_count();
    for (int parity = 0; parity < 2; ++parity) {
      if (current->present >> parity & 1)
        current->order[parity] = narrow(current->order[parity] - base);
    }
    current->frame_num = 0;
    current->frame_num_wrap = 0;
  }
  if (!(current->long_term & own)) current->short_term |= own;
  limit_references();
  return cleared;
}

// The picture of that PicNum or LongTermPicNum (8-28 to 8-33).
H264Frame* H264Dpb::find(bool long_term, int64_t number, bool field_pic, H264Fields own,
                         H264Fields* fields) const {
  *fields = own;
  if (field_pic) {
    if (number % 2 == 0) *fields = own ^ V4L2_H264_FRAME_REF;
    number = number >> 1;
  }
  for (const H264FramePtr& frame : frames_) {
    const H264Fields marked = long_term ? frame->long_term : frame->short_term;
    const int64_t own_number =
        long_term ? int64_t{frame->long_term_frame_idx} : frame->frame_num_wrap;
    if (own_number == number && (marked & *fields) == *fields) return frame.get();
  }
  return nullptr;
}

void H264Dpb::free_long_term_idx(uint32_t idx, const H264Frame* except) {
  for (const H264FramePtr& frame : frames_) {
    if (frame.get() != except && frame->long_term_frame_idx == idx) frame->long_term = 0;
  }
}

// 8.2.5.4
void H264Dpb::apply(const H264Marking& marking, const H264SliceHeader& header,
                    const H264FramePtr& current) {
  const H264Fields own = fields_of(header);
  const int64_t pic_num =
      (header.field_pic ? 2 * frame_num_ + 1 : frame_num_) - 1 - int64_t{marking.difference};
  H264Fields fields = 0;
  H264Frame* found = nullptr;
  const auto make_long_term = [&](H264Frame* frame, H264Fields which) {
    free_long_term_idx(marking.long_term, frame);
    if (frame->long_term_frame_idx != marking.long_term) frame->long_term = 0;
    frame->short_term &= static_cast<H264Fields>(~which);
    frame->long_term |= which;
    frame->long_term_frame_idx = marking.long_term;
  };
  switch (marking.operation) {
    case 1:
      found = find(false, pic_num, header.field_pic, own, &fields);
      if (found) found->short_term &= static_cast<H264Fields>(~fields);
      return;
    case 2:
      found = find(true, marking.long_term, header.field_pic, own, &fields);
      if (found) found->long_term &= static_cast<H264Fields>(~fields);
      return;
    case 3:
      found = find(false, pic_num, header.field_pic, own, &fields);
      if (found) make_long_term(found, fields);
      return;
    case 4:
      for (const H264FramePtr& frame : frames_) {
        if (frame->long_term_frame_idx >= marking.long_term) frame->long_term = 0;
      }
      return;
    case 6:
      make_long_term(current.get(), own);
      return;
    default:
      return;
  }
}

// Only damaged streams have more than the sequence says.
void H264Dpb::limit_references() {
  std::vector<H264Frame*> others;
  for (const H264FramePtr& frame : frames_) {
    if (frame != open_ && frame->reference()) others.push_back(frame.get());
  }
  std::ranges::stable_sort(others, {},
                           [](const H264Frame* frame) { return frame->short_term == 0; });
  for (size_t i = 0; i + max_references_ < others.size() + 1; ++i)
    others[i]->short_term = others[i]->long_term = 0;
}

}  // namespace daedalus::clients
