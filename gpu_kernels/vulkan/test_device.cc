#include "gpu_kernels/vulkan/test_device.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

// Mesa and LLVM keep some memory for the life of the process; so does a device that was abandoned.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libvulkan\nleak:libLLVM\n"; }
#ifdef __SANITIZE_ADDRESS__
// Modules stay, so that reports, and what suppresses them, know them by name.
extern "C" int dlclose(void* /*module*/) { return 0; }
#endif

namespace daedalus::gpu_kernels::vulkan {
namespace {

// The order, as functions without a context can read it.
std::atomic<int> g_call{-1};  // index of the function
std::atomic<int> g_passing{0};
std::atomic<VkResult> g_result{VK_SUCCESS};

bool strikes(int call) { return g_call == call && g_passing.fetch_sub(1) == 0; }

// In the place of a function of the table: fails if ordered, else is the function.
template <int kIndex, auto kMember>
struct Call;
template <int kIndex, typename... Arguments,
          VkResult (VKAPI_PTR* VolkDeviceTable::*kMember)(Arguments...)>
struct Call<kIndex, kMember> {
  static inline VkResult (*real)(Arguments...) = nullptr;

  static VkResult call(Arguments... arguments) {
    if (!strikes(kIndex)) return real(arguments...);
    // Work that nobody waits for would go on in memory that the test frees.
    if constexpr (std::is_same_v<decltype(kMember), PFN_vkWaitForFences VolkDeviceTable::*>) {
      real(arguments...);
    }
    return g_result;
  }
  static void install(VolkDeviceTable& table) {
    real = table.*kMember;
    table.*kMember = call;
  }
};

template <auto... kMembers>
struct Calls {
  template <int... kIndices>
  static void install(VolkDeviceTable& table, std::integer_sequence<int, kIndices...>) {
    (Call<kIndices, kMembers>::install(table), ...);
  }
  static void install_all(VolkDeviceTable& table) {
    install(table, std::make_integer_sequence<int, sizeof...(kMembers)>());
  }
};

#define DAEDALUS_VULKAN_CALLS(CALL)                                                            \
  CALL(vkAllocateCommandBuffers), CALL(vkAllocateDescriptorSets), CALL(vkAllocateMemory),      \
      CALL(vkBeginCommandBuffer), CALL(vkBindBufferMemory), CALL(vkCreateBuffer),              \
      CALL(vkCreateCommandPool), CALL(vkCreateComputePipelines), CALL(vkCreateDescriptorPool), \
      CALL(vkCreateDescriptorSetLayout), CALL(vkCreateFence), CALL(vkCreatePipelineLayout),    \
      CALL(vkCreateShaderModule), CALL(vkEndCommandBuffer),                                    \
      CALL(vkGetMemoryHostPointerPropertiesEXT), CALL(vkMapMemory), CALL(vkQueueSubmit),       \
      CALL(vkResetCommandPool), CALL(vkResetDescriptorPool), CALL(vkResetFences),              \
      CALL(vkWaitForFences)
#define DAEDALUS_MEMBER(name) &VolkDeviceTable::name
#define DAEDALUS_NAME(name) #name

[[noreturn]] void abort_after(std::string_view message) {
  std::printf("%.*s\n", static_cast<int>(message.size()), message.data());
  std::fflush(stdout);
  std::abort();
}

}  // namespace

DeviceOptions test_options() {
  const bool validated = std::getenv("DAEDALUS_TEST_VALIDATION") != nullptr;
  DeviceOptions options;
  options.choice = DeviceChoice::kSoftware;
  if (validated) options.on_wrong_call = abort_after;
  return options;
}

TestDevice open_test_device(const DeviceOptions& options) {
  auto device = Device::create(options);
  if (!device) {
    return {nullptr, device.error().message + " (mesa-vulkan-drivers brings a driver, " +
                         "vulkan-validationlayers the layer)"};
  }
  return {std::move(*device), {}};
}

Faults::Faults() { g_call = -1; }
Faults::~Faults() { g_call = -1; }

DeviceOptions Faults::options() {
  DeviceOptions options = test_options();
  options.instrument = Calls<DAEDALUS_VULKAN_CALLS(DAEDALUS_MEMBER)>::install_all;
  return options;
}

const std::vector<std::string_view>& Faults::calls() {
  static const std::vector<std::string_view> names = {DAEDALUS_VULKAN_CALLS(DAEDALUS_NAME)};
  return names;
}

void Faults::order(std::string_view name, int passing, VkResult result) {
  g_call = -1;
  g_passing = passing;
  g_result = result;
  for (size_t i = 0; i < calls().size(); ++i) {
    if (calls()[i] == name) g_call = static_cast<int>(i);
  }
}

bool Faults::happened() const { return g_passing < 0; }
void Faults::withdraw() { g_call = -1; }

int Faults::order_each(std::string_view name, const std::function<void()>& use) {
  for (int passing = 0;; ++passing) {
    order(name, passing, VK_ERROR_OUT_OF_DEVICE_MEMORY);
    use();
    if (!happened()) return passing;
  }
}

}  // namespace daedalus::gpu_kernels::vulkan
