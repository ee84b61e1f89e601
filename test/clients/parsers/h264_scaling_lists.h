// scaling_list() of H.264 (7.3.2.1.1.1) with the fall-back rules of table 7-2.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_H264_SCALING_LISTS_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_H264_SCALING_LISTS_H_

#include "decode_core/uapi/controls.h"
#include "test/clients/parsers/bit_reader.h"

namespace daedalus::clients {

// Reads `count` (8 or 12, of a PPS also 6) lists with their flags. The lists of `fallback` stand in
// for the first of each kind that is absent (rule set B); null: the defaults do (rule set A).
v4l2_ctrl_h264_scaling_matrix read_h264_scaling_lists(
    BitReader& reader, int count, const v4l2_ctrl_h264_scaling_matrix* fallback);

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_H264_SCALING_LISTS_H_
