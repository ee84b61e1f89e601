// daedalus gpu: the device, and each stage: what runs it and why.
#include <array>
#include <cstdio>
#include <string>

#include "decode_core/core.h"
#include "decode_core/gpu_memory.h"
#include "decode_core/memory/surface_memory.h"
#include "gpu_kernels/deblock/h264.h"
#include "gpu_kernels/dispatch/dispatcher.h"
#include "gpu_kernels/film_grain/av1.h"
#include "gpu_kernels/idct/h264.h"
#include "gpu_kernels/intra/h264.h"
#include "gpu_kernels/mc/h264.h"
#include "gpu_kernels/pack/pack.h"
#include "gpu_kernels/sand/sand.h"
#include "gpu_kernels/vulkan_stages.h"
#include "tools/daedalus/commands.h"
#include "tools/daedalus/options.h"

namespace daedalus::tool {
namespace {

using gpu_kernels::Stage;
using gpu_kernels::Substrate;
using gpu_kernels::Work;
using gpu_kernels::vulkan::DeviceInfo;

constexpr const char* kUsage =
    "usage: daedalus gpu [--measure]\n"
    "The Vulkan device, for each stage of pixel work what runs it and why, and what it was "
    "measured\n"
    "to cost on the CPU and on the GPU.\n"
    "  --measure  measure now, and keep it for all programs (in ~/.cache/daedalus)\n"
    "DAEDALUS_SUBSTRATE, DAEDALUS_GPU and DAEDALUS_GPU_GOAL are heeded as by the decoder.\n";

// What the CPU runs the stage on.
const char* on_cpu(Stage stage, Substrate wish) {
  switch (stage) {
    case Stage::kPack:
      return gpu_kernels::pack_functions(wish).target;
    case Stage::kMc:
      return gpu_kernels::h264_mc_functions(wish).target;
    case Stage::kIdct:
      return gpu_kernels::h264_idct_functions(wish).target;
    case Stage::kIntra:
      return gpu_kernels::h264_intra_functions(wish).target;
    case Stage::kDeblock:
      return gpu_kernels::h264_deblock_functions(wish).target;
    case Stage::kSand:
      return gpu_kernels::sand_functions(wish).target;
    case Stage::kFilmGrain:
      return gpu_kernels::av1_film_grain_functions(wish).target;
  }
  return "scalar";
}

void print_device(const DeviceInfo* device, const std::string& refusal) {
  if (device == nullptr) {
    std::printf("device: none (%s)\n", refusal.c_str());
    return;
  }
  std::printf("device: %s (%s)%s\n", device->name.c_str(), device->driver.c_str(),
              device->software ? ", runs on the CPU: for tests" : "");
  std::printf("memory: %s\n", device->import_alignment != 0
                                  ? "pictures are used in place where they lie so that it can"
                              : device->imports_dma_bufs
                                  ? "pictures are used in place where they are dma-bufs"
                                  : "pictures are copied: the driver takes no memory of ours");
}

// Whether the stage has a Vulkan twin.
bool has_twin_of(Stage stage) {
  return stage == Stage::kPack || stage == Stage::kFilmGrain || stage == Stage::kMc ||
         stage == Stage::kIdct || stage == Stage::kSand;
}

// Whether it is measured who does it: where nothing is asked of it, nor of what goes with it.
bool is_measured(Stage stage, const gpu_kernels::SubstrateChoice& wishes) {
  const auto asked = [&](Stage other) { return wishes.of(other) != Substrate::kAuto; };
  if (stage == Stage::kMc || stage == Stage::kIdct)
    return !asked(Stage::kMc) && !asked(Stage::kIdct);
  return has_twin_of(stage) && !asked(stage);
}

// Whether it can run here.
bool has_twin_here(Stage stage, gpu_kernels::VulkanStages& gpu) {
  if (stage == Stage::kPack) return gpu.pack() != nullptr;
  if (stage == Stage::kFilmGrain) return gpu.film_grain() != nullptr;
  if (stage == Stage::kSand) return gpu.sand() != nullptr;
  return gpu.h264_inter() != nullptr;
}

void print_stage(Stage stage, const gpu_kernels::SubstrateChoice& wishes,
                 gpu_kernels::VulkanStages& gpu) {
  const Substrate wish = wishes.of(stage);
  const bool has_twin = has_twin_of(stage);
  // Residual is added on the GPU to what was predicted there.
  const bool alone = stage == Stage::kIdct && wishes.of(Stage::kMc) != Substrate::kVulkan;
  const bool used = has_twin && wish == Substrate::kVulkan && !alone && has_twin_here(stage, gpu);
  std::string why;
  if (!has_twin) {
    why = "it has no Vulkan twin";
  } else if (wish == Substrate::kAuto) {
    why = is_measured(stage, wishes) ? "whoever was measured to be better does it, else the CPU"
                                     : "a GPU is used only where asked for: DAEDALUS_SUBSTRATE=" +
                                           std::string(gpu_kernels::stage_name(stage)) + "=vulkan";
  } else if (wish == Substrate::kVulkan && alone) {
    why = "a GPU does it only together with mc=vulkan";
  } else if (wish != Substrate::kVulkan || used) {
    why = "DAEDALUS_SUBSTRATE asks for it";
  } else {
    why = gpu.refusal();
  }
  std::printf("  %-10s %-10s %s\n", gpu_kernels::stage_name(stage).data(),
              used ? "vulkan" : on_cpu(stage, wish), why.c_str());
}

// False where measuring failed.
bool print_cost(gpu_kernels::Dispatcher& dispatcher, const Work& work, bool measure) {
  std::string refusal = "not measured";
  bool failed = false;
  if (measure) {
    const auto measured = dispatcher.measure(work);
    if (!measured) refusal = measured.error().message;
    failed = !measured;
  }
  const auto costs = dispatcher.measured(work);
  const std::string verdict =
      !costs
          ? refusal
          : to_string(*costs) + (gpu_wins(*costs, dispatcher.goal()) ? ": the GPU" : ": the CPU");
  std::printf("  %s: %s\n", to_string(work).c_str(), verdict.c_str());
  return !failed;
}

// The same of all.
bool print_costs(gpu_kernels::Dispatcher& dispatcher, bool measure) {
  struct Measured {
    Stage stage;
    int bit_depth;
  };
  constexpr std::array<Measured, 7> kMeasured = {{{Stage::kPack, 8},
                                                  {Stage::kPack, 10},
                                                  {Stage::kFilmGrain, 8},
                                                  {Stage::kFilmGrain, 10},
                                                  {Stage::kMc, 8},
                                                  {Stage::kSand, 8},
                                                  {Stage::kSand, 10}}};
  constexpr std::array<std::array<uint32_t, 2>, 3> kSizes = {
      {{1280, 720}, {1920, 1080}, {3840, 2160}}};
  bool failed = false;
  std::printf("costs of a picture (%s decides):\n",
              gpu_kernels::goal_name(dispatcher.goal()).data());
  for (const Measured& measured : kMeasured) {
    for (const auto& [width, height] : kSizes) {
      const Work work = Work::of(measured.stage, width, height, measured.bit_depth);
      failed = !print_cost(dispatcher, work, measure) || failed;
    }
  }
  return !failed;
}

}  // namespace

int run_gpu(Arguments arguments) {
  Options options(std::move(arguments));
  if (options.flag("help")) return std::fputs(kUsage, stdout) < 0;
  const bool measure = options.flag("measure");
  const auto operands = options.operands();
  if (!operands) return fail(operands.error().message, 2);
  if (!operands->empty()) return fail("gpu takes no operand", 2);
  const auto settings = core::Settings::parse_environment();
  if (!settings) return fail(settings.error().message, 2);
  gpu_kernels::VulkanStages gpu({.choice = settings->gpu, .cache_folder = settings->cache_folder});
  print_device(gpu.device(), gpu.refusal());
  std::puts("stages:");
  for (const Stage stage : {Stage::kPack, Stage::kMc, Stage::kIdct, Stage::kIntra, Stage::kDeblock,
                            Stage::kSand, Stage::kFilmGrain}) {
    print_stage(stage, settings->substrate, gpu);
  }
  const auto memory = core::register_for_gpu(core::MemoryAllocator::create(), gpu);
  gpu_kernels::Dispatcher dispatcher(gpu,
                                     {.goal = settings->gpu_goal,
                                      .folder = settings->cache_folder,
                                      .measuring = gpu_kernels::Measuring::kNever,
                                      .machine = {},
                                      .picture_memory = core::gpu_picture_memory(*memory, gpu)});
  return print_costs(dispatcher, measure) ? 0 : 1;
}

}  // namespace daedalus::tool
