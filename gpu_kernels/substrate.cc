#include "gpu_kernels/substrate.h"

#include <algorithm>
#include <bitset>
#include <optional>
#include <string>

namespace daedalus::gpu_kernels {
namespace {

// Indexed by Substrate.
constexpr std::array<std::string_view, 4> kSubstrateNames = {"auto", "scalar", "simd", "vulkan"};
// Indexed by Stage.
constexpr std::array<std::string_view, kStageCount> kStageNames = {
    "pack", "mc", "idct", "intra", "deblock", "sand", "film_grain"};

template <typename Enum, size_t kCount>
std::optional<Enum> find_name(const std::array<std::string_view, kCount>& names,
                              std::string_view word) {
  for (size_t i = 0; i < kCount; ++i) {
    if (names[i] == word) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

template <size_t kCount>
std::string join(const std::array<std::string_view, kCount>& names) {
  std::string joined;
  for (std::string_view name : names) {
    if (!joined.empty()) joined += ", ";
    joined += name;
  }
  return joined;
}

Error invalid(std::string_view what, std::string_view word, const std::string& allowed) {
  return Error{ErrorCode::kInvalidArgument, "substrate: " + std::string(what) + " '" +
                                                std::string(word) + "', expected " + allowed};
}

}  // namespace

std::string_view substrate_name(Substrate substrate) {
  return kSubstrateNames[static_cast<size_t>(substrate)];
}

std::string_view stage_name(Stage stage) { return kStageNames[static_cast<size_t>(stage)]; }

Result<SubstrateChoice> parse_substrate_choice(std::string_view text) {
  SubstrateChoice choice;
  if (text.empty()) return choice;
  std::bitset<kStageCount> named;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    const size_t equals = item.find('=');
    const std::string_view word = equals == std::string_view::npos ? item : item.substr(equals + 1);
    const auto substrate = find_name<Substrate>(kSubstrateNames, word);
    if (!substrate) return invalid("unknown value", word, "one of " + join(kSubstrateNames));
    if (equals == std::string_view::npos) {
      if (begin != 0) return invalid("value without a stage", word, "stage=value after a comma");
      choice.set_all(*substrate);
    } else {
      const std::string_view name = item.substr(0, equals);
      const auto stage = find_name<Stage>(kStageNames, name);
      if (!stage) return invalid("unknown stage", name, "one of " + join(kStageNames));
      if (named.test(static_cast<size_t>(*stage))) {
        return invalid("second value for stage", name, "one value a stage");
      }
      named.set(static_cast<size_t>(*stage));
      choice.set(*stage, *substrate);
    }
    begin = end + 1;
  }
  return choice;
}

}  // namespace daedalus::gpu_kernels
