#include "gpu_kernels/vulkan/test_device.h"

#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <type_traits>
#include <utility>

#include "base/mapping.h"
#include "base/unique_fd.h"
#include "gpu_kernels/vulkan/dma_buf_registry.h"

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
    if (table.*kMember == nullptr) return;
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
      CALL(vkCreateShaderModule), CALL(vkEndCommandBuffer), CALL(vkMapMemory),                 \
      CALL(vkQueueSubmit), CALL(vkResetCommandPool), CALL(vkResetDescriptorPool),              \
      CALL(vkResetFences), CALL(vkWaitForFences), CALL(vkGetMemoryFdPropertiesKHR),            \
      CALL(vkGetMemoryHostPointerPropertiesEXT)
#define DAEDALUS_MEMBER(name) &VolkDeviceTable::name
#define DAEDALUS_NAME(name) std::string_view(#name)

constexpr auto kNames = std::to_array({DAEDALUS_VULKAN_CALLS(DAEDALUS_NAME)});
constexpr std::string_view kFdProperties = "vkGetMemoryFdPropertiesKHR";
constexpr std::string_view kHostProperties = "vkGetMemoryHostPointerPropertiesEXT";

std::vector<std::string_view> calls_without(std::string_view name) {
  std::vector<std::string_view> names(kNames.begin(), kNames.end());
  std::erase(names, name);
  return names;
}

[[noreturn]] void abort_after(std::string_view message) {
  std::printf("%.*s\n", static_cast<int>(message.size()), message.data());
  std::fflush(stdout);
  std::abort();
}

// What SyncRecorder has seen.
std::mutex g_events_mutex;
bool g_recording = false;
int g_sync_error = 0;  // of the next one
std::vector<SyncRecorder::Event> g_events;

// What was ordered to go wrong.
int record(ino_t dma_buf, uint64_t flags) {
  std::lock_guard lock(g_events_mutex);
  if (g_recording) g_events.push_back({dma_buf, flags});
  return dma_buf != 0 ? std::exchange(g_sync_error, 0) : 0;
}

// In the place of the functions by which a driver imports dma-bufs: a memfd is mapped, and the
// mapping imported.
namespace dma_buf_driver {

constexpr auto kDmaBuf = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
constexpr auto kHostPointer = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;

struct Imported {
  UniqueFd fd;
  Mapping mapping;
};

std::mutex g_mutex;  // of what follows
std::map<VkDeviceMemory, Imported> g_imported;
int g_imports = 0;
PFN_vkGetMemoryHostPointerPropertiesEXT g_host_properties = nullptr;
PFN_vkCreateBuffer g_create_buffer = nullptr;
PFN_vkAllocateMemory g_allocate_memory = nullptr;
PFN_vkFreeMemory g_free_memory = nullptr;
PFN_vkQueueSubmit g_queue_submit = nullptr;
PFN_vkWaitForFences g_wait_for_fences = nullptr;
std::function<void()> g_during_work;

// The structure of that type in the chain; null where there is none.
template <typename Structure>
const Structure* next_of(const void* next, VkStructureType type) {
  for (const auto* in = static_cast<const VkBaseInStructure*>(next); in != nullptr;
       in = in->pNext) {
    if (in->sType == type) return reinterpret_cast<const Structure*>(in);
  }
  return nullptr;
}

VkResult get_memory_fd_properties(VkDevice device, VkExternalMemoryHandleTypeFlagBits type, int fd,
                                  VkMemoryFdPropertiesKHR* properties) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (type != kDmaBuf || size <= 0) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  const auto mapping = Mapping::map(fd, static_cast<size_t>(size), 0, true);
  if (!mapping) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  VkMemoryHostPointerPropertiesEXT host{};
  host.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT;
  const VkResult result = g_host_properties(device, kHostPointer, mapping->data(), &host);
  properties->memoryTypeBits = host.memoryTypeBits;
  return result;
}

VkResult create_buffer(VkDevice device, const VkBufferCreateInfo* info,
                       const VkAllocationCallbacks* allocator, VkBuffer* buffer) {
  const auto* external = next_of<VkExternalMemoryBufferCreateInfo>(
      info->pNext, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO);
  if (external == nullptr) return g_create_buffer(device, info, allocator, buffer);
  if (external->handleTypes != kDmaBuf) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  VkExternalMemoryBufferCreateInfo host = *external;
  host.handleTypes = kHostPointer;
  VkBufferCreateInfo create = *info;
  create.pNext = &host;
  return g_create_buffer(device, &create, allocator, buffer);
}

VkResult allocate_memory(VkDevice device, const VkMemoryAllocateInfo* info,
                         const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  const auto* import =
      next_of<VkImportMemoryFdInfoKHR>(info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);
  if (import == nullptr) return g_allocate_memory(device, info, allocator, memory);
  const off_t size = ::lseek(import->fd, 0, SEEK_END);
  if (import->handleType != kDmaBuf || size < 0 ||
      static_cast<uint64_t>(size) < info->allocationSize) {
    return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  }
  auto mapping = Mapping::map(import->fd, info->allocationSize, 0, true);
  if (!mapping) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  VkImportMemoryHostPointerInfoEXT host{};
  host.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT;
  host.handleType = kHostPointer;
  host.pHostPointer = mapping->data();
  VkMemoryAllocateInfo allocate = *info;
  allocate.pNext = &host;
  const VkResult result = g_allocate_memory(device, &allocate, allocator, memory);
  if (result != VK_SUCCESS) return result;
  std::lock_guard lock(g_mutex);
  ++g_imports;
  g_imported[*memory] = {UniqueFd(import->fd), std::move(*mapping)};
  return result;
}

void free_memory(VkDevice device, VkDeviceMemory memory, const VkAllocationCallbacks* allocator) {
  g_free_memory(device, memory, allocator);
  std::lock_guard lock(g_mutex);
  g_imported.erase(memory);
}

VkResult queue_submit(VkQueue queue, uint32_t count, const VkSubmitInfo* submits, VkFence fence) {
  record(0, SyncRecorder::kBegun);
  const VkResult result = g_queue_submit(queue, count, submits, fence);
  if (g_during_work) g_during_work();
  return result;
}

VkResult wait_for_fences(VkDevice device, uint32_t count, const VkFence* fences, VkBool32 all,
                         uint64_t timeout) {
  const VkResult result = g_wait_for_fences(device, count, fences, all, timeout);
  record(0, SyncRecorder::kEnded);
  return result;
}

void install(VolkDeviceTable& table) {
  g_queue_submit = std::exchange(table.vkQueueSubmit, queue_submit);
  g_wait_for_fences = std::exchange(table.vkWaitForFences, wait_for_fences);
  g_host_properties = std::exchange(table.vkGetMemoryHostPointerPropertiesEXT, nullptr);
  g_create_buffer = std::exchange(table.vkCreateBuffer, create_buffer);
  g_allocate_memory = std::exchange(table.vkAllocateMemory, allocate_memory);
  g_free_memory = std::exchange(table.vkFreeMemory, free_memory);
  table.vkGetMemoryFdPropertiesKHR = get_memory_fd_properties;
}

}  // namespace dma_buf_driver

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

std::vector<std::string_view> Faults::calls() { return calls_without(kFdProperties); }

void Faults::order(std::string_view name, int passing, VkResult result) {
  g_call = -1;
  g_passing = passing;
  g_result = result;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) g_call = static_cast<int>(i);
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

DmaBufDriver::DmaBufDriver() {
  std::lock_guard lock(dma_buf_driver::g_mutex);
  dma_buf_driver::g_imports = 0;
}

// A device that was abandoned keeps what it has.
DmaBufDriver::~DmaBufDriver() {
  std::lock_guard lock(dma_buf_driver::g_mutex);
  dma_buf_driver::g_imported.clear();
}

DeviceOptions DmaBufDriver::options(std::function<void()> during_work) {
  dma_buf_driver::g_during_work = std::move(during_work);
  DeviceOptions options = test_options();
  options.dma_bufs = DmaBufRegistry::create();
  options.instrument = [](VolkDeviceTable& table) {
    dma_buf_driver::install(table);
    Calls<DAEDALUS_VULKAN_CALLS(DAEDALUS_MEMBER)>::install_all(table);
  };
  return options;
}

std::vector<std::string_view> DmaBufDriver::calls() { return calls_without(kHostProperties); }

int DmaBufDriver::imports() const {
  std::lock_guard lock(dma_buf_driver::g_mutex);
  return dma_buf_driver::g_imports;
}

int DmaBufDriver::imported() const {
  std::lock_guard lock(dma_buf_driver::g_mutex);
  return static_cast<int>(dma_buf_driver::g_imported.size());
}

SyncRecorder::SyncRecorder() {
  std::lock_guard lock(g_events_mutex);
  g_recording = true;
  g_events.clear();
}

SyncRecorder::~SyncRecorder() {
  std::lock_guard lock(g_events_mutex);
  g_recording = false;
}

std::vector<SyncRecorder::Event> SyncRecorder::take() {
  std::lock_guard lock(g_events_mutex);
  return std::exchange(g_events, {});
}

void SyncRecorder::fail_next(int error) {
  std::lock_guard lock(g_events_mutex);
  g_sync_error = error;
}

ino_t SyncRecorder::file_of(int fd) {
  struct stat file {};
  return ::fstat(fd, &file) == 0 ? file.st_ino : 0;
}

}  // namespace daedalus::gpu_kernels::vulkan

// In the place of the C library's: the kernel answers, but what it is asked is seen.
extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request == DMA_BUF_IOCTL_SYNC) {
    using daedalus::gpu_kernels::vulkan::SyncRecorder;
    const int error = daedalus::gpu_kernels::vulkan::record(
        SyncRecorder::file_of(fd), static_cast<const dma_buf_sync*>(argument)->flags);
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
}
