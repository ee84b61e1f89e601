#include "decode_core/headers/vp9_superframe.h"

#include <vector>

#include "test/catch.h"

namespace daedalus::headers {
namespace {

// Frames of the given sizes, each filled with its number, and their index.
std::vector<uint8_t> superframe(const std::vector<size_t>& sizes, size_t bytes_per_size) {
  std::vector<uint8_t> packet;
  for (size_t i = 0; i < sizes.size(); ++i) {
    packet.insert(packet.end(), sizes[i], static_cast<uint8_t>(i + 1));
  }
  const auto marker = static_cast<uint8_t>(0xc0 | (bytes_per_size - 1) << 3 | (sizes.size() - 1));
  packet.push_back(marker);
  for (const size_t size : sizes) {
    for (size_t byte = 0; byte < bytes_per_size; ++byte) {
      packet.push_back(static_cast<uint8_t>(size >> (8 * byte)));
    }
  }
  packet.push_back(marker);
  return packet;
}

TEST_CASE("a VP9 superframe is split at its index, whatever the width of the sizes") {
  const size_t bytes_per_size = GENERATE(1u, 2u, 3u, 4u);
  const std::vector<size_t> sizes = {200, 1, 17, 1, 1, 1, 1, 3};
  const auto packet = superframe(sizes, bytes_per_size);
  const auto split = split_vp9_superframe(packet);
  REQUIRE(split.ok());
  REQUIRE(split->frames().size() == sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    CHECK(split->frames()[i].size() == sizes[i]);
    CHECK(split->frames()[i][0] == i + 1);
  }
}

TEST_CASE("a VP9 packet without a whole index is one frame") {
  for (const std::vector<uint8_t>& packet :
       {std::vector<uint8_t>{1}, std::vector<uint8_t>{0xc0}, std::vector<uint8_t>{1, 2, 0xc1},
        std::vector<uint8_t>{0xc1, 1, 1, 0xc9}}) {
    const auto split = split_vp9_superframe(packet);
    REQUIRE(split.ok());
    REQUIRE(split->frames().size() == 1);
    CHECK(split->frames()[0].size() == packet.size());
  }
}

TEST_CASE("a VP9 superframe index that contradicts its packet is refused") {
  CHECK_FALSE(split_vp9_superframe({}).ok());
  CHECK_FALSE(split_vp9_superframe(superframe({3, 0}, 1)).ok());
  auto packet = superframe({3, 4}, 2);
  packet[8] = 4;  // the first size
  CHECK(split_vp9_superframe(packet).error().code == ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace daedalus::headers
