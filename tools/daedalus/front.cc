#include "tools/daedalus/front.h"

#include <cstddef>

namespace daedalus::tool {

void convert_p010(Frame& frame) {
  const size_t luma = size_t{frame.width} * frame.height;
  const std::vector<uint8_t> words = std::move(frame.samples);
  frame.samples.resize(words.size());
  const size_t count = words.size() / 2;
  const size_t chroma = (count - luma) / 2;  // of each component
  for (size_t i = 0; i < count; ++i) {
    // The value is in the high bits.
    const unsigned value = (words[2 * i] | unsigned{words[2 * i + 1]} << 8) >> 6;
    const size_t pair = i - luma;
    const size_t to = i < luma ? i : luma + pair % 2 * chroma + pair / 2;
    frame.samples[2 * to] = static_cast<uint8_t>(value);
    frame.samples[2 * to + 1] = static_cast<uint8_t>(value >> 8);
  }
}

}  // namespace daedalus::tool
