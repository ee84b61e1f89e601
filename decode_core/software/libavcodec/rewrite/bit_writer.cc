#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::core::rewrite {

void append_nal(uint8_t header, std::span<const uint8_t> rbsp, std::vector<uint8_t>& out) {
  out.insert(out.end(), {0, 0, 1, header});
  int zeros = 0;
  for (const uint8_t byte : rbsp) {
    if (zeros == 2 && byte <= 3) {
      out.push_back(3);
      zeros = 0;
    }
    out.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
}

}  // namespace daedalus::core::rewrite
