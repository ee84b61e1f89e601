// Film grain of AV1 jobs (7.18.3): from parsed parameters to gpu_kernels/film_grain.
#ifndef DAEDALUS_DECODE_CORE_FILM_GRAIN_H_
#define DAEDALUS_DECODE_CORE_FILM_GRAIN_H_

#include <memory>

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/uapi/controls.h"
#include "gpu_kernels/film_grain/av1.h"

namespace daedalus::core {

// What the grain of a picture needs. `clean` is of format kI420 or kI42010; of a monochrome one the
// chroma is left alone. Only parameters with APPLY_GRAIN. kInvalidArgument: they are out of range.
Result<std::shared_ptr<const gpu_kernels::Av1FilmGrain>> prepare_film_grain(
    const v4l2_ctrl_av1_film_grain& parameters, const FrameView& clean, bool monochrome);

// The picture, with film_grain in its view. Shares the samples.
Result<FrameBuffer> with_film_grain(const FrameBuffer& clean,
                                    const v4l2_ctrl_av1_film_grain& parameters, bool monochrome);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_FILM_GRAIN_H_
