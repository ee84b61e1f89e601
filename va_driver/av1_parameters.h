// AV1: what VADecPictureParameterBufferAV1 says, as the kernel's control structures.
#ifndef DAEDALUS_VA_DRIVER_AV1_PARAMETERS_H_
#define DAEDALUS_VA_DRIVER_AV1_PARAMETERS_H_

#include <va/va.h>

#include "decode_core/job.h"

namespace daedalus::va {

// All but the tiles' places and, of the frame, what VA lacks: order hints of the references, the
// frames of skip mode, and which slots the picture refreshes. Trusts that there are 1 to 64 tiles
// each way and no more points of film grain than the structure has room for.
core::Av1Parameters av1_parameters(const VADecPictureParameterBufferAV1& picture);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_AV1_PARAMETERS_H_
