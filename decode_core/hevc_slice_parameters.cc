#include "decode_core/hevc_slice_parameters.h"

#include <cstddef>
#include <vector>

namespace daedalus::core {

HevcSliceParameters hevc_slice_parameters(const headers::HevcSliceHeader& header,
                                          const v4l2_ctrl_hevc_decode_params& decode) {
  HevcSliceParameters parameters;
  parameters.reference_set_bits = header.slice.short_term_ref_pic_set_size;
  for (size_t list = 0; list < 2; ++list) {
    std::vector<uint8_t> candidates;
    const auto append = [&](const uint8_t* set, uint8_t count) {
      candidates.insert(candidates.end(), set, set + count);
    };
    if (list == 0) append(decode.poc_st_curr_before, decode.num_poc_st_curr_before);
    append(decode.poc_st_curr_after, decode.num_poc_st_curr_after);
    if (list == 1) append(decode.poc_st_curr_before, decode.num_poc_st_curr_before);
    append(decode.poc_lt_curr, decode.num_poc_lt_curr);
    const auto& entries = header.list_entries[list];
    for (size_t i = 0; i < header.active_references[list] && !candidates.empty(); ++i) {
      const size_t chosen = i < entries.size() ? entries[i] : i;
      parameters.lists[list][i] = candidates[chosen % candidates.size()];
    }
  }
  return parameters;
}

}  // namespace daedalus::core
