// ExportingClient: a VA client that shows others its surfaces, as players do.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_EXPORTING_CLIENT_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_EXPORTING_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "decode_core/core.h"
#include "decode_core/job.h"
#include "decode_core/record/recording.h"
#include "decode_core/surface.h"

namespace daedalus::core::test {

// Exports each picture and compares what others see of it with software's. It takes surfaces again,
// and makes no more than it needs.
class ExportingClient {
 public:
  enum class When : uint8_t {
    kMade,     // as GStreamer and Chromium: before anything is decoded into the surface
    kDecoded,  // as mpv, ffmpeg and Firefox: after
    kInTurn,   // one so, the next one so
  };

  ExportingClient(std::shared_ptr<Core> core, const std::string& path);

  // How many pictures were not exact.
  size_t play(When when);
  size_t surfaces() const { return surfaces_.size(); }
  // Surfaces are this much larger than the pictures, in both directions, from now on.
  void set_border(uint32_t samples) { border_ = samples; }
  // Between two pictures each surface is made anew.
  void use_once() { once_ = true; }

  // What others see of a surface, beginning at the left and the top.
  static FrameHash seen(const Surface::Export& exported, SurfaceFormat format, uint32_t width,
                        uint32_t height);

 private:
  using Decode = std::function<void(DecodeJob job, Session& session)>;
  void decode(Core& core, const Decode& each);
  Surface& free_surface(const DecodeJob& job);

  const std::shared_ptr<Core> core_;
  const std::string path_;
  const SurfaceFormat format_;
  uint32_t border_ = 0;
  bool once_ = false;
  std::vector<FrameHash> expected_;
  std::vector<std::unique_ptr<Surface>> surfaces_;
  std::map<const Surface*, std::shared_ptr<SurfaceMemory>> memories_;
};

// Pictures that a stage counts, of all sessions whose statistics are in the folder; `how` empty: on
// whatever substrate.
uint64_t count_pictures(const std::string& folder, const std::string& stage_name,
                        const std::string& how);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_EXPORTING_CLIENT_H_
