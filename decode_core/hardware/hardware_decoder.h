// The hardware engine: one context of a kernel driver behind one session (V4L2 "Memory-to-memory
// Stateless Video Decoder Interface").
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_HARDWARE_DECODER_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_HARDWARE_DECODER_H_

#include <chrono>
#include <memory>

#include "decode_core/backend.h"
#include "decode_core/hardware/device_calls.h"
#include "decode_core/hardware/discovery.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
}

namespace daedalus::core {

// The longest that a driver may work on one request. Those of the kernel (hantro, rkvdec, cedrus)
// end a request whose hardware hangs after 2 s, which gives its buffers back.
inline constexpr std::chrono::milliseconds kRequestTimeout{3000};

// Opens a context of its own on the device. `calls` outlive it and its frames, which may lie in the
// device's buffers; `memory`, where dma-bufs for those come from, outlives the decoder. A job whose
// outcome has no frame failed of the device: kUnsupported says that the device cannot do this kind
// of picture at all. `substrate`: for the kernels that copy pictures out of its buffers;
// `dispatcher`, where they run that ask for Vulkan, outlives the decoder; null for nowhere.
// `unpacked`: where pictures lie that were unpacked from columns; null: on the heap.
Result<std::unique_ptr<Decoder>> create_hardware_decoder(
    DeviceCalls& calls, const FoundDecoder& device, Codec codec, MemoryAllocator& memory,
    const gpu_kernels::SubstrateChoice& substrate, gpu_kernels::Dispatcher* dispatcher,
    std::shared_ptr<FrameMemorySource> unpacked = nullptr,
    std::chrono::milliseconds timeout = kRequestTimeout);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_HARDWARE_DECODER_H_
