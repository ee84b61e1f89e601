// The controls of one H.264 slice.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_H264_SLICE_CONTROLS_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_H264_SLICE_CONTROLS_H_

#include "decode_core/uapi/controls.h"
#include "test/clients/parsers/h264_reference_lists.h"
#include "test/clients/parsers/h264_slice_header.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

H264SliceControls h264_slice_controls(const H264SliceHeader& header, const v4l2_ctrl_h264_pps& pps,
                                      const H264ListContext& context);

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_H264_SLICE_CONTROLS_H_
