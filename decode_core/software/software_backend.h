// The software backend: CPU engines, by codec.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_

#include <memory>

#include "decode_core/backend.h"
#include "decode_core/settings.h"
#include "decode_core/workers/workers.h"

namespace daedalus::gpu_kernels {
class VulkanStages;
}

namespace daedalus::core {

// `workers` outlives every decode() of the backend's decoders, and so does `gpu`, where stages run
// that ask for Vulkan; null for nowhere.
std::unique_ptr<Backend> create_software_backend(const Settings& settings, Workers& workers,
                                                 gpu_kernels::VulkanStages* gpu = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_
