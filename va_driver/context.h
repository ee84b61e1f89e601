// Context: one client decoder; collects a picture between Begin and End and submits it.
#ifndef DAEDALUS_VA_DRIVER_CONTEXT_H_
#define DAEDALUS_VA_DRIVER_CONTEXT_H_

#include <va/va.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "decode_core/core.h"
#include "va_driver/config.h"
#include "va_driver/job_builder.h"

namespace daedalus::va {

class Display;
struct Surface;

// Thread-safe; its lock is held while a picture is collected and submitted, never while one is
// decoded.
class Context : public std::enable_shared_from_this<Context> {
 public:
  Context(const Config& config, uint32_t width, uint32_t height);

  VAStatus begin(std::shared_ptr<Surface> target);
  VAStatus render(std::span<const std::shared_ptr<Buffer>> buffers);
  // Submits the picture. Waits for it only if the client sees the surface's memory and was never
  // found to wait for pictures itself.
  VAStatus end(Display& display);

  // The client waits for pictures of this context.
  void note_sync() { synced_ = true; }
  // Waits until everything that was submitted is decoded.
  void drain();

 private:
  // A first field whose second has not come yet.
  struct OpenField {
    std::shared_ptr<core::Picture> picture;
    Parity parity;
  };

  // What a picture shows, and where.
  struct Submitted {
    std::shared_ptr<Surface> shown;
    std::shared_ptr<core::Picture> picture;
  };

  VAStatus submit(Display& display, Submitted* submitted);
  // Gives the job its target and its role.
  void aim(BuiltJob* built);
  Status open_session_for(const Display& display, const BuiltJob& built);

  const Config config_;
  const uint32_t width_;
  const uint32_t height_;
  std::atomic<bool> synced_{false};

  std::mutex mutex_;
  const std::unique_ptr<JobBuilder> builder_;
  std::shared_ptr<Surface> target_;  // between begin and end
  std::shared_ptr<core::Session> session_;
  OpenField open_field_{};
};

VAStatus create_context(Display& display, VAConfigID config, int width, int height, int flags,
                        VASurfaceID* targets, int target_count, VAContextID* context);
// Pictures under way go on; surfaces and references stay.
VAStatus destroy_context(Display& display, VAContextID context);
VAStatus begin_picture(Display& display, VAContextID context, VASurfaceID target);
VAStatus render_picture(Display& display, VAContextID context, VABufferID* buffers, int count);
VAStatus end_picture(Display& display, VAContextID context);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_CONTEXT_H_
