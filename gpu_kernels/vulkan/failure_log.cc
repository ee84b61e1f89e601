#include "gpu_kernels/vulkan/failure_log.h"

#include "base/log.h"

namespace daedalus::gpu_kernels::vulkan {

void FailureLog::tell(const Device& device, const Error& error) {
  if (error.code == ErrorCode::kBusy || error.code == ErrorCode::kNotFound) return;
  const bool lost = !device.usable();
  log(told_ && !lost ? LogLevel::kDebug : LogLevel::kWarning, "%s (%s); the CPU goes on%s",
      error.message.c_str(), device.info().name.c_str(), lost ? " without it" : " for it");
  told_ = true;
}

}  // namespace daedalus::gpu_kernels::vulkan
