#include "tools/parsed_stream/h264_dpb.h"

#include <algorithm>
#include <utility>

namespace daedalus::parsed_stream {
namespace {

H264Fields fields_of(const headers::H264SliceHeader& header) {
  if (!header.field_pic) return V4L2_H264_FRAME_REF;
  return header.bottom_field ? V4L2_H264_BOTTOM_FIELD_REF : V4L2_H264_TOP_FIELD_REF;
}

H264Fields opposite(H264Fields field) { return field ^ V4L2_H264_FRAME_REF; }

}  // namespace

int32_t H264Frame::order_count() const {
  if (fields == V4L2_H264_FRAME_REF) return std::min(counts[0], counts[1]);
  return counts[fields == V4L2_H264_BOTTOM_FIELD_REF ? 1 : 0];
}

void H264Dpb::configure(const headers::H264Sps& sps) {
  max_references_ = std::max<uint32_t>(sps.control.max_num_ref_frames, 1);
  max_frame_num_ = 1u << (sps.control.log2_max_frame_num_minus4 + 4);
  capacity_ = sps.restriction ? sps.restriction->max_dec_frame_buffering
                              : headers::h264_max_dpb_frames(sps.control);
  capacity_ = std::max(capacity_, max_references_);
}

// ---- Output (C.4) ----

size_t H264Dpb::occupied() const { return frames_.size() - (current_ != nullptr ? 1 : 0); }

void H264Dpb::remove_unused() {
  std::erase_if(frames_, [this](const std::unique_ptr<H264Frame>& frame) {
    return frame.get() != current_ && !frame->waiting && !frame->is_reference();
  });
}

H264Frame* H264Dpb::first_waiting() const {
  H264Frame* first = nullptr;
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    if (frame.get() == current_ || !frame->waiting) continue;
    if (first == nullptr || frame->order_count() < first->order_count()) first = frame.get();
  }
  return first;
}

void H264Dpb::bump(Frames& output) {
  H264Frame* frame = first_waiting();
  frame->waiting = false;
  output.push_back(std::make_unique<H264Frame>(*frame));
  remove_unused();
}

void H264Dpb::make_room(Frames& output) {
  remove_unused();
  while (occupied() >= capacity_ && first_waiting() != nullptr) bump(output);
}

void H264Dpb::clear(Frames& output) {
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    if (frame.get() != current_) frame->short_term = frame->long_term = 0;
  }
  while (first_waiting() != nullptr) bump(output);
  remove_unused();
}

H264Frame& H264Dpb::open(std::unique_ptr<H264Frame> frame) {
  remove_unused();
  current_ = frame.get();
  frames_.push_back(std::move(frame));
  return *current_;
}

void H264Dpb::close(Frames& output) {
  if (current_ == nullptr) return;
  H264Frame& frame = *current_;
  if (frame.is_reference() || frame.hidden) {
    make_room(output);
  } else {
    // C.4.5.2: one that nobody waits for goes out at once where there is no room.
    remove_unused();
    while (occupied() >= capacity_) {
      const H264Frame* first = first_waiting();
      if (first == nullptr || frame.order_count() < first->order_count()) {
        output.push_back(std::make_unique<H264Frame>(frame));
        current_ = nullptr;
        remove_unused();
        return;
      }
      bump(output);
    }
  }
  frame.waiting = !frame.hidden;
  current_ = nullptr;
}

// ---- References (8.2.4.1, 8.2.5) ----

void H264Dpb::set_frame_num(uint32_t frame_num) {
  frame_num_ = frame_num;
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    frame->frame_num_wrap = frame->frame_num;
    if (frame->frame_num > frame_num) {
      frame->frame_num_wrap -= static_cast<int32_t>(max_frame_num_);
    }
  }
}

void H264Dpb::infer(uint32_t frame_num, const H264OrderCounts& counts, Frames& output) {
  set_frame_num(frame_num);
  mark_sliding_window();
  make_room(output);
  auto frame = std::make_unique<H264Frame>();
  frame->fields = frame->short_term = V4L2_H264_FRAME_REF;
  frame->frame_num = static_cast<uint16_t>(frame_num);
  frame->frame_num_wrap = static_cast<int32_t>(frame_num);
  frame->counts = counts;
  frames_.push_back(std::move(frame));
}

void H264Dpb::describe(const headers::H264SliceHeader& header, core::DecodeJob& job) const {
  auto& decode = std::get<core::H264Parameters>(job.parameters).decode;
  job.references.clear();
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    if (!frame->is_reference() || job.references.size() == V4L2_H264_NUM_DPB_ENTRIES) continue;
    v4l2_h264_dpb_entry& entry = decode.dpb[job.references.size()];
    const bool long_term = frame->long_term != 0;
    entry.frame_num =
        long_term ? static_cast<uint16_t>(frame->long_term_frame_idx) : frame->frame_num;
    const int32_t number =
        long_term ? static_cast<int32_t>(frame->long_term_frame_idx) : frame->frame_num_wrap;
    entry.pic_num = static_cast<uint32_t>(header.field_pic ? 2 * number + 1 : number);
    entry.fields = frame->short_term | frame->long_term;
    const H264Fields known = frame->fields;
    if ((known & V4L2_H264_TOP_FIELD_REF) != 0) entry.top_field_order_cnt = frame->counts[0];
    if ((known & V4L2_H264_BOTTOM_FIELD_REF) != 0) entry.bottom_field_order_cnt = frame->counts[1];
    entry.flags = V4L2_H264_DPB_ENTRY_FLAG_VALID | V4L2_H264_DPB_ENTRY_FLAG_ACTIVE;
    if (long_term) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM;
    if (frame->field_coded) entry.flags |= V4L2_H264_DPB_ENTRY_FLAG_FIELD;
    job.references.push_back(frame->picture);
  }
}

size_t H264Dpb::short_term_count() const {
  return static_cast<size_t>(
      std::ranges::count_if(frames_, [](const auto& frame) { return frame->short_term != 0; }));
}

size_t H264Dpb::long_term_count() const {
  return static_cast<size_t>(
      std::ranges::count_if(frames_, [](const auto& frame) { return frame->long_term != 0; }));
}

bool H264Dpb::is_second_field(const headers::H264SliceHeader& header) const {
  return header.field_pic && current_->fields == V4L2_H264_FRAME_REF;
}

bool H264Dpb::mark(const headers::H264SliceHeader& header, Frames& output) {
  const H264Fields fields = fields_of(header);
  bool reset = false;
  if (header.idr()) {
    if (header.long_term_reference) {
      current_->long_term |= fields;
      current_->long_term_frame_idx = 0;
    } else {
      current_->short_term |= fields;
    }
    return false;
  }
  if (header.adaptive_marking) {
    for (const headers::H264MarkingOperation& operation : header.marking) {
      if (operation.operation == 5) {
        clear(output);
        reset = true;
      } else {
        apply(operation, header);
      }
    }
  } else if (!is_second_field(header) || current_->short_term == 0) {
    mark_sliding_window();
  }
  if (reset) reset_current();
  if ((current_->long_term & fields) == 0) current_->short_term |= fields;
  bound_references();
  return reset;
}

// tempPicOrderCnt of 8.2.1.
void H264Dpb::reset_current() {
  const int64_t first = current_->order_count();
  for (int32_t& count : current_->counts) count = static_cast<int32_t>(count - first);
  current_->frame_num = 0;
  current_->frame_num_wrap = 0;
}

// 8.2.5.3
void H264Dpb::mark_sliding_window() {
  size_t references = 0;
  H264Frame* oldest = nullptr;
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    if (frame.get() == current_ || !frame->is_reference()) continue;
    ++references;
    if (frame->short_term == 0) continue;
    if (oldest == nullptr || frame->frame_num_wrap < oldest->frame_num_wrap) oldest = frame.get();
  }
  if (references >= max_references_ && oldest != nullptr) oldest->short_term = 0;
}

// Damaged streams only: never more references than the sequence allows.
void H264Dpb::bound_references() {
  const auto is_other_reference = [this](const std::unique_ptr<H264Frame>& frame) {
    return frame.get() != current_ && frame->is_reference();
  };
  while (std::ranges::count_if(frames_, is_other_reference) + 1 > int64_t{max_references_}) {
    const auto first = std::ranges::find_if(frames_, is_other_reference);
    const auto first_short = std::ranges::find_if(frames_, [&](const auto& frame) {
      return is_other_reference(frame) && frame->short_term != 0;
    });
    H264Frame& drop = **(first_short != frames_.end() ? first_short : first);
    drop.short_term = drop.long_term = 0;
  }
}

// picNumX of 8.2.5.4.1: of a frame both fields must be marked, of a field the one that is named.
H264Frame* H264Dpb::find_short_term(const headers::H264SliceHeader& header,
                                    uint32_t difference_minus1, H264Fields& fields) const {
  const int64_t current = header.field_pic ? 2 * int64_t{frame_num_} + 1 : int64_t{frame_num_};
  const int64_t number = current - (int64_t{difference_minus1} + 1);
  fields = fields_of(header);
  if (header.field_pic && (number & 1) == 0) fields = opposite(fields);
  const int64_t wrapped = header.field_pic ? number >> 1 : number;
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    if (frame->frame_num_wrap == wrapped && (frame->short_term & fields) == fields) {
      return frame.get();
    }
  }
  return nullptr;
}

H264Frame* H264Dpb::find_long_term(const headers::H264SliceHeader& header, uint32_t number,
                                   H264Fields& fields) const {
  fields = fields_of(header);
  if (header.field_pic && (number & 1) == 0) fields = opposite(fields);
  const uint32_t idx = header.field_pic ? number >> 1 : number;
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    if (frame->long_term_frame_idx == idx && (frame->long_term & fields) == fields) {
      return frame.get();
    }
  }
  return nullptr;
}

void H264Dpb::release_long_term_frame_idx(uint32_t idx, const H264Frame* except) {
  for (const std::unique_ptr<H264Frame>& frame : frames_) {
    if (frame.get() != except && frame->long_term_frame_idx == idx) frame->long_term = 0;
  }
}

// 8.2.5.4, all but operation 5. What it names and is not there is passed over.
void H264Dpb::apply(const headers::H264MarkingOperation& operation,
                    const headers::H264SliceHeader& header) {
  H264Fields fields = 0;
  switch (operation.operation) {
    case 1:
      if (H264Frame* frame =
              find_short_term(header, operation.difference_of_pic_nums_minus1, fields)) {
        frame->short_term &= ~fields;
      }
      break;
    case 2:
      if (H264Frame* frame = find_long_term(header, operation.long_term_pic_num, fields)) {
        frame->long_term &= ~fields;
      }
      break;
    case 3:
      if (H264Frame* frame =
              find_short_term(header, operation.difference_of_pic_nums_minus1, fields)) {
        // The other field of the same frame may hold this index already; another index it loses.
        release_long_term_frame_idx(operation.long_term_frame_idx, frame);
        if (frame->long_term_frame_idx != operation.long_term_frame_idx) frame->long_term = 0;
        frame->short_term &= ~fields;
        frame->long_term |= fields;
        frame->long_term_frame_idx = operation.long_term_frame_idx;
      }
      break;
    case 4:
      for (const std::unique_ptr<H264Frame>& frame : frames_) {
        if (frame->long_term_frame_idx >= operation.max_long_term_frame_idx_plus1) {
          frame->long_term = 0;
        }
      }
      break;
    case 6:
      release_long_term_frame_idx(operation.long_term_frame_idx, current_);
      if (current_->long_term_frame_idx != operation.long_term_frame_idx) current_->long_term = 0;
      current_->long_term |= fields_of(header);
      current_->long_term_frame_idx = operation.long_term_frame_idx;
      break;
    default:
      break;
  }
}

}  // namespace daedalus::parsed_stream
