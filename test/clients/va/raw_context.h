// RawContext: one context and its surfaces under the direct control of a test that does not behave.
#ifndef DAEDALUS_TEST_CLIENTS_VA_RAW_CONTEXT_H_
#define DAEDALUS_TEST_CLIENTS_VA_RAW_CONTEXT_H_

#include <va/va.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "decode_core/job.h"
#include "test/clients/va/display.h"
#include "test/clients/va/picture_buffers.h"
#include "test/clients/va/testing.h"

namespace daedalus::va_client::testing {

// Every id is public; whatever the test has not destroyed itself is destroyed at the end.
class RawContext {
 public:
  // For pictures like `job`'s.
  RawContext(std::shared_ptr<Display> display, const core::DecodeJob& job,
             size_t surface_count = 24);
  ~RawContext();
  RawContext(const RawContext&) = delete;
  RawContext& operator=(const RawContext&) = delete;

  // The buffers that decode the job, surfaces assigned; a well-behaved client would submit them.
  PictureBuffers translate(const core::DecodeJob& job);
  VASurfaceID surface_of(const core::DecodeJob& job);
  // The job's target takes its VP9 reference slots.
  void finish(const core::DecodeJob& job) { builder_.finish(job); }

  VAStatus create(const ParameterBuffer& buffer, VABufferID* id);
  // Creates; a refusal fails the running test.
  VABufferID create(const ParameterBuffer& buffer);
  VAStatus begin(VASurfaceID target);
  VAStatus render(std::vector<VABufferID> buffers);
  VAStatus end();
  VAStatus sync(VASurfaceID target);
  // Destroys nothing at the end: that is left to vaTerminate.
  void abandon() { abandoned_ = true; }
  // Destroys all buffers that were created here.
  void destroy_buffers();
  // Begin, render all in one call, end, destroy all. The first error.
  VAStatus submit(VASurfaceID target, const PictureBuffers& buffers);

  Display& display() { return *display_; }

  VAConfigID config = VA_INVALID_ID;
  VAContextID context = VA_INVALID_ID;
  std::vector<VASurfaceID> surfaces;
  std::vector<VABufferID> buffers;

 private:
  std::shared_ptr<Display> display_;
  bool abandoned_ = false;
  BufferBuilder builder_;
  std::map<uint64_t, VASurfaceID> assigned_;  // by picture id
};

// Decodes the clip through a new context of the display and compares: is the driver still well?
bool still_decodes(const std::shared_ptr<Display>& display, const Clip& clip,
                   const std::vector<Frame>& expected);

// Memory in use by malloc in bytes (0 under sanitizers), open descriptors, threads.
struct Footprint {
  size_t heap = 0;
  size_t descriptors = 0;
  size_t threads = 0;
};
Footprint footprint();

}  // namespace daedalus::va_client::testing

#endif  // DAEDALUS_TEST_CLIENTS_VA_RAW_CONTEXT_H_
