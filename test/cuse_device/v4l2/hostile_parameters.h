// Parameters of pictures as a hostile client makes them: as a parser would, but for what the bytes
// change.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_HOSTILE_PARAMETERS_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_HOSTILE_PARAMETERS_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "decode_core/uapi/controls.h"

namespace daedalus::test {

// Hands out the bytes; zeros when they are used up.
class Choices {
 public:
  explicit Choices(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  uint32_t word() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  // One of the likely values, seldom any.
  uint32_t of(std::initializer_list<uint32_t> likely) {
    const uint8_t choice = byte();
    return choice >= 240 ? word() : likely.begin()[choice % likely.size()];
  }

 private:
  std::span<const uint8_t> bytes_;
};

// Of the stateless node's codecs the client's.
enum class Family : uint8_t { kOthers, kHevc, kAv1 };

struct KnownControl {
  uint32_t id;
  size_t size;  // bytes of one element
  bool array = false;
};
std::span<const KnownControl> known_controls(Family family);

uint32_t coded_format(Family family, Choices& choices);  // V4L2_PIX_FMT_…

// Over the value that the control starts as, of as much room as one element needs.
void fill_parameters(uint32_t id, Choices& choices, std::byte* at);

// Coded data into an OUTPUT buffer of at least 64 bytes.
void write_slices(Family family, Choices& choices, uint8_t* to);

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_HOSTILE_PARAMETERS_H_
