// Which implementation of a stage runs: the scalar reference, SIMD, or Vulkan compute; and the
// user's wish for it (--substrate, DAEDALUS_SUBSTRATE).
#ifndef DAEDALUS_GPU_KERNELS_SUBSTRATE_H_
#define DAEDALUS_GPU_KERNELS_SUBSTRATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace daedalus::gpu_kernels {

enum class Substrate : uint8_t {
  kAuto,    // a wish only: the best that this device has
  kScalar,  // the reference that the others equal bit for bit
  kSimd,    // Highway: NEON, AVX2, ...
  kVulkan,  // compute shaders
};

// The word of flags and statistics: "auto", "scalar", "simd", "vulkan".
std::string_view substrate_name(Substrate substrate);

// Stages with more than one substrate; each is a folder of gpu_kernels.
enum class Stage : uint8_t { kPack, kMc, kIdct, kIntra, kDeblock, kSand, kFilmGrain };
inline constexpr size_t kStageCount = 7;

// The stage's folder name: "pack".
std::string_view stage_name(Stage stage);

// The wish for each stage.
class SubstrateChoice {
 public:
  // kAuto for every stage.
  SubstrateChoice() = default;

  Substrate of(Stage stage) const { return by_stage_[static_cast<size_t>(stage)]; }
  void set(Stage stage, Substrate substrate) { by_stage_[static_cast<size_t>(stage)] = substrate; }
  void set_all(Substrate substrate) { by_stage_.fill(substrate); }

  bool operator==(const SubstrateChoice&) const = default;

 private:
  std::array<Substrate, kStageCount> by_stage_{};
};

// Reads "value", "stage=value,..." or "value,stage=value,...": a bare value comes first and holds
// for the stages that are not named. Empty text is "auto". Unknown words, a stage named twice and
// empty items are kInvalidArgument; the message lists what is allowed.
Result<SubstrateChoice> parse_substrate_choice(std::string_view text);

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_SUBSTRATE_H_
