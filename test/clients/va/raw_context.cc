#include "test/clients/va/raw_context.h"

#include <malloc.h>

#include <filesystem>

#include "test/catch.h"

namespace daedalus::va_client::testing {
namespace {

size_t entries_of(const char* folder) {
  std::error_code error;
  size_t count = 0;
  for (auto i = std::filesystem::directory_iterator(folder, error);
       !error && i != std::filesystem::directory_iterator(); i.increment(error))
    ++count;
  return count;
}

}  // namespace

RawContext::RawContext(std::shared_ptr<Display> display, const core::DecodeJob& job,
                       size_t surface_count)
    : display_(std::move(display)) {
  const Result<core::Profile> profile = profile_of(job);
  REQUIRE(profile.ok());
  const unsigned int rt_format = rt_format_of(job);
  const uint32_t width = job.coded_width();
  const uint32_t height = job.coded_height();
  REQUIRE(display_->call(&VADriverVTable::vaCreateConfig, va_profile(*profile), VAEntrypointVLD,
                         static_cast<VAConfigAttrib*>(nullptr), 0, &config) == VA_STATUS_SUCCESS);
  surfaces.resize(surface_count, VA_INVALID_SURFACE);
  REQUIRE(display_->call(&VADriverVTable::vaCreateSurfaces2, rt_format, width, height,
                         surfaces.data(), static_cast<unsigned>(surface_count),
                         static_cast<VASurfaceAttrib*>(nullptr), 0U) == VA_STATUS_SUCCESS);
  REQUIRE(display_->call(&VADriverVTable::vaCreateContext, config, static_cast<int>(width),
                         static_cast<int>(height), VA_PROGRESSIVE, surfaces.data(),
                         static_cast<int>(surface_count), &context) == VA_STATUS_SUCCESS);
}

RawContext::~RawContext() {
  if (abandoned_) return;
  destroy_buffers();
  display_->call(&VADriverVTable::vaDestroyContext, context);
  for (VASurfaceID& surface : surfaces)
    display_->call(&VADriverVTable::vaDestroySurfaces, &surface, 1);
  display_->call(&VADriverVTable::vaDestroyConfig, config);
}

PictureBuffers RawContext::translate(const core::DecodeJob& job) {
  const SurfaceOf lookup = [&](const std::shared_ptr<core::Picture>& picture) {
    if (!picture) return VASurfaceID{VA_INVALID_SURFACE};
    const auto [found, fresh] = assigned_.try_emplace(picture->id(), VA_INVALID_SURFACE);
    // The pictures of long streams share surfaces: what a hostile client does not mind.
    if (fresh) found->second = surfaces[(assigned_.size() - 1) % surfaces.size()];
    return found->second;
  };
  lookup(job.target);
  Result<PictureBuffers> buffers = builder_.build(job, lookup, ClientStyle{});
  if (!buffers) FAIL(buffers.error().message);
  return std::move(buffers).value();
}

VASurfaceID RawContext::surface_of(const core::DecodeJob& job) {
  const auto found = assigned_.find(job.target->id());
  return found == assigned_.end() ? VA_INVALID_SURFACE : found->second;
}

VAStatus RawContext::create(const ParameterBuffer& buffer, VABufferID* id) {
  void* data = const_cast<uint8_t*>(buffer.bytes.data());
  const VAStatus status = display_->call(&VADriverVTable::vaCreateBuffer, context, buffer.type,
                                         buffer.element_size, buffer.elements, data, id);
  if (status == VA_STATUS_SUCCESS) buffers.push_back(*id);
  return status;
}

VABufferID RawContext::create(const ParameterBuffer& buffer) {
  VABufferID id = VA_INVALID_ID;
  REQUIRE(create(buffer, &id) == VA_STATUS_SUCCESS);
  return id;
}

VAStatus RawContext::begin(VASurfaceID target) {
  return display_->call(&VADriverVTable::vaBeginPicture, context, target);
}

VAStatus RawContext::render(std::vector<VABufferID> ids) {
  return display_->call(&VADriverVTable::vaRenderPicture, context, ids.data(),
                        static_cast<int>(ids.size()));
}

VAStatus RawContext::end() { return display_->call(&VADriverVTable::vaEndPicture, context); }

VAStatus RawContext::sync(VASurfaceID target) {
  return display_->call(&VADriverVTable::vaSyncSurface, target);
}

void RawContext::destroy_buffers() {
  for (VABufferID id : buffers) display_->call(&VADriverVTable::vaDestroyBuffer, id);
  buffers.clear();
}

VAStatus RawContext::submit(VASurfaceID target, const PictureBuffers& picture) {
  VAStatus first = begin(target);
  const auto note = [&](VAStatus status) {
    if (first == VA_STATUS_SUCCESS) first = status;
  };
  for (const std::vector<ParameterBuffer>* part : {&picture.picture, &picture.slices}) {
    for (const ParameterBuffer& buffer : *part) {
      VABufferID id = VA_INVALID_ID;
      const VAStatus created = create(buffer, &id);
      note(created);
      if (created == VA_STATUS_SUCCESS) note(render({id}));
    }
  }
  note(end());
  destroy_buffers();
  return first;
}

bool still_decodes(const std::shared_ptr<Display>& display, const Clip& clip,
                   const std::vector<Frame>& expected) {
  VaClient client(display, client_style("ffmpeg"));
  const Result<std::vector<Frame>> frames = decode_by_driver(client, clip);
  if (!frames) {
    WARN(frames.error().message);
    return false;
  }
  const std::string difference = first_difference(expected, *frames);
  if (!difference.empty()) WARN(difference);
  return difference.empty();
}

Footprint footprint() {
  return {mallinfo2().uordblks, entries_of("/proc/self/fd"), entries_of("/proc/self/task")};
}

}  // namespace daedalus::va_client::testing
