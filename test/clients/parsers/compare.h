// Two parsers that know nothing of each other, this folder's and tools/parsed_stream, must say the
// same of a stream.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_COMPARE_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_COMPARE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "decode_core/codec.h"

namespace daedalus::clients::testing {

struct Comparison {
  std::string difference;  // the first; empty: there is none
  size_t decoded = 0;      // pictures that were compared
  size_t shown = 0;
};

// Reads the file with both: control structures (timestamps by what they name), bitstreams, fields,
// reference sets, targets, and what is shown when and how large.
Comparison compare_parsers(const std::string& path);
// Likewise, packets as StreamParser::parse takes them.
Comparison compare_parsers(core::Codec codec, const std::vector<std::vector<uint8_t>>& packets);

}  // namespace daedalus::clients::testing

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_COMPARE_H_
