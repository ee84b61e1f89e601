// The native H.264 engine: parsed parameters and slice data in, NV12 pictures out.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_H264_DECODER_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_H264_DECODER_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>

#include "decode_core/backend.h"
#include "decode_core/workers/workers.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::gpu_kernels {
class Dispatcher;
}

namespace daedalus::core {

// How threads come by their work. The defaults are for use; tests have others.
struct H264Scheduling {
  uint32_t macroblocks_a_thread = 256;  // of a picture are worth one more thread for it
  uint32_t macroblocks_a_batch = 480;   // are worth waking one
  // Called before and after each task on its thread, which holds no lock; several at a time.
  std::function<void()> between_tasks{};

  // How many threads a picture is worth, and how many of its rows one.
  uint32_t useful_threads(uint32_t macroblocks) const {
    return 1 + macroblocks / macroblocks_a_thread;
  }
  uint32_t batch(uint32_t macroblocks, uint32_t rows) const {
    return std::max(macroblocks_a_batch / std::max(macroblocks / rows, 1u), 1u);
  }
};

// `threads`: at most so many work at a time, at least 1. `dispatcher`: says what a GPU does, and
// where; null: nothing. It and `workers` outlive the decoder.
std::unique_ptr<Decoder> create_h264_decoder(Workers& workers, int threads,
                                             const gpu_kernels::SubstrateChoice& substrate,
                                             H264Scheduling scheduling = {},
                                             gpu_kernels::Dispatcher* dispatcher = nullptr);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_H264_DECODER_H_
