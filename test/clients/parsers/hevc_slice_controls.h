// The controls of one HEVC slice segment (H.265 7.3.6).
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_HEVC_SLICE_CONTROLS_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_HEVC_SLICE_CONTROLS_H_

#include <cstdint>
#include <span>

#include "decode_core/job.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

// `nal`: the whole NAL unit, no start code; `lists`: what is known of it already. `before`: the
// slice segment in front of it in the picture, or null: what a dependent one goes on with. False
// where the header ends too early.
bool read_hevc_slice_controls(std::span<const uint8_t> nal, const core::HevcParameters& picture,
                              const core::HevcSliceParameters& lists,
                              const v4l2_ctrl_hevc_slice_params* before,
                              HevcSliceControls* controls);

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_HEVC_SLICE_CONTROLS_H_
