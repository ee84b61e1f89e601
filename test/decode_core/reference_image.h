// What an image must hold, sample by sample, written as plainly as can be.
#ifndef DAEDALUS_TEST_DECODE_CORE_REFERENCE_IMAGE_H_
#define DAEDALUS_TEST_DECODE_CORE_REFERENCE_IMAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "decode_core/frame_buffer.h"
#include "decode_core/image.h"

namespace daedalus::core::test {

inline const std::vector<ImageFormat> kImageFormats = {ImageFormat::kNv12, ImageFormat::kI420,
                                                       ImageFormat::kYv12, ImageFormat::kP010};

// One sample of an image, in the picture's own range (P010: shifted down to 10 bits; -1 where its
// low bits are not 0). Component 0 to 2 is Y, U, V.
int image_sample(ImageFormat format, const LinearLayout& layout, const uint8_t* image,
                 int component, uint32_t x, uint32_t y);

// A buffer for an image that may only be written where samples are: every byte is kUntouched.
inline constexpr uint8_t kUntouched = 0xcd;
std::vector<uint8_t> untouched_image(const LinearLayout& layout);

// Compares an image made of untouched_image() with the region `from` of `frame` (black beyond it),
// and the bytes between its rows with kUntouched. Empty: they are the same; else the first
// difference.
std::string difference(const FrameView& frame, const Rect& from, ImageFormat format,
                       const LinearLayout& layout, const std::vector<uint8_t>& image);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_REFERENCE_IMAGE_H_
