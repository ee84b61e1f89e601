#include "decode_core/headers/rbsp.h"

#include <algorithm>
#include <bit>

#include "decode_core/headers/start_code.h"

namespace daedalus::headers {

std::vector<uint8_t> extract_rbsp(std::span<const uint8_t> nal, size_t max_size) {
  std::vector<uint8_t> rbsp;
  rbsp.reserve(std::min(nal.size(), max_size));
  int zeros = 0;
  for (const uint8_t byte : nal) {
    if (rbsp.size() >= max_size) break;
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    rbsp.push_back(byte);
  }
  return rbsp;
}

bool more_rbsp_data(const BitReader& reader) {
  if (reader.overrun()) return false;
  const std::span<const uint8_t> data = reader.data();
  size_t end = data.size();
  while (end > 0 && data[end - 1] == 0) --end;
  if (end == 0) return false;
  const size_t stop_bit = end * 8 - 1 - static_cast<size_t>(std::countr_zero(data[end - 1]));
  return reader.position() < stop_bit;
}

NalUnits::NalUnits(std::span<const uint8_t> byte_stream) {
  const size_t start = find_start_code(byte_stream);
  if (start < byte_stream.size()) rest_ = byte_stream.subspan(start + 3);
}

std::optional<std::span<const uint8_t>> NalUnits::next() {
  while (!rest_.empty()) {
    const size_t end = find_start_code(rest_);
    std::span<const uint8_t> nal = rest_.first(end);
    rest_ = end < rest_.size() ? rest_.subspan(end + 3) : std::span<const uint8_t>{};
    while (!nal.empty() && nal.back() == 0) nal = nal.first(nal.size() - 1);
    if (!nal.empty()) return nal;
  }
  return std::nullopt;
}

}  // namespace daedalus::headers
