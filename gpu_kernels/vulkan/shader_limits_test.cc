#include "gpu_kernels/vulkan/shader_limits.h"

#include <string>
#include <vector>

#include "gpu_kernels/cdef/shaders.h"
#include "gpu_kernels/film_grain/shaders.h"
#include "gpu_kernels/idct/shaders.h"
#include "gpu_kernels/mc/shaders.h"
#include "gpu_kernels/pack/shaders.h"
#include "gpu_kernels/sand/shaders.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

using Words = std::vector<uint32_t>;

Words instruction(uint32_t opcode, Words operands) {
  operands.insert(operands.begin(), static_cast<uint32_t>(operands.size() + 1) << 16 | opcode);
  return operands;
}

Words local_size(uint32_t x, uint32_t y, uint32_t z) { return instruction(16, {1, 17, x, y, z}); }
Words capability(uint32_t value) { return instruction(17, {value}); }
Words variable(uint32_t storage_class) { return instruction(59, {1, 2, storage_class}); }

Words module_of(const std::vector<Words>& instructions) {
  Words words = {0x07230203, 0x00010300, 0, 10, 0};
  for (const Words& each : instructions) words.insert(words.end(), each.begin(), each.end());
  return words;
}

bool fits(const std::vector<Words>& instructions) {
  return check_shader(module_of(instructions)).ok();
}

TEST_CASE("our own shaders fit a V3D") {
  struct Shader {
    std::span<const uint32_t> spirv;
    uint32_t buffers;
  };
  for (const auto& [spirv, buffers] : {Shader{shaders::nv12, 3},
                                       {shaders::p010, 3},
                                       {shaders::luma, 2},
                                       {shaders::grain_nv12, 8},
                                       {shaders::grain_nv12_overlap_luma, 5},
                                       {shaders::grain_nv12_overlap_chroma, 7},
                                       {shaders::grain_p010, 8},
                                       {shaders::grain_p010_overlap_luma, 5},
                                       {shaders::grain_p010_overlap_chroma, 7},
                                       {shaders::sand_nc12, 2},
                                       {shaders::sand_nc30, 2},
                                       {shaders::cdef_direction, 4},
                                       {shaders::cdef_shift_luma, 1},
                                       {shaders::cdef_shift_chroma, 1},
                                       {shaders::cdef_filter, 3},
                                       {shaders::h264_idct_4x4, 3},
                                       {shaders::h264_idct_8x8, 3},
                                       {shaders::h264_idct_chroma, 3},
                                       {shaders::h264_mc_luma, 3},
                                       {shaders::h264_mc_chroma, 3},
                                       {shaders::h264_mc_combine_luma, 4},
                                       {shaders::h264_mc_combine_chroma, 4}}) {
    const auto shape = check_shader(spirv);
    REQUIRE(shape.ok());
    CHECK(shape->storage_buffers == buffers);
    CHECK(shape->group_width * shape->group_height * shape->group_depth >= 64);
  }
}

TEST_CASE("a workgroup has at most 256 invocations") {
  CHECK(fits({local_size(256, 1, 1)}));
  CHECK(fits({local_size(4, 32, 2)}));
  CHECK_FALSE(fits({local_size(257, 1, 1)}));
  CHECK_FALSE(fits({local_size(16, 16, 2)}));
  CHECK_FALSE(fits({local_size(0x10000, 0x10000, 1)}));
  CHECK_FALSE(fits({}));  // no size at all
}

TEST_CASE("a shader has at most eight storage buffers, and no shared memory") {
  std::vector<Words> instructions = {local_size(64, 1, 1)};
  for (int i = 0; i < 8; ++i) instructions.push_back(variable(i % 2 ? 2 : 12));
  CHECK(fits(instructions));
  instructions.push_back(variable(12));
  CHECK_FALSE(fits(instructions));
  CHECK_FALSE(fits({local_size(64, 1, 1), variable(4)}));
}

TEST_CASE("arithmetic that V3D lacks is refused by name") {
  CHECK(fits({capability(1), local_size(64, 1, 1)}));
  for (const auto& [value, name] :
       {std::pair{9, "Float16"}, {10, "Float64"}, {11, "Int64"}, {22, "Int16"}, {39, "Int8"}}) {
    const auto shape =
        check_shader(module_of({capability(static_cast<uint32_t>(value)), local_size(64, 1, 1)}));
    REQUIRE_FALSE(shape.ok());
    CHECK(shape.error().code == ErrorCode::kUnsupported);
    CHECK(shape.error().message.find(name) != std::string::npos);
  }
}

TEST_CASE("what is no module is an error") {
  CHECK_FALSE(check_shader({}).ok());
  CHECK_FALSE(check_shader(Words{0x07230203, 0, 0}).ok());
  CHECK_FALSE(check_shader(Words{1, 2, 3, 4, 5, 6}).ok());
  Words cut = module_of({local_size(64, 1, 1)});
  cut.pop_back();
  CHECK_FALSE(check_shader(cut).ok());
  CHECK_FALSE(fits({local_size(64, 1, 1), Words{0}}));
}

}  // namespace
}  // namespace daedalus::gpu_kernels::vulkan
