#include "gpu_kernels/substrate.h"

#include <string>

#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

Substrate pack_of(std::string_view text) {
  const auto choice = parse_substrate_choice(text);
  REQUIRE(choice.ok());
  return choice->of(Stage::kPack);
}

TEST_CASE("every substrate's own name is read back as itself", "[substrate]") {
  for (const Substrate substrate :
       {Substrate::kAuto, Substrate::kScalar, Substrate::kSimd, Substrate::kVulkan}) {
    CAPTURE(std::string(substrate_name(substrate)));
    CHECK(pack_of(substrate_name(substrate)) == substrate);
    CHECK(pack_of("pack=" + std::string(substrate_name(substrate))) == substrate);
  }
}

TEST_CASE("empty text asks for nothing", "[substrate]") { CHECK(pack_of("") == Substrate::kAuto); }

TEST_CASE("a stage's own value beats the one for all", "[substrate]") {
  CHECK(pack_of("scalar,pack=simd") == Substrate::kSimd);
  CHECK(pack_of("simd,pack=auto") == Substrate::kAuto);
}

TEST_CASE("malformed wishes are errors that name the word", "[substrate]") {
  struct Case {
    const char* text;
    const char* in_message;
  };
  const Case cases[] = {
      {"neon", "'neon'"},
      {"SIMD", "'SIMD'"},
      {" simd", "' simd'"},
      {"pack", "'pack'"},
      {"pack=", "unknown value ''"},
      {"=simd", "unknown stage ''"},
      {"pack=simd=scalar", "'simd=scalar'"},
      {"cooking=simd", "unknown stage 'cooking'"},
      {",", "unknown value ''"},
      {"simd,", "unknown value ''"},
      {"simd,scalar", "'scalar'"},
      {"pack=simd,scalar", "'scalar'"},
      {"pack=simd,pack=scalar", "second value for stage 'pack'"},
  };
  for (const Case& c : cases) {
    CAPTURE(std::string(c.text));
    const auto choice = parse_substrate_choice(c.text);
    REQUIRE_FALSE(choice.ok());
    CHECK(choice.error().code == ErrorCode::kInvalidArgument);
    CAPTURE(choice.error().message);
    CHECK(choice.error().message.find(c.in_message) != std::string::npos);
  }
}

}  // namespace
}  // namespace daedalus::gpu_kernels
