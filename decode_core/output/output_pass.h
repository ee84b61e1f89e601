// The output pass: from a decoded picture to the linear image that a client reads.
#ifndef DAEDALUS_DECODE_CORE_OUTPUT_OUTPUT_PASS_H_
#define DAEDALUS_DECODE_CORE_OUTPUT_OUTPUT_PASS_H_

#include <array>
#include <cstdint>

#include "decode_core/core.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/image.h"
#include "decode_core/picture.h"

namespace daedalus::core {

// Whether pictures of that format can become images of this one (the same sample depth).
bool output_pass_supports(SampleFormat from, ImageFormat to);

// Whose threads run a pass.
enum class PassThreads : uint8_t {
  kWorkers,  // all cores, for somebody waits for this picture
  kCaller,   // only this one, for the cores have other pictures to decode: no hand-over is paid for
};

// Packs `from` of `frame` into an image's planes at (0, 0): interleave, 10 bit to P010, crop, and
// the film grain that the frame is to get, all at once. What of `from` lies beyond the decoded
// picture becomes black. x and y of `from` are even where the image's chroma is to line up; odd
// ones round down for chroma. The planes lie anywhere, in the format's order; the caller has
// checked that the formats are supported and that the planes hold the image.
//
// On the substrate that the core's settings ask for, or that was measured to be the better one: of
// stage "film_grain" where the frame is to get some, else of "pack". Where that is Vulkan and a GPU
// can do it, it does the whole picture ("vulkan", or "vulkan+copy" where planes had to be copied
// for it); if it fails, the CPU begins anew.
StageRun run_output_pass(Core& core, const FrameView& frame, const Rect& from, ImageFormat format,
                         const std::array<Plane, 3>& planes, PassThreads threads);
// The same into an image of that layout at `out`.
StageRun run_output_pass(Core& core, const FrameView& frame, const Rect& from, ImageFormat format,
                         const LinearLayout& layout, uint8_t* out,
                         PassThreads threads = PassThreads::kWorkers);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_OUTPUT_OUTPUT_PASS_H_
