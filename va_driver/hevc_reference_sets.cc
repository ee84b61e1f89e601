#include "va_driver/hevc_reference_sets.h"

#include <algorithm>
#include <span>
#include <vector>

#include "decode_core/headers/hevc_slice_header.h"

namespace daedalus::va {
namespace {

constexpr uint8_t kUnknown = 0xff;

// PocLtCurr as the slices' lists show it: RefPicListTemp0 and 1 end in it (8-8, 8-10). kUnknown at
// the places that no list refers to.
std::vector<uint8_t> long_term_in_lists(const core::DecodeJob& job,
                                        const core::HevcParameters& parameters) {
  const v4l2_ctrl_hevc_decode_params& decode = parameters.decode;
  const uint32_t total = headers::hevc_total_references(decode);
  const uint32_t short_term = total - decode.num_poc_lt_curr;
  std::vector<uint8_t> set(decode.num_poc_lt_curr, kUnknown);
  for (size_t i = 0; i < job.slices.size(); ++i) {
    const core::HevcSliceParameters& slice = parameters.slices[i];
    const auto header = headers::parse_hevc_slice_header(
        job.bytes_of(job.slices[i]),
        {parameters.sps, parameters.pps, nullptr, total, slice.reference_set_bits});
    if (!header || header->dependent) continue;
    for (size_t list = 0; list < 2; ++list) {
      const auto& entries = header->list_entries[list];
      for (size_t k = 0; k < header->active_references[list]; ++k) {
        const size_t place = (k < entries.size() ? entries[k] : k) % total;
        if (place >= short_term) set[place - short_term] = slice.lists[list][k];
      }
    }
  }
  return set;
}

// The references that `known` does not place fill its gaps in the order that they have.
void order_long_term(std::vector<uint8_t> known, std::span<uint8_t> set) {
  std::vector<uint8_t> rest;
  for (const uint8_t index : set) {
    if (std::ranges::find(known, index) == known.end()) rest.push_back(index);
  }
  std::vector<uint8_t> ordered;
  auto next = rest.begin();
  for (const uint8_t index : known) {
    const bool placed = std::ranges::find(set, index) != set.end() &&
                        std::ranges::find(ordered, index) == ordered.end();
    if (placed) {
      ordered.push_back(index);
    } else if (next != rest.end()) {
      ordered.push_back(*next++);
    }
  }
  if (ordered.size() == set.size()) std::ranges::copy(ordered, set.begin());
}

}  // namespace

void order_reference_sets(const core::DecodeJob& job, core::HevcParameters* parameters) {
  v4l2_ctrl_hevc_decode_params& decode = parameters->decode;
  const auto order_count = [&](uint8_t index) { return decode.dpb[index].pic_order_cnt_val; };
  std::ranges::stable_sort(std::span(decode.poc_st_curr_before, decode.num_poc_st_curr_before),
                           std::ranges::greater(), order_count);
  std::ranges::stable_sort(std::span(decode.poc_st_curr_after, decode.num_poc_st_curr_after),
                           std::ranges::less(), order_count);
  if (decode.num_poc_lt_curr < 2) return;
  order_long_term(long_term_in_lists(job, *parameters),
                  std::span(decode.poc_lt_curr, decode.num_poc_lt_curr));
}

}  // namespace daedalus::va
