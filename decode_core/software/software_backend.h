// The software backend: CPU engines, by codec.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_

#include <memory>

#include "decode_core/backend.h"
#include "decode_core/settings.h"
#include "decode_core/workers/workers.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
}

namespace daedalus::core {

// `workers` outlives every decode() of the backend's decoders, and so does `dispatcher`, which says
// what a GPU does, and where; null: nothing. `memory`: where planar pictures are decoded to; null
// for the heap.
std::unique_ptr<Backend> create_software_backend(
    const Settings& settings, Workers& workers, gpu_kernels::Dispatcher* dispatcher = nullptr,
    std::shared_ptr<FrameMemorySource> memory = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_
