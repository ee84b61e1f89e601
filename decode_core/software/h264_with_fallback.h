// H.264 by the native engine, and by libavcodec what that does not do.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_WITH_FALLBACK_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_WITH_FALLBACK_H_

#include <memory>

#include "decode_core/backend.h"
#include "decode_core/workers/workers.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
}

namespace daedalus::core {

// Each picture that refers to nothing (begins_chain()) decides for itself and those after it: what
// h264::check_supported() refuses goes to libavcodec, whose pictures are counted as stage "decode"
// by substrate "libavcodec". `threads` as of both engines, `dispatcher` as of the native one; it
// and `workers` outlive the decoder. `memory` is libavcodec's: the native engine's pictures are not
// what a GPU packs.
std::unique_ptr<Decoder> create_h264_with_fallback(
    Workers& workers, int threads, const gpu_kernels::SubstrateChoice& substrate,
    gpu_kernels::Dispatcher* dispatcher = nullptr,
    std::shared_ptr<FrameMemorySource> memory = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_WITH_FALLBACK_H_
