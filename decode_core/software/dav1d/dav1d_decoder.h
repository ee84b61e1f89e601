// The dav1d engine: AV1 behind one session.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_DAV1D_DECODER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_DAV1D_DECODER_H_

#include <memory>

#include "decode_core/backend.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::core {

// `threads`: inside one picture, at least 1. Pictures are never held back. `film_grain`: kAuto is
// dav1d's own; with any other wish displayed pictures say what grain they are to get
// (FrameView::film_grain).
Result<std::unique_ptr<Decoder>> create_dav1d_decoder(int threads,
                                                      gpu_kernels::Substrate film_grain);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_DAV1D_DECODER_H_
