// Film grain (AV1 7.18.3) by dav1d.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_FILM_GRAIN_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_FILM_GRAIN_H_

extern "C" {
#include <dav1d/dav1d.h>
}

#include "base/result.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core {

// A picture of its own with the grain of validated parameters. `picture` is decoder's, and stays
// as it is; both have the memory of a PictureAllocator. On the decoder's thread.
Result<FrameBuffer> apply_film_grain(Dav1dContext& decoder, const Dav1dPicture& picture,
                                     const v4l2_ctrl_av1_film_grain& grain);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_FILM_GRAIN_H_
