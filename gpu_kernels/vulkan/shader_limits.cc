#include "gpu_kernels/vulkan/shader_limits.h"

#include <algorithm>
#include <array>
#include <string>

namespace daedalus::gpu_kernels::vulkan {
namespace {

// SPIR-V specification, 2.3 and 3: a header of five words, then instructions whose first word holds
// their length and opcode.
constexpr size_t kHeaderWords = 5;
constexpr uint32_t kMagic = 0x07230203;
enum Opcode : uint32_t { kExecutionMode = 16, kCapability = 17, kVariable = 59 };
constexpr uint32_t kLocalSize = 17;
enum StorageClass : uint32_t { kUniform = 2, kWorkgroup = 4, kStorageBuffer = 12 };

struct Capability {
  uint32_t value;
  const char* name;
};
constexpr std::array<Capability, 5> kLacking = {
    {{9, "Float16"}, {10, "Float64"}, {11, "Int64"}, {22, "Int16"}, {39, "Int8"}}};

Error unsupported(const std::string& what) {
  return {ErrorCode::kUnsupported, "shader: " + what + ", which V3D does not have"};
}

Status examine(std::span<const uint32_t> instruction, ShaderShape* shape) {
  const uint32_t opcode = instruction[0] & 0xFFFF;
  if (opcode == kCapability && instruction.size() > 1) {
    for (const Capability& capability : kLacking) {
      if (instruction[1] == capability.value) return unsupported(capability.name);
    }
  } else if (opcode == kExecutionMode && instruction.size() > 5 && instruction[2] == kLocalSize) {
    shape->group_width = instruction[3];
    shape->group_height = instruction[4];
    shape->group_depth = instruction[5];
  } else if (opcode == kVariable && instruction.size() > 3) {
    if (instruction[3] == kWorkgroup) return unsupported("shared memory on the chip");
    // Before SPIR-V 1.3 storage buffers are uniform variables; we use no other.
    if (instruction[3] == kStorageBuffer || instruction[3] == kUniform) ++shape->storage_buffers;
  }
  return {};
}

}  // namespace

Result<ShaderShape> check_shader(std::span<const uint32_t> spirv) {
  const Error broken{ErrorCode::kInvalidArgument, "shader: no SPIR-V module"};
  if (spirv.size() < kHeaderWords || spirv[0] != kMagic) return broken;
  ShaderShape shape{};
  for (size_t at = kHeaderWords; at < spirv.size();) {
    const size_t length = spirv[at] >> 16;
    if (length == 0 || length > spirv.size() - at) return broken;
    if (const Status good = examine(spirv.subspan(at, length), &shape); !good.ok()) {
      return good.error();
    }
    at += length;
  }
  const uint64_t invocations =
      uint64_t{shape.group_width} * shape.group_height * std::max(shape.group_depth, 1u);
  if (invocations == 0) return broken;
  if (invocations > kMostInvocations) {
    return unsupported("a workgroup of " + std::to_string(invocations) + " invocations");
  }
  if (shape.storage_buffers > kMostStorageBuffers) {
    return unsupported(std::to_string(shape.storage_buffers) + " storage buffers");
  }
  return shape;
}

}  // namespace daedalus::gpu_kernels::vulkan
