// From a request's control values and its coded data to a job of the core: the controls are the
// core's parsed parameters.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_JOBS_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_JOBS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "cuse_device/v4l2/controls.h"
#include "decode_core/codec.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"

namespace daedalus::v4l2 {

// Which rows of the frame a picture has.
enum class Parity : uint8_t { kFrame, kTop, kBottom };

// A job that still lacks its target and, for fields, its role.
struct StatelessJob {
  core::DecodeJob job;
  Parity parity = Parity::kFrame;
  core::Profile profile = core::Profile::kH264High;
};

// The picture in the CAPTURE buffer of that timestamp in ns; null where there is none.
using FindPicture = std::function<std::shared_ptr<core::Picture>(uint64_t timestamp)>;

// `values` holds every control of the codec. `payload`: whole slices or one frame, as the OUTPUT
// formats are documented (AV1: its tiles, wherever in it they are); it is copied. `begun`: the same
// picture's slices of earlier requests, or null. kCorrupt: there is nothing to decode in it. What
// else may be wrong the core says (Session::submit).
Result<StatelessJob> build_job(core::Codec codec, const ControlValues& values,
                               std::span<const uint8_t> payload, const FindPicture& find,
                               const core::DecodeJob* begun);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_STATELESS_JOBS_H_
