// Front: the way that jobs take into the core, for `decode` and `replay`.
#ifndef DAEDALUS_TOOLS_DAEDALUS_FRONT_H_
#define DAEDALUS_TOOLS_DAEDALUS_FRONT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/core.h"
#include "decode_core/image.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"

namespace daedalus::tool {

// One visible picture: planes Y, U, V without padding, 8-bit samples, or 16-bit little-endian words
// with 10 bits in the low end.
struct Frame {
  uint32_t width = 0;
  uint32_t height = 0;
  int bit_depth = 8;
  std::vector<uint8_t> samples;
};

class Front {
 public:
  virtual ~Front() = default;
  virtual Status decode(core::DecodeJob job) = 0;
  // Waits for the picture; the error says why it has no pixels.
  virtual Status wait(const core::Picture& picture) = 0;
  // After wait().
  virtual Status read(const core::Picture& picture, const core::Rect& visible, Frame& frame) = 0;
  // The same into NV12 or P010 that nobody looks at: for measurements of what reading costs.
  virtual Status pack(const core::Picture& picture, const core::Rect& visible) = 0;
};

// From P010 without padding to what Frame has.
void convert_p010(Frame& frame);

// "replay": straight into the core.
std::unique_ptr<Front> create_replay_front(std::shared_ptr<core::Core> core);
// "va": through the VA driver in `driver_path`, as a client in this process. `style`: whose habits
// it has (va_client::client_styles).
Result<std::unique_ptr<Front>> create_va_front(const std::string& driver_path,
                                               const std::string& style);

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_FRONT_H_
