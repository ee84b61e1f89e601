#include "test/clients/parsers/h264_reference_lists.h"

#include <algorithm>
#include <limits>

namespace daedalus::clients {
namespace {

using List = std::vector<H264Reference>;

class ListBuilder {
 public:
  ListBuilder(const H264ListContext& context, const H264SliceHeader& slice)
      : context_(context),
        decode_(context.decode),
        slice_(slice),
        field_((decode_.flags & V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC) != 0),
        parity_(!field_ ? V4L2_H264_FRAME_REF
                : (decode_.flags & V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD)
                    ? V4L2_H264_BOTTOM_FIELD_REF
                    : V4L2_H264_TOP_FIELD_REF),
        max_frame_num_(1 << (context_.sps.log2_max_frame_num_minus4 + 4)) {}

  std::array<List, 2> build() {
    std::array<List, 2> lists;
    for (int list = 0; list < 2; ++list) {
      if (slice_.uses_list(list)) lists[list] = initial_list(list);
    }
    // 8.2.4.2.3: a list 1 of several entries that equals list 0 starts with the second.
    if (lists[1].size() > 1 && lists[0] == lists[1]) std::swap(lists[1][0], lists[1][1]);
    for (int list = 0; list < 2; ++list) {
      lists[list].resize(slice_.reference_count[list]);
      modify(list, lists[list]);
    }
    return lists;
  }

 private:
  const v4l2_h264_dpb_entry& entry(size_t i) const { return decode_.dpb[i]; }
  bool is_reference(size_t i) const {
    return (entry(i).flags & V4L2_H264_DPB_ENTRY_FLAG_ACTIVE) != 0;
  }
  bool long_term(size_t i) const {
    return (entry(i).flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM) != 0;
  }
  // 8.2.4.1
  int32_t frame_num_wrap(size_t i) const {
    const int32_t frame_num = entry(i).frame_num;
    return frame_num > decode_.frame_num ? frame_num - max_frame_num_ : frame_num;
  }
  int32_t order_count(size_t i) const { return context_.order_counts[i]; }
  int32_t current_order_count() const {
    if (parity_ == V4L2_H264_TOP_FIELD_REF) return decode_.top_field_order_cnt;
    if (parity_ == V4L2_H264_BOTTOM_FIELD_REF) return decode_.bottom_field_order_cnt;
    return std::min(decode_.top_field_order_cnt, decode_.bottom_field_order_cnt);
  }
  // Frames qualify with both fields marked, fields with either.
  bool usable(size_t i) const {
    return is_reference(i) && (field_ || entry(i).fields == V4L2_H264_FRAME_REF);
  }

  template <typename Wanted, typename Key>
  std::vector<size_t> sorted(Wanted wanted, Key key) const {
    std::vector<size_t> found;
    for (size_t i = 0; i < V4L2_H264_NUM_DPB_ENTRIES; ++i) {
      if (usable(i) && wanted(i)) found.push_back(i);
    }
    std::stable_sort(found.begin(), found.end(),
                     [&](size_t a, size_t b) { return key(a) < key(b); });
    return found;
  }

  std::vector<size_t> short_term(int list) const {
    const auto is_short = [&](size_t i) { return !long_term(i); };
    if (slice_.type != H264SliceType::kB)
      return sorted(is_short, [&](size_t i) { return -frame_num_wrap(i); });
    const int32_t now = current_order_count();
    // 8.2.4.2.4: a first field of the same frame may have the same count and comes before.
    const auto is_before = [&](size_t i) {
      return is_short(i) && (field_ ? order_count(i) <= now : order_count(i) < now);
    };
    const auto is_after = [&](size_t i) { return is_short(i) && !is_before(i); };
    std::vector<size_t> before =
        sorted(is_before, [&](size_t i) { return -int64_t{order_count(i)}; });
    std::vector<size_t> after = sorted(is_after, [&](size_t i) { return int64_t{order_count(i)}; });
    std::vector<size_t>& first = list == 0 ? before : after;
    const std::vector<size_t>& second = list == 0 ? after : before;
    first.insert(first.end(), second.begin(), second.end());
    return first;
  }

  // 8.2.4.2.1 to 8.2.4.2.5
  List initial_list(int list) const {
    const std::vector<size_t> shorts = short_term(list);
    const std::vector<size_t> longs = sorted([&](size_t i) { return long_term(i); },
                                             [&](size_t i) { return entry(i).frame_num; });
    List result;
    if (!field_) {
      for (const std::vector<size_t>* part : {&shorts, &longs}) {
        for (size_t i : *part) result.push_back({i, V4L2_H264_FRAME_REF});
      }
      return result;
    }
    append_alternating(shorts, result);
    append_alternating(longs, result);
    return result;
  }

  // 8.2.4.2.5: fields of the same parity and of the other one by turns, then the rest of one.
  void append_alternating(const std::vector<size_t>& frames, List& result) const {
    const uint8_t parities[2] = {parity_, static_cast<uint8_t>(V4L2_H264_FRAME_REF ^ parity_)};
    size_t next[2] = {0, 0};
    const auto take = [&](int which) {
      size_t& i = next[which];
      while (i < frames.size() && !(entry(frames[i]).fields & parities[which])) ++i;
      if (i == frames.size()) return false;
      result.push_back({frames[i++], parities[which]});
      return true;
    };
    for (int which = 0;; which ^= 1) {
      if (take(which)) continue;
      while (take(which ^ 1)) {
      }
      return;
    }
  }

  // 8.2.4.3
  void modify(int list, List& references) const {
    const int32_t max_pic_num = field_ ? 2 * max_frame_num_ : max_frame_num_;
    const int32_t frame_num = decode_.frame_num;
    int32_t predicted = field_ ? 2 * frame_num + 1 : frame_num;
    size_t position = 0;
    for (const H264ListModification& operation : slice_.modifications[list]) {
      if (position >= references.size()) return;
      H264Reference found;
      if (operation.idc == 2) {
        found = find(true, static_cast<int32_t>(operation.value & 0xffff));
      } else {
        const auto difference =
            static_cast<int32_t>(operation.value % static_cast<uint32_t>(max_pic_num)) + 1;
        predicted += operation.idc == 0 ? -difference : difference;
        predicted = (predicted + max_pic_num) % max_pic_num;
        const int32_t current = field_ ? 2 * frame_num + 1 : frame_num;
        found = find(false, predicted > current ? predicted - max_pic_num : predicted);
      }
      references.insert(references.begin() + static_cast<ptrdiff_t>(position), found);
      ++position;
      const auto duplicate =
          std::find(references.begin() + static_cast<ptrdiff_t>(position), references.end(), found);
      references.erase(duplicate == references.end() ? references.end() - 1 : duplicate);
    }
  }

  // The picture with that PicNum or LongTermPicNum (8-28 to 8-33).
  H264Reference find(bool wanted_long, int32_t pic_num) const {
    for (size_t i = 0; i < V4L2_H264_NUM_DPB_ENTRIES; ++i) {
      if (!usable(i) || long_term(i) != wanted_long) continue;
      const int32_t number = wanted_long ? int32_t{entry(i).frame_num} : frame_num_wrap(i);
      if (!field_) {
        if (number == pic_num) return {i, V4L2_H264_FRAME_REF};
        continue;
      }
      const auto other = static_cast<uint8_t>(V4L2_H264_FRAME_REF ^ parity_);
      if (2 * number + 1 == pic_num && (entry(i).fields & parity_)) return {i, parity_};
      if (2 * number == pic_num && (entry(i).fields & other)) return {i, other};
    }
    return {};
  }

  const H264ListContext& context_;
  const v4l2_ctrl_h264_decode_params& decode_;
  const H264SliceHeader& slice_;
  const bool field_;
  const uint8_t parity_;
  const int32_t max_frame_num_;
};

}  // namespace

std::array<List, 2> h264_reference_lists(const H264ListContext& context,
                                         const H264SliceHeader& slice) {
  return ListBuilder(context, slice).build();
}

}  // namespace daedalus::clients
