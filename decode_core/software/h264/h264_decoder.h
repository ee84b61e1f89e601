// The native H.264 engine: parsed parameters and slice data in, NV12 pictures out.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_H264_DECODER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_H264_DECODER_H_

#include <memory>

#include "decode_core/backend.h"
#include "decode_core/workers/workers.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::core {

// `threads`: at most so many work on a picture, at least 1. `workers` outlives every decode().
std::unique_ptr<Decoder> create_h264_decoder(Workers& workers, int threads,
                                             const gpu_kernels::SubstrateChoice& substrate);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_H264_DECODER_H_
