// The libavcodec engine: one decoder of FFmpeg's behind one session.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_LIBAVCODEC_DECODER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_LIBAVCODEC_DECODER_H_

#include <memory>

#include "decode_core/backend.h"

namespace daedalus::core {

// `threads`: slice threads, at least 1. Never frame threads: they hold pictures back, and a client
// that waits for picture n before it sends n + 1 would wait for ever. `memory`: where pictures are
// decoded to; null for the heap.
Result<std::unique_ptr<Decoder>> create_libavcodec_decoder(
    Codec codec, int threads, std::shared_ptr<FrameMemorySource> memory = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_LIBAVCODEC_LIBAVCODEC_DECODER_H_
