// daedalus info: what this build decodes, with what, and where pixels go.
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>

extern "C" {
#include <libavcodec/avcodec.h>
}

#include "decode_core/core.h"
#include "decode_core/memory/surface_memory.h"
#include "decode_core/stream/stream_capabilities.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/vulkan_stages.h"
#include "tools/daedalus/commands.h"
#include "tools/daedalus/options.h"

namespace daedalus::tool {

int run_info(Arguments arguments) {
  Options options(std::move(arguments));
  if (options.flag("help")) {
    return std::fputs("usage: daedalus info\nWhat this build decodes, and with what.\n", stdout) <
           0;
  }
  const auto operands = options.operands();
  if (!operands) return fail(operands.error().message, 2);
  if (!operands->empty()) return fail("info takes no operand", 2);
  const auto settings = core::Settings::parse_environment();
  if (!settings) return fail(settings.error().message, 2);
  const auto core = core::Core::create(*settings);

  std::puts("profiles:");
  const size_t everywhere = core->capabilities().size();  // they come first
  const auto capabilities = core::stream_capabilities(*core);
  for (size_t i = 0; i < capabilities.size(); ++i) {
    const core::ProfileCapability& capability = capabilities[i];
    const std::string_view codec = core::to_string(core::codec_of(capability.profile));
    const std::string_view profile = core::to_string(capability.profile);
    std::printf("  %-6.*s %-22.*s %2d bit, %ux%u to %ux%u%s\n", static_cast<int>(codec.size()),
                codec.data(), static_cast<int>(profile.size()), profile.data(),
                capability.bit_depth, capability.min_width, capability.min_height,
                capability.max_width, capability.max_height,
                i < everywhere ? "" : ", stateful V4L2 only");
  }
  const unsigned version = avcodec_version();
  std::printf("engines: %s (libavcodec %u.%u.%u), threads: %s\n",
              settings->engine == "auto" ? "native for H.264, dav1d for AV1, libavcodec"
                                         : settings->engine.c_str(),
              version >> 16, (version >> 8) & 255, version & 255,
              settings->threads != 0 ? std::to_string(settings->threads).c_str() : "one a core");
  const auto& pack = gpu_kernels::pack_functions(settings->substrate.of(gpu_kernels::Stage::kPack));
  const bool on_gpu =
      settings->substrate.of(gpu_kernels::Stage::kPack) == gpu_kernels::Substrate::kVulkan &&
      core->gpu()->pack() != nullptr;
  std::printf("output pass: %s\n", on_gpu ? "vulkan (daedalus gpu says more)" : pack.target);
  constexpr size_t kProbe = 1 << 16;
  if (auto memory = core->memory().allocate(kProbe, true)) {
    std::printf("exported surfaces: dma-buf from %s%s\n",
                std::string((*memory)->provider()).c_str(),
                (*memory)->cached() ? "" : " (write-combined)");
  } else {
    std::printf("exported surfaces: none (%s)\n", memory.error().message.c_str());
  }
  std::printf("statistics: %s\n", settings->statistics_folder.empty()
                                      ? "nowhere (set DAEDALUS_STATS or XDG_RUNTIME_DIR)"
                                      : settings->statistics_folder.c_str());
  return 0;
}

}  // namespace daedalus::tool
