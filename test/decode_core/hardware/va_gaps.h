// What of the kernel's controls VA-API does not carry and no slice tells, field by field: the only
// differences that a client's requests may show.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_VA_GAPS_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_VA_GAPS_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace daedalus::core::test {

inline constexpr uint64_t kWholeField = ~uint64_t{0};

struct VaGap {
  uint32_t control;
  std::string_view field;  // as in control_fields.h
  uint64_t bits;           // of a field of flags; kWholeField
  uint64_t sent;           // what the driver sends instead, of these bits
  const char* reason;
};

std::span<const VaGap> va_gaps();

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_VA_GAPS_H_
