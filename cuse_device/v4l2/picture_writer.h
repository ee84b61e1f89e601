// Pictures into the planes of CAPTURE buffers.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_PICTURE_WRITER_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_PICTURE_WRITER_H_

#include <optional>

#include "cuse_device/v4l2/buffer.h"
#include "cuse_device/v4l2/format.h"
#include "decode_core/core.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/image.h"
#include "decode_core/output/output_pass.h"

namespace daedalus::v4l2 {

// Writes what of the frame is inside `from` (as run_output_pass does) into the buffer, which is the
// device's meanwhile; no lock is needed. Nullopt, and nothing is written, where the buffer does not
// hold a picture of `layout` or the format has another sample depth.
std::optional<core::StageRun> write_picture(core::Core& core, const core::FrameView& frame,
                                            const core::Rect& from, const QueueFormat& layout,
                                            core::PassThreads threads, Buffer* buffer);

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_PICTURE_WRITER_H_
