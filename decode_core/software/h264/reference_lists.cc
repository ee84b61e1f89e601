#include "decode_core/software/h264/reference_lists.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace daedalus::core::h264 {
namespace {

constexpr size_t kEntries = V4L2_H264_NUM_DPB_ENTRIES;

PictureStructure opposite(PictureStructure parity) {
  return parity == PictureStructure::kTopField ? PictureStructure::kBottomField
                                               : PictureStructure::kTopField;
}

uint8_t fields_of(PictureStructure structure) {
  if (structure == PictureStructure::kFrame) return V4L2_H264_FRAME_REF;
  return structure == PictureStructure::kTopField ? V4L2_H264_TOP_FIELD_REF
                                                  : V4L2_H264_BOTTOM_FIELD_REF;
}

// A list before it is cut to its size: fields of 16 entries.
struct List {
  std::array<Reference, 2 * kEntries> entries{};
  size_t size = 0;
  void add(const Reference& reference) {
    if (size < entries.size()) entries[size++] = reference;
  }
  bool operator==(const List& other) const {
    return size == other.size &&
           std::equal(entries.begin(), entries.begin() + static_cast<ptrdiff_t>(size),
                      other.entries.begin());
  }
};

class ListBuilder {
 public:
  ListBuilder(const v4l2_ctrl_h264_sps& sps, const v4l2_ctrl_h264_decode_params& decode,
              const OrderCounts& counts, Slice& slice)
      : decode_(decode),
        counts_(counts),
        slice_(slice),
        structure_(!slice.header.field_pic     ? PictureStructure::kFrame
                   : slice.header.bottom_field ? PictureStructure::kBottomField
                                               : PictureStructure::kTopField),
        max_frame_num_(1 << (sps.log2_max_frame_num_minus4 + 4)) {}

  void build() {
    const headers::H264SliceHeader& header = slice_.header;
    slice_.list_sizes = {};
    if (header.is_intra()) return;
    std::array<List, 2> initial;
    initial[0] = initial_list(0);
    slice_.list_sizes[0] = static_cast<uint8_t>(header.slice.num_ref_idx_l0_active_minus1 + 1u);
    if (header.is_b()) {
      initial[1] = initial_list(1);
      slice_.list_sizes[1] = static_cast<uint8_t>(header.slice.num_ref_idx_l1_active_minus1 + 1u);
      if (initial[1].size > 1 && initial[0] == initial[1]) {
        std::swap(initial[1].entries[0], initial[1].entries[1]);
      }
    }
    for (size_t list = 0; list < 2; ++list) {
      const size_t size = slice_.list_sizes[list];
      slice_.lists[list].fill({});
      std::copy_n(initial[list].entries.begin(), std::min(size, initial[list].size),
                  slice_.lists[list].begin());
      if (size != 0) modify(list);
    }
  }

 private:
  bool field() const { return structure_ != PictureStructure::kFrame; }
  const v4l2_h264_dpb_entry& entry(size_t i) const { return decode_.dpb[i]; }
  bool long_term(size_t i) const {
    return (entry(i).flags & V4L2_H264_DPB_ENTRY_FLAG_LONG_TERM) != 0;
  }
  bool has_fields(size_t i, uint8_t fields) const {
    return (entry(i).flags & V4L2_H264_DPB_ENTRY_FLAG_ACTIVE) != 0 &&
           (entry(i).fields & fields) == fields;
  }
  // A frame is one whose fields both are references.
  bool usable(size_t i) const {
    if (!field()) return has_fields(i, V4L2_H264_FRAME_REF);
    return has_fields(i, V4L2_H264_TOP_FIELD_REF) || has_fields(i, V4L2_H264_BOTTOM_FIELD_REF);
  }
  // 8.2.4.1
  int32_t frame_num_wrap(size_t i) const {
    const int32_t frame_num = entry(i).frame_num;
    return frame_num > decode_.frame_num ? frame_num - max_frame_num_ : frame_num;
  }
  int32_t count(size_t i) const { return counts_.references[i][0]; }

  struct Entries {
    std::array<uint8_t, kEntries> indices{};
    size_t size = 0;
  };
  // Entries in the order of a key, ascending.
  template <typename Wanted, typename Key>
  void append_sorted(Entries& entries, Wanted wanted, Key key) const {
    const size_t begin = entries.size;
    for (size_t i = 0; i < kEntries; ++i) {
      if (usable(i) && wanted(i)) entries.indices[entries.size++] = static_cast<uint8_t>(i);
    }
    std::stable_sort(entries.indices.begin() + static_cast<ptrdiff_t>(begin),
                     entries.indices.begin() + static_cast<ptrdiff_t>(entries.size),
                     [&](size_t a, size_t b) { return key(a) < key(b); });
  }

  // 8.2.4.2.1 to 8.2.4.2.4
  List initial_list(size_t list) const {
    Entries short_terms;
    if (slice_.header.is_b()) {
      const int32_t now = counts_.current[static_cast<size_t>(structure_)];
      // The first field of the same frame counts as before, whatever its count.
      const auto before = [&](size_t i) {
        return !long_term(i) && (field() ? count(i) <= now : count(i) < now);
      };
      const auto after = [&](size_t i) { return !long_term(i) && !before(i); };
      const auto falling = [&](size_t i) { return -int64_t{count(i)}; };
      const auto rising = [&](size_t i) { return int64_t{count(i)}; };
      if (list == 0) append_sorted(short_terms, before, falling);
      append_sorted(short_terms, after, rising);
      if (list == 1) append_sorted(short_terms, before, falling);
    } else {
      append_sorted(
          short_terms, [&](size_t i) { return !long_term(i); },
          [&](size_t i) { return -frame_num_wrap(i); });
    }
    Entries long_terms;
    append_sorted(
        long_terms, [&](size_t i) { return long_term(i); },
        [&](size_t i) { return int32_t{entry(i).frame_num}; });
    List result;
    for (const Entries* entries : {&short_terms, &long_terms}) {
      if (field()) {
        append_alternating(*entries, result);
      } else {
        for (size_t i = 0; i < entries->size; ++i) {
          result.add(reference(entries->indices[i], PictureStructure::kFrame));
        }
      }
    }
    return result;
  }

  Reference reference(size_t i, PictureStructure structure) const {
    return {static_cast<uint8_t>(i), structure, long_term(i)};
  }

  // 8.2.4.2.5
  void append_alternating(const Entries& entries, List& result) const {
    PictureStructure parity = structure_;
    std::array<size_t, 2> next = {0, 0};  // of the picture's own parity, of the other
    const auto take = [&](PictureStructure wanted) {
      size_t& i = next[wanted == structure_ ? 0 : 1];
      while (i < entries.size && !has_fields(entries.indices[i], fields_of(wanted))) ++i;
      if (i == entries.size) return false;
      result.add(reference(entries.indices[i++], wanted));
      return true;
    };
    while (take(parity)) parity = opposite(parity);
    parity = opposite(parity);
    while (take(parity)) {
    }
  }

  // 8.2.4.3
  void modify(size_t list) {
    auto& entries = slice_.lists[list];
    const size_t size = slice_.list_sizes[list];
    const int32_t max_pic_num = field() ? 2 * max_frame_num_ : max_frame_num_;
    const int32_t current = field() ? 2 * decode_.frame_num + 1 : decode_.frame_num;
    int32_t predicted = current;
    size_t position = 0;
    for (const headers::H264ListModification& operation : slice_.header.list_modifications[list]) {
      if (position == size) return;
      Reference found;
      if (operation.idc == 2) {
        found = find(true, static_cast<int32_t>(operation.value & 0xFFFF));
      } else {
        const auto difference =
            static_cast<int32_t>(operation.value % static_cast<uint32_t>(max_pic_num)) + 1;
        predicted += operation.idc == 0 ? -difference : difference;
        predicted = (predicted % max_pic_num + max_pic_num) % max_pic_num;
        found = find(false, predicted > current ? predicted - max_pic_num : predicted);
      }
      // What stood there moves on; a second mention of the picture goes, else the last entry.
      const auto first = entries.begin() + static_cast<ptrdiff_t>(position);
      const auto end = entries.begin() + static_cast<ptrdiff_t>(size);
      const auto again = std::find(first, end, found);
      std::move_backward(first, again == end ? end - 1 : again, again == end ? end : again + 1);
      entries[position++] = found;
    }
  }

  // By PicNum or LongTermPicNum (8-28 to 8-33).
  Reference find(bool wanted_long, int32_t pic_num) const {
    for (size_t i = 0; i < kEntries; ++i) {
      if (!usable(i) || long_term(i) != wanted_long) continue;
      const int32_t number = wanted_long ? int32_t{entry(i).frame_num} : frame_num_wrap(i);
      if (!field()) {
        if (number == pic_num) return reference(i, PictureStructure::kFrame);
        continue;
      }
      const PictureStructure parity = 2 * number + 1 == pic_num ? structure_ : opposite(structure_);
      if ((2 * number + 1 == pic_num || 2 * number == pic_num) &&
          has_fields(i, fields_of(parity))) {
        return reference(i, parity);
      }
    }
    return {};
  }

  const v4l2_ctrl_h264_decode_params& decode_;
  const OrderCounts& counts_;
  Slice& slice_;
  const PictureStructure structure_;
  const int32_t max_frame_num_;
};

}  // namespace

OrderCounts::OrderCounts(const v4l2_ctrl_h264_decode_params& decode,
                         const std::array<uint8_t, V4L2_H264_NUM_DPB_ENTRIES>& decoded_fields) {
  current = {std::min(decode.top_field_order_cnt, decode.bottom_field_order_cnt),
             decode.top_field_order_cnt, decode.bottom_field_order_cnt};
  for (size_t i = 0; i < kEntries; ++i) {
    const v4l2_h264_dpb_entry& entry = decode.dpb[i];
    const int32_t top = entry.top_field_order_cnt;
    const int32_t bottom = entry.bottom_field_order_cnt;
    const uint8_t fields = decoded_fields[i] != 0 ? decoded_fields[i] : entry.fields;
    const int32_t whole = fields == V4L2_H264_TOP_FIELD_REF      ? top
                          : fields == V4L2_H264_BOTTOM_FIELD_REF ? bottom
                                                                 : std::min(top, bottom);
    references[i] = {whole, top, bottom};
  }
}

int32_t OrderCounts::of(const Reference& reference) const {
  if (reference.entry >= kEntries) return 0;
  return references[reference.entry][static_cast<size_t>(reference.structure)];
}

void build_reference_lists(const v4l2_ctrl_h264_sps& sps,
                           const v4l2_ctrl_h264_decode_params& decode, const OrderCounts& counts,
                           Slice& slice) {
  ListBuilder(sps, decode, counts, slice).build();
}

Reference macroblock_reference(const Slice& slice, size_t list, size_t index,
                               PictureStructure macroblock) {
  if (macroblock == PictureStructure::kFrame) return slice.lists[list][index];
  Reference reference = slice.lists[list][index / 2];
  reference.structure = index % 2 == 0 ? macroblock : opposite(macroblock);
  return reference;
}

int distance_scale_factor(int32_t current, int32_t count0, int32_t count1, bool long_term0) {
  const auto distance = [](int32_t a, int32_t b) {
    return static_cast<int>(std::clamp<int64_t>(int64_t{a} - b, -128, 127));
  };
  const int tb = distance(current, count0);
  const int td = distance(count1, count0);
  if (td == 0 || long_term0) return 256;
  const int tx = (16384 + std::abs(td / 2)) / td;
  return std::clamp((tb * tx + 32) >> 6, -1024, 1023);
}

DistanceScales distance_scales(const Slice& slice, const OrderCounts& counts,
                               PictureStructure picture, PictureStructure macroblock) {
  DistanceScales scales{};
  const PictureStructure parity = macroblock == PictureStructure::kFrame ? picture : macroblock;
  const size_t size =
      std::min<size_t>(kMaxReferences, size_t{slice.list_sizes[0]}
                                           << (macroblock == PictureStructure::kFrame ? 0 : 1));
  if (slice.list_sizes[1] == 0) return scales;
  const int32_t current = counts.current[static_cast<size_t>(parity)];
  const int32_t count1 = counts.of(macroblock_reference(slice, 1, 0, macroblock));
  for (size_t i = 0; i < size; ++i) {
    const Reference reference = macroblock_reference(slice, 0, i, macroblock);
    scales[i] = static_cast<int16_t>(
        distance_scale_factor(current, counts.of(reference), count1, reference.long_term));
  }
  return scales;
}

void build_implicit_weights(const OrderCounts& counts, PictureStructure picture, bool mbaff,
                            Slice& slice) {
  for (size_t kind = 0; kind < (mbaff ? 3u : 1u); ++kind) {
    const auto macroblock = static_cast<PictureStructure>(kind);
    const unsigned shift = kind == 0 ? 0 : 1;
    const PictureStructure parity = kind == 0 ? picture : macroblock;
    const int32_t current = counts.current[static_cast<size_t>(parity)];
    const size_t size0 = size_t{slice.list_sizes[0]} << shift;
    const size_t size1 = size_t{slice.list_sizes[1]} << shift;
    std::vector<int16_t>& weights = slice.implicit_weights[kind];
    weights.assign(size0 * size1, 32);
    for (size_t i = 0; i < size0; ++i) {
      const Reference first = macroblock_reference(slice, 0, i, macroblock);
      for (size_t j = 0; j < size1; ++j) {
        const Reference second = macroblock_reference(slice, 1, j, macroblock);
        const int32_t count0 = counts.of(first);
        const int32_t count1 = counts.of(second);
        if (count0 == count1 || first.long_term || second.long_term) continue;
        const int w1 = distance_scale_factor(current, count0, count1, false) >> 2;
        if (w1 >= -64 && w1 <= 128) weights[i * size1 + j] = static_cast<int16_t>(w1);
      }
    }
  }
}

}  // namespace daedalus::core::h264
