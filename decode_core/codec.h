// Codecs and profiles by the names that users, statistics and tests see.
#ifndef DAEDALUS_DECODE_CORE_CODEC_H_
#define DAEDALUS_DECODE_CORE_CODEC_H_

#include <cstdint>
#include <string_view>

namespace daedalus::core {

enum class Codec : uint8_t { kH264, kVp9, kVp8, kMpeg2, kHevc, kAv1 };

enum class Profile : uint8_t {
  kH264ConstrainedBaseline,
  kH264Main,
  kH264High,
  kVp9Profile0,  // 8 bit 4:2:0
  kVp9Profile2,  // 10 bit 4:2:0 (12 bit is refused)
  kVp8,          // versions 0 to 3
  kMpeg2Simple,
  kMpeg2Main,
  kHevcMain,
  kHevcMainStillPicture,
  kHevcMain10,
  kAv1Main,  // 8 and 10 bit 4:2:0
};

// "h264", "vp9", "vp8", "mpeg2", "hevc", "av1".
std::string_view to_string(Codec codec);
// "Constrained Baseline", "Main", "High", "Profile 0", … as in MANIFEST.tsv after normalising.
std::string_view to_string(Profile profile);
Codec codec_of(Profile profile);

// Largest coded picture, in luma samples each way, that any profile accepts. Bounds every
// allocation that follows from a bitstream's or a client's word.
inline constexpr uint32_t kMaxDimension = 8192;

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_CODEC_H_
