#include "tools/parsed_stream/hevc_dpb.h"

#include <algorithm>
#include <utility>

namespace daedalus::parsed_stream {
namespace {

using headers::HevcReferenceDelta;

// A conforming count fits; a damaged one wraps.
int32_t wrap(int64_t count) { return static_cast<int32_t>(static_cast<uint32_t>(count)); }

// Fills the parts of decode_params that describe references.
class Description {
 public:
  Description(v4l2_ctrl_hevc_decode_params& decode,
              std::vector<std::shared_ptr<core::Picture>>& references)
      : decode_(decode), references_(references) {}

  // `list` and `count`: the Curr set that it belongs to, or null.
  void add(int32_t order_count, bool long_term, std::shared_ptr<core::Picture> picture,
           uint8_t* list, uint8_t* count) {
    if (decode_.num_active_dpb_entries == V4L2_HEVC_DPB_ENTRIES_NUM_MAX) return;
    const uint8_t index = decode_.num_active_dpb_entries++;
    decode_.dpb[index].pic_order_cnt_val = order_count;
    decode_.dpb[index].flags = long_term ? V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE : 0;
    references_.push_back(std::move(picture));
    if (list != nullptr) list[(*count)++] = index;
  }

 private:
  v4l2_ctrl_hevc_decode_params& decode_;
  std::vector<std::shared_ptr<core::Picture>>& references_;
};

}  // namespace

const HevcFrame* HevcDpb::find(int64_t order_count, int64_t mask, bool any_reference) const {
  const auto found = std::find_if(frames_.begin(), frames_.end(), [&](const HevcFrame& frame) {
    const bool referenced = any_reference ? frame.reference != HevcFrame::Reference::kNone
                                          : frame.reference == HevcFrame::Reference::kShortTerm;
    return referenced && (frame.order_count & mask) == (order_count & mask);
  });
  return found == frames_.end() ? nullptr : &*found;
}

void HevcDpb::mark(const headers::HevcSps& sps, const headers::HevcSliceHeader& header,
                   int32_t order_count, v4l2_ctrl_hevc_decode_params& decode,
                   std::vector<std::shared_ptr<core::Picture>>& references) {
  constexpr int64_t kWhole = -1;
  const int64_t max_lsb = int64_t{1} << (sps.control.log2_max_pic_order_cnt_lsb_minus4 + 4);
  Description description(decode, references);
  std::vector<const HevcFrame*> long_term;
  std::vector<const HevcFrame*> kept;
  for (const headers::HevcLongTermReference& entry : header.long_term) {
    int64_t wanted = entry.order_count_lsb;
    if (entry.msb_present) {
      wanted += order_count - int64_t{entry.msb_cycle} * max_lsb - (order_count & (max_lsb - 1));
    }
    const HevcFrame* frame = find(wanted, entry.msb_present ? kWhole : max_lsb - 1, true);
    if (frame != nullptr) long_term.push_back(frame);
    if (frame == nullptr && !entry.used) continue;
    description.add(frame != nullptr ? frame->order_count : wrap(wanted), true,
                    frame != nullptr ? frame->picture : nullptr,
                    entry.used ? decode.poc_lt_curr : nullptr, &decode.num_poc_lt_curr);
  }
  const auto add_short_term = [&](const std::vector<HevcReferenceDelta>& set, uint8_t* list,
                                  uint8_t* count) {
    for (const HevcReferenceDelta& entry : set) {
      const int64_t wanted = int64_t{order_count} + entry.delta;
      const HevcFrame* frame = find(wanted, kWhole, false);
      const bool is_long_term =
          std::find(long_term.begin(), long_term.end(), frame) != long_term.end();
      if (is_long_term) frame = nullptr;
      if (frame != nullptr) kept.push_back(frame);
      if (frame == nullptr && !entry.used) continue;
      description.add(wrap(wanted), false, frame != nullptr ? frame->picture : nullptr,
                      entry.used ? list : nullptr, count);
    }
  };
  add_short_term(header.short_term.negative, decode.poc_st_curr_before,
                 &decode.num_poc_st_curr_before);
  add_short_term(header.short_term.positive, decode.poc_st_curr_after,
                 &decode.num_poc_st_curr_after);
  const auto is_in = [](const std::vector<const HevcFrame*>& set, const HevcFrame& frame) {
    return std::find(set.begin(), set.end(), &frame) != set.end();
  };
  for (HevcFrame& frame : frames_) {
    frame.reference = is_in(long_term, frame) ? HevcFrame::Reference::kLongTerm
                      : is_in(kept, frame)    ? HevcFrame::Reference::kShortTerm
                                              : HevcFrame::Reference::kNone;
  }
}

void HevcDpb::clear(bool output, Frames& shown) {
  for (HevcFrame& frame : frames_) {
    frame.reference = HevcFrame::Reference::kNone;
    frame.needed_for_output &= output;
  }
  remove_unneeded();
  while (!frames_.empty()) bump(shown);
}

void HevcDpb::make_room(const headers::HevcSps& sps, Frames& shown) {
  remove_unneeded();
  const auto waits = [&] {
    return std::any_of(frames_.begin(), frames_.end(),
                       [](const HevcFrame& frame) { return frame.needed_for_output; });
  };
  while (waits() && (too_many_wait(sps) || frames_.size() >= sps.max_dec_pic_buffering)) {
    bump(shown);
  }
}

void HevcDpb::add(const headers::HevcSps& sps, HevcFrame frame, Frames& shown) {
  if (frame.needed_for_output) {
    for (HevcFrame& other : frames_) other.latency += other.needed_for_output ? 1 : 0;
  }
  frames_.push_back(std::move(frame));
  while (too_many_wait(sps)) bump(shown);
  // A damaged stream may keep more references than its buffer has room for.
  if (frames_.size() > V4L2_HEVC_DPB_ENTRIES_NUM_MAX + 1) frames_.erase(frames_.begin());
}

bool HevcDpb::too_many_wait(const headers::HevcSps& sps) const {
  uint32_t waiting = 0;
  bool late = false;
  for (const HevcFrame& frame : frames_) {
    if (!frame.needed_for_output) continue;
    ++waiting;
    late |= sps.max_latency_pictures != 0 && frame.latency >= sps.max_latency_pictures;
  }
  return waiting > sps.max_num_reorder_pics || (late && waiting > 0);
}

// C.5.2.4: the first in output order.
void HevcDpb::bump(Frames& shown) {
  HevcFrame* first = nullptr;
  for (HevcFrame& frame : frames_) {
    if (!frame.needed_for_output) continue;
    if (first == nullptr || frame.order_count < first->order_count) first = &frame;
  }
  if (first == nullptr) return;
  shown.push_back(*first);
  first->needed_for_output = false;
  remove_unneeded();
}

void HevcDpb::remove_unneeded() {
  std::erase_if(frames_, [](const HevcFrame& frame) {
    return !frame.needed_for_output && frame.reference == HevcFrame::Reference::kNone;
  });
}

}  // namespace daedalus::parsed_stream
