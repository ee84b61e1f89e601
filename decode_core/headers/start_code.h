// Finding start codes in byte streams (H.264 annex B, ISO 13818-2 6.2.1).
#ifndef DAEDALUS_DECODE_CORE_HEADERS_START_CODE_H_
#define DAEDALUS_DECODE_CORE_HEADERS_START_CODE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace daedalus::headers {

// Index of the first 00 00 01, or the size where there is none.
inline size_t find_start_code(std::span<const uint8_t> data) {
  size_t i = 2;
  while (i < data.size()) {
    const void* one = std::memchr(data.data() + i, 1, data.size() - i);
    if (one == nullptr) break;
    i = static_cast<size_t>(static_cast<const uint8_t*>(one) - data.data());
    if (data[i - 1] == 0 && data[i - 2] == 0) return i - 2;
    ++i;
  }
  return data.size();
}

}  // namespace daedalus::headers

#endif  // DAEDALUS_DECODE_CORE_HEADERS_START_CODE_H_
