#include "decode_core/software/libavcodec/rewrite/hevc_slice.h"

#include <algorithm>
#include <bit>

#include "decode_core/headers/bit_reader.h"
#include "decode_core/headers/hevc_nal.h"
#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/software/libavcodec/rewrite/bit_writer.h"
#include "decode_core/software/libavcodec/rewrite/hevc_parameter_sets.h"

namespace daedalus::core::rewrite {
namespace {

using headers::HevcNalType;

constexpr int64_t kOrderCounts = int64_t{1} << kHevcOrderCountBits;
constexpr int64_t kMaxDelta = 1 << 15;  // of delta_poc_s0_minus1 + 1 (7.4.8)

// One entry of decode.dpb.
struct Reference {
  uint8_t index = 0;
  int64_t order_count = 0;
  bool used = false;  // by this picture; else kept for later ones
};

// RefPicSetStCurrBefore with the negative ones of StFoll, and so on, in the order of the syntax.
struct ReferenceSets {
  std::vector<Reference> before;     // nearest first
  std::vector<Reference> after;      // nearest first
  std::vector<Reference> long_term;  // latest first
};

bool lists_index(const uint8_t* list, uint8_t count, uint8_t index) {
  return std::find(list, list + count, index) != list + count;
}

int64_t order_count_msb(int64_t order_count) { return order_count & ~(kOrderCounts - 1); }

// Some picture must stand in where all that the current one refers to are unknown: the one before.
void ensure_used(int64_t current, ReferenceSets* sets) {
  for (const auto* set : {&sets->before, &sets->after, &sets->long_term}) {
    for (const Reference& reference : *set) {
      if (reference.used) return;
    }
  }
  if (sets->before.empty() || sets->before.front().order_count != current - 1) {
    sets->before.insert(sets->before.begin(), {0, current - 1, true});
  }
  sets->before.front().used = true;
}

ReferenceSets sets_of(const v4l2_ctrl_hevc_decode_params& decode, uint16_t missing) {
  ReferenceSets sets;
  const int64_t current = decode.pic_order_cnt_val;
  for (uint8_t i = 0; i < decode.num_active_dpb_entries; ++i) {
    const v4l2_hevc_dpb_entry& entry = decode.dpb[i];
    Reference reference{i, entry.pic_order_cnt_val, false};
    const bool has_picture = (missing >> i & 1) == 0;
    const bool long_term_used = lists_index(decode.poc_lt_curr, decode.num_poc_lt_curr, i);
    if (long_term_used || (entry.flags & V4L2_HEVC_DPB_ENTRY_LONG_TERM_REFERENCE) != 0) {
      reference.used = long_term_used;
      if (has_picture || reference.used) sets.long_term.push_back(reference);
      continue;
    }
    reference.used = lists_index(decode.poc_st_curr_before, decode.num_poc_st_curr_before, i) ||
                     lists_index(decode.poc_st_curr_after, decode.num_poc_st_curr_after, i);
    if (!has_picture && !reference.used) continue;
    const int64_t delta = reference.order_count - current;
    // What the syntax cannot name is a client's mistake: such a reference is missing.
    if (delta == 0 || delta < -kMaxDelta || delta > kMaxDelta) continue;
    (delta < 0 ? sets.before : sets.after).push_back(reference);
  }
  const auto later = [](const Reference& a, const Reference& b) {
    return a.order_count > b.order_count;
  };
  const auto same = [](const Reference& a, const Reference& b) {
    return a.order_count == b.order_count;
  };
  for (auto* set : {&sets.before, &sets.after, &sets.long_term}) {
    std::stable_sort(set->begin(), set->end(), later);
    set->erase(std::unique(set->begin(), set->end(), same), set->end());
  }
  std::reverse(sets.after.begin(), sets.after.end());
  if (headers::hevc_total_references(decode) != 0) ensure_used(current, &sets);
  return sets;
}

// RefPicListTemp0 and 1 without repetition (equations 8-8 and 8-10): indices into `dpb`.
std::vector<uint8_t> candidates(const ReferenceSets& sets, size_t list) {
  std::vector<uint8_t> order;
  const auto append = [&](const std::vector<Reference>& set) {
    for (const Reference& reference : set) {
      if (reference.used) order.push_back(reference.index);
    }
  };
  append(list == 0 ? sets.before : sets.after);
  append(list == 0 ? sets.after : sets.before);
  append(sets.long_term);
  return order;
}

void write_deltas(const std::vector<Reference>& set, int64_t current, BitWriter& bits) {
  int64_t last = current;
  for (const Reference& reference : set) {
    const int64_t distance =
        reference.order_count > last ? reference.order_count - last : last - reference.order_count;
    bits.ue(static_cast<uint32_t>(distance - 1));
    bits.flag(reference.used);
    last = reference.order_count;
  }
}

// Long-term pictures by their whole order count; DeltaPocMsbCycleLt adds up (7-52).
void write_long_term(const std::vector<Reference>& set, int64_t current, BitWriter& bits) {
  bits.ue(static_cast<uint32_t>(set.size()));
  int64_t cycles = 0;
  for (const Reference& reference : set) {
    const int64_t cycle =
        (order_count_msb(current) - order_count_msb(reference.order_count)) / kOrderCounts;
    bits.u(kHevcOrderCountBits, static_cast<uint32_t>(reference.order_count & (kOrderCounts - 1)));
    bits.flag(reference.used);
    // One of a later cycle than the current picture has no code; its low bits name it.
    const bool present = cycle >= cycles;
    bits.flag(present);
    if (!present) continue;
    bits.ue(static_cast<uint32_t>(cycle - cycles));
    cycles = cycle;
  }
}

void write_reference_sets(const ReferenceSets& sets, int64_t current, BitWriter& bits) {
  bits.u(kHevcOrderCountBits, static_cast<uint32_t>(current & (kOrderCounts - 1)));
  bits.flag(false);  // short_term_ref_pic_set_sps_flag
  bits.ue(static_cast<uint32_t>(sets.before.size()));
  bits.ue(static_cast<uint32_t>(sets.after.size()));
  write_deltas(sets.before, current, bits);
  write_deltas(sets.after, current, bits);
  write_long_term(sets.long_term, current, bits);
}

class SliceWriter {
 public:
  SliceWriter(std::span<const uint8_t> rbsp, const headers::HevcSliceHeader& header,
              const HevcSliceRewrite& picture)
      : reader_(rbsp),
        header_(header),
        picture_(picture),
        sets_(sets_of(picture.decode, picture.missing)) {}

  const std::vector<uint8_t>& write() {
    reader_.skip(8 * headers::kHevcNalHeaderBytes);
    if (!header_.dependent && !headers::hevc_is_idr(header_.nal_type)) {
      copy_to(header_.reference_sets.begin);
      write_reference_sets(sets_, picture_.decode.pic_order_cnt_val, bits_);
      reader_.skip(header_.reference_sets.end - header_.reference_sets.begin);
    }
    if (header_.active_references[0] != 0) {
      copy_to(header_.lists_modification.begin);
      write_lists();
      reader_.skip(header_.lists_modification.end - reader_.position());
    }
    copy_to(header_.end_bit);
    bits_.trailing_bits();
    return bits_.bytes();
  }

 private:
  void copy_to(size_t end) {
    while (reader_.position() < end) {
      const auto count = static_cast<unsigned>(std::min<size_t>(32, end - reader_.position()));
      bits_.u(count, reader_.u(count));
    }
  }

  // ref_pic_lists_modification() (7.3.6.2).
  void write_lists() {
    const std::array<std::vector<uint8_t>, 2> order = {candidates(sets_, 0), candidates(sets_, 1)};
    const auto total = static_cast<uint32_t>(order[0].size());
    if (total <= 1) return;
    const auto entry_bits = static_cast<unsigned>(std::bit_width(total - 1));
    for (size_t list = 0; list < 2; ++list) {
      if (header_.active_references[list] == 0) continue;
      bits_.flag(true);
      for (size_t i = 0; i < header_.active_references[list]; ++i) {
        const auto found =
            std::find(order[list].begin(), order[list].end(), picture_.lists[list][i]);
        // A reference that is not in the sets is missing, and some other one stands in for it.
        const auto at =
            found == order[list].end() ? 0u : static_cast<uint32_t>(found - order[list].begin());
        bits_.u(entry_bits, at);
      }
    }
  }

  headers::BitReader reader_;
  const headers::HevcSliceHeader& header_;
  const HevcSliceRewrite& picture_;
  const ReferenceSets sets_;
  BitWriter bits_;
};

// RADL_N for RASL_N, RADL_R for RASL_R.
uint8_t decodable_type(HevcNalType type) {
  const auto value = static_cast<uint8_t>(type);
  return headers::hevc_is_rasl(type) ? static_cast<uint8_t>(value - 2) : value;
}

}  // namespace

Status append_hevc_slice(std::span<const uint8_t> nal, const HevcSliceRewrite& picture,
                         std::vector<uint8_t>& out) {
  const auto header = headers::parse_hevc_slice_header(
      nal, {picture.sps, picture.pps, nullptr, headers::hevc_total_references(picture.decode),
            picture.reference_set_bits});
  if (!header) return header.error();
  // Emulation prevention can only take away bytes: the header is within as many of the NAL unit's.
  const std::vector<uint8_t> rbsp =
      headers::extract_rbsp(nal.first(header->slice.data_byte_offset));
  SliceWriter writer(rbsp, *header, picture);
  std::vector<uint8_t> rewritten = {nal[1]};
  const std::vector<uint8_t>& payload = writer.write();
  rewritten.insert(rewritten.end(), payload.begin(), payload.end());
  append_nal(static_cast<uint8_t>(decodable_type(header->nal_type) << 1), rewritten, out);
  // The header's last byte holds the stop bit: no start code can form across the border.
  out.insert(out.end(), nal.begin() + static_cast<ptrdiff_t>(header->slice.data_byte_offset),
             nal.end());
  return {};
}

}  // namespace daedalus::core::rewrite
