// The dav1d engine: AV1 behind one session.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_DAV1D_DECODER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_DAV1D_DECODER_H_

#include <memory>

#include "decode_core/backend.h"

namespace daedalus::core {

// `threads`: inside one picture, at least 1. Pictures are never held back. dav1d adds no film
// grain: displayed pictures say what they are to get (FrameView::film_grain).
// `memory`: where pictures are decoded to; null for the heap.
Result<std::unique_ptr<Decoder>> create_dav1d_decoder(
    int threads, std::shared_ptr<FrameMemorySource> memory = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_DAV1D_DECODER_H_
