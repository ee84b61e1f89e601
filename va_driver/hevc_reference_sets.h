// The order of HEVC's reference picture sets, which VA does not tell.
#ifndef DAEDALUS_VA_DRIVER_HEVC_REFERENCE_SETS_H_
#define DAEDALUS_VA_DRIVER_HEVC_REFERENCE_SETS_H_

#include "decode_core/job.h"

namespace daedalus::va {

// Puts the index arrays of `parameters->decode` in the order of the standard's sets (H.265 8.3.2),
// which the reference picture lists of every slice are made of (8.3.4): PocStCurrBefore by falling
// picture order counts, PocStCurrAfter by rising ones. That of PocLtCurr is the slice header's and
// has no such rule; it is read off the lists, as far as they show it. `job` has the bitstream and
// the slices; each array holds at most 16 indices into dpb.
void order_reference_sets(const core::DecodeJob& job, core::HevcParameters* parameters);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_HEVC_REFERENCE_SETS_H_
