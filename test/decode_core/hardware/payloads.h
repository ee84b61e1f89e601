// What the hardware backend sends to the kernel for the pictures of a recording, and how that of
// one client differs from another's.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_PAYLOADS_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_PAYLOADS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/job.h"

namespace daedalus::core::test {

// One request. The entries of a DPB stand in the order of decoding, whichever the client's.
// Timestamps are the numbers of the pictures that they name: 1 is the picture that was decoded
// first, 0 none that was decoded here. So recordings of other processes compare.
struct Payload {
  Codec codec = Codec::kH264;
  uint64_t target = 0;                                // the two fields of a frame have the same
  std::map<uint32_t, std::vector<uint8_t>> controls;  // by id
  std::vector<uint8_t> coded;                         // of the OUTPUT buffer, with start codes
};

// In the order of decoding. Errors: the recording is damaged or holds an invalid job.
Result<std::vector<Payload>> read_payloads(std::span<const uint8_t> recording);

// Where requests differ, over all of them.
struct Difference {
  std::string where;   // "h264_sps.level_idc", "coded bytes", …
  size_t first = 0;    // request, from 1
  std::string values;  // of it: what it is and what it should be
  size_t requests = 0;
  // Why VA-API cannot carry it (va_gaps.h). Empty: it should not differ.
  std::string reason;
};

// Of a client over VA-API, against those of the parsed stream, which are complete. Requests of
// other pictures than the stream's next are a difference too ("order"), which ends the comparison.
std::vector<Difference> compare_payloads(const std::vector<Payload>& client,
                                         const std::vector<Payload>& stream);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_PAYLOADS_H_
