// The descriptors of AV1 that a BitWriter does not have (AV1 4.10, 5.9.25 to 5.9.28).
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_CODES_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_CODES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"

namespace daedalus::core::rewrite {

// su(count), 4.10.6: two's complement of `count` bits; `value` fits.
void write_su(BitWriter& bits, unsigned count, int32_t value);

// ns(n), 4.10.7; `value` is below `n`, which is at least 1.
void write_ns(BitWriter& bits, uint32_t n, uint32_t value);

// decode_signed_subexp_with_ref(low, high, reference), 5.9.26; low <= value < high, and likewise
// `reference`.
void write_signed_subexp_with_ref(BitWriter& bits, int32_t low, int32_t high, int32_t reference,
                                  int32_t value);

// leb128(), 4.10.5.
void append_leb128(size_t value, std::vector<uint8_t>& out);

}  // namespace daedalus::core::rewrite

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_DAV1D_REWRITE_AV1_CODES_H_
