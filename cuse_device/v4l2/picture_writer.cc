#include "cuse_device/v4l2/picture_writer.h"

#include <array>

namespace daedalus::v4l2 {

std::optional<core::StageRun> write_picture(core::Core& core, const core::FrameView& frame,
                                            const core::Rect& from, const QueueFormat& layout,
                                            core::PassThreads threads, Buffer* buffer) {
  const RawFormat* format = find_raw_format(layout.fourcc);
  if (format == nullptr || buffer->planes.size() != layout.plane_count ||
      !core::output_pass_supports(frame.format, format->image)) {
    return std::nullopt;
  }
  for (uint32_t i = 0; i < layout.plane_count; ++i) {
    if (buffer->planes[i].length < layout.sizes[i]) return std::nullopt;
  }
  const auto locations = plane_locations(*format, layout.width, layout.height);
  std::array<core::Plane, 3> planes;
  for (size_t i = 0; i < planes.size(); ++i) {
    planes[i] = {buffer->planes[locations[i].memory_plane].data + locations[i].offset,
                 locations[i].stride};
  }
  for (const BufferPlane& plane : buffer->planes) {
    if (plane.memory) plane.memory->begin_cpu_write();
  }
  const core::StageRun run =
      core::run_output_pass(core, frame, from, format->image, planes, threads);
  for (const BufferPlane& plane : buffer->planes) {
    if (plane.memory) plane.memory->end_cpu_write();
  }
  return run;
}

}  // namespace daedalus::v4l2
