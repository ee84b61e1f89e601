#include "test/clients/va/va_client.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace daedalus::va_client {
namespace {

// profile_idc (H.264 A.2)
constexpr uint8_t kH264Baseline = 66;
constexpr uint8_t kH264Main = 77;
constexpr uint8_t kH264Extended = 88;
constexpr uint8_t kH264High = 100;

Result<core::Profile> h264_profile(uint8_t profile_idc) {
  switch (profile_idc) {
    case kH264Baseline:
      return core::Profile::kH264ConstrainedBaseline;
    case kH264Main:
    case kH264Extended:
      return core::Profile::kH264Main;
    case kH264High:
      return core::Profile::kH264High;
    default:
      return Error{ErrorCode::kUnsupported,
                   "no VA profile for H.264 profile_idc " + std::to_string(profile_idc)};
  }
}

std::pair<uint32_t, uint32_t> surface_size(const core::DecodeJob& job) {
  return {job.coded_width(), job.coded_height()};
}

}  // namespace

Result<core::Profile> profile_of(const core::DecodeJob& job) {
  switch (job.codec()) {
    case core::Codec::kH264:
      return h264_profile(std::get<core::H264Parameters>(job.parameters).sps.profile_idc);
    case core::Codec::kVp9: {
      const uint8_t profile = std::get<core::Vp9Parameters>(job.parameters).frame.profile;
      if (profile == 0) return core::Profile::kVp9Profile0;
      if (profile == 2) return core::Profile::kVp9Profile2;
      return Error{ErrorCode::kUnsupported, "VP9 profile " + std::to_string(profile)};
    }
    case core::Codec::kVp8:
      return core::Profile::kVp8;
    case core::Codec::kMpeg2:
      return core::Profile::kMpeg2Main;
    case core::Codec::kHevc: {
      const uint8_t above_8 =
          std::get<core::HevcParameters>(job.parameters).sps.bit_depth_luma_minus8;
      return above_8 == 0 ? core::Profile::kHevcMain : core::Profile::kHevcMain10;
    }
    case core::Codec::kAv1:
      return core::Profile::kAv1Main;
  }
  return Error{ErrorCode::kUnsupported, "a codec that this client does not know"};
}

VAProfile va_profile(core::Profile profile) {
  switch (profile) {
    case core::Profile::kH264ConstrainedBaseline:
      return VAProfileH264ConstrainedBaseline;
    case core::Profile::kH264Main:
      return VAProfileH264Main;
    case core::Profile::kH264High:
      return VAProfileH264High;
    case core::Profile::kVp9Profile0:
      return VAProfileVP9Profile0;
    case core::Profile::kVp9Profile2:
      return VAProfileVP9Profile2;
    case core::Profile::kVp8:
      return VAProfileVP8Version0_3;
    case core::Profile::kMpeg2Simple:
      return VAProfileMPEG2Simple;
    case core::Profile::kMpeg2Main:
      return VAProfileMPEG2Main;
    case core::Profile::kHevcMain:
    case core::Profile::kHevcMainStillPicture:
      return VAProfileHEVCMain;
    case core::Profile::kHevcMain10:
      return VAProfileHEVCMain10;
    case core::Profile::kAv1Main:
      return VAProfileAV1Profile0;
  }
  return VAProfileNone;
}

unsigned int rt_format_of(VAProfile profile) {
  const bool ten_bits = profile == VAProfileVP9Profile2 || profile == VAProfileHEVCMain10;
  return ten_bits ? VA_RT_FORMAT_YUV420_10 : VA_RT_FORMAT_YUV420;
}

unsigned int rt_format_of(const core::DecodeJob& job) {
  if (const auto* av1 = std::get_if<core::Av1Parameters>(&job.parameters)) {
    return av1->sequence.bit_depth > 8 ? VA_RT_FORMAT_YUV420_10 : VA_RT_FORMAT_YUV420;
  }
  const Result<core::Profile> profile = profile_of(job);
  return profile ? rt_format_of(va_profile(*profile)) : VA_RT_FORMAT_YUV420;
}

Result<std::unique_ptr<VaClient>> VaClient::open(const std::string& driver_path,
                                                 const ClientStyle& style) {
  Result<std::shared_ptr<Display>> display = Display::load(driver_path);
  if (!display) return display.error();
  return std::make_unique<VaClient>(std::move(display).value(), style);
}

VaClient::VaClient(std::shared_ptr<Display> display, const ClientStyle& style)
    : display_(std::move(display)), style_(style) {}

VaClient::~VaClient() {
  destroy_image();
  close_context();
  for (Surface& surface : surfaces_) {
    surface.permanent.reset();
    display_->call(&VADriverVTable::vaDestroySurfaces, &surface.id, 1);
  }
}

void VaClient::close_context() {
  if (context_ != VA_INVALID_ID) display_->call(&VADriverVTable::vaDestroyContext, context_);
  if (config_ != VA_INVALID_ID) display_->call(&VADriverVTable::vaDestroyConfig, config_);
  context_ = VA_INVALID_ID;
  config_ = VA_INVALID_ID;
}

Status VaClient::configure(core::Profile profile, unsigned int rt_format, uint32_t width,
                           uint32_t height) {
  close_context();
  profile_ = profile;
  width_ = width;
  height_ = height;
  rt_format_ = rt_format;
  destroy_stale_surfaces();
  if (style_.probe_first && !probed_) {
    if (Status probed = probe(va_profile(profile)); !probed) return probed;
    probed_ = true;
  }
  VAConfigAttrib attribute{VAConfigAttribRTFormat, rt_format_};
  if (Status created =
          display_->check(display_->call(&VADriverVTable::vaCreateConfig, va_profile(profile),
                                         VAEntrypointVLD, &attribute, 1, &config_),
                          "vaCreateConfig");
      !created) {
    config_ = VA_INVALID_ID;
    return created;
  }
  std::vector<VASurfaceID> targets;
  if (style_.pool_before_context) {
    targets = free_surfaces();
    if (targets.size() < style_.pool_size) {
      const auto missing = static_cast<uint32_t>(style_.pool_size - targets.size());
      if (Status pool = create_surfaces(missing); !pool) return pool;
      targets = free_surfaces();
    }
  }
  Status created = display_->check(
      display_->call(&VADriverVTable::vaCreateContext, config_, static_cast<int>(width),
                     static_cast<int>(height), VA_PROGRESSIVE, targets.data(),
                     static_cast<int>(targets.size()), &context_),
      "vaCreateContext");
  if (!created) context_ = VA_INVALID_ID;
  if (created) ++contexts_created_;
  return created;
}

// What ffmpeg asks before it decodes.
Status VaClient::probe(VAProfile profile) {
  Display& d = *display_;
  std::vector<VAImageFormat> formats(static_cast<size_t>(d.context().max_image_formats));
  int format_count = 32659;  // ffmpeg leaves garbage here
  std::vector<VAProfile> profiles(static_cast<size_t>(d.context().max_profiles));
  int profile_count = -7;
  VAConfigID config = VA_INVALID_ID;
  unsigned int attribute_count = 32659;
  if (Status s =
          d.check(d.call(&VADriverVTable::vaQueryImageFormats, formats.data(), &format_count),
                  "vaQueryImageFormats");
      !s)
    return s;
  if (Status s =
          d.check(d.call(&VADriverVTable::vaQueryConfigProfiles, profiles.data(), &profile_count),
                  "vaQueryConfigProfiles");
      !s)
    return s;
  if (Status s = d.check(d.call(&VADriverVTable::vaCreateConfig, profile, VAEntrypointVLD,
                                static_cast<VAConfigAttrib*>(nullptr), 0, &config),
                         "vaCreateConfig");
      !s)
    return s;
  VAStatus status = d.call(&VADriverVTable::vaQuerySurfaceAttributes, config,
                           static_cast<VASurfaceAttrib*>(nullptr), &attribute_count);
  if (status == VA_STATUS_SUCCESS) {
    std::vector<VASurfaceAttrib> attributes(attribute_count);
    status = d.call(&VADriverVTable::vaQuerySurfaceAttributes, config, attributes.data(),
                    &attribute_count);
  }
  d.call(&VADriverVTable::vaDestroyConfig, config);
  return d.check(status, "vaQuerySurfaceAttributes");
}

Status VaClient::create_surfaces(uint32_t count) {
  std::vector<VASurfaceID> ids(count, VA_INVALID_SURFACE);
  VASurfaceAttrib attributes[2] = {};
  attributes[0].type = VASurfaceAttribPixelFormat;
  attributes[0].flags = VA_SURFACE_ATTRIB_SETTABLE;
  attributes[0].value.type = VAGenericValueTypeInteger;
  attributes[0].value.value.i =
      rt_format_ == VA_RT_FORMAT_YUV420_10 ? VA_FOURCC_P010 : VA_FOURCC_NV12;
  attributes[1].type = VASurfaceAttribMemoryType;
  attributes[1].flags = VA_SURFACE_ATTRIB_SETTABLE;
  attributes[1].value.type = VAGenericValueTypeInteger;
  attributes[1].value.value.i = VA_SURFACE_ATTRIB_MEM_TYPE_VA;
  Status created =
      display_->check(display_->call(&VADriverVTable::vaCreateSurfaces2, rt_format_, width_,
                                     height_, ids.data(), count, attributes, 2U),
                      "vaCreateSurfaces2");
  if (!created) return created;
  for (VASurfaceID id : ids) {
    Surface surface;
    surface.id = id;
    surface.rt_format = rt_format_;
    surface.width = width_;
    surface.height = height_;
    surfaces_.push_back(std::move(surface));
    if (!style_.export_before_decode) continue;
    if (Status exported = export_surface(surfaces_.back()); !exported) return exported;
  }
  return {};
}

bool VaClient::fits(const Surface& surface) const {
  return surface.width == width_ && surface.height == height_ && surface.rt_format == rt_format_;
}

std::vector<VASurfaceID> VaClient::free_surfaces() const {
  std::vector<VASurfaceID> ids;
  for (const Surface& surface : surfaces_) {
    if (surface.picture.expired() && fits(surface)) ids.push_back(surface.id);
  }
  return ids;
}

// Surfaces of another size whose picture is gone.
void VaClient::destroy_stale_surfaces() {
  std::erase_if(surfaces_, [&](Surface& surface) {
    if (fits(surface) || !surface.picture.expired()) return false;
    display_->call(&VADriverVTable::vaDestroySurfaces, &surface.id, 1);
    return true;
  });
}

const VaClient::Surface* VaClient::find(const core::Picture& picture) const {
  const auto found = std::find_if(surfaces_.begin(), surfaces_.end(),
                                  [&](const Surface& s) { return s.picture_id == picture.id(); });
  return found == surfaces_.end() ? nullptr : &*found;
}

VaClient::Surface* VaClient::find(const core::Picture& picture) {
  return const_cast<Surface*>(std::as_const(*this).find(picture));
}

VASurfaceID VaClient::surface_of(const core::Picture& picture) const {
  const Surface* surface = find(picture);
  return surface ? surface->id : VA_INVALID_SURFACE;
}

Result<VASurfaceID> VaClient::assign_surface(const std::shared_ptr<core::Picture>& picture) {
  if (Surface* surface = find(*picture)) return surface->id;
  const auto find_free = [&] {
    return std::find_if(surfaces_.begin(), surfaces_.end(),
                        [&](const Surface& s) { return s.picture.expired() && fits(s); });
  };
  auto free = find_free();
  if (free == surfaces_.end()) {
    destroy_stale_surfaces();
    if (Status created = create_surfaces(1); !created) return created.error();
    free = find_free();
  }
  free->picture = picture;
  free->picture_id = picture->id();
  return free->id;
}

Status VaClient::export_surface(Surface& surface) {
  if (surface.permanent) return {};
  // Firefox asks for read-only, GStreamer for both.
  const uint32_t access =
      style_.export_before_decode ? VA_EXPORT_SURFACE_READ_WRITE : VA_EXPORT_SURFACE_READ_ONLY;
  VAStatus status = VA_STATUS_SUCCESS;
  Result<std::unique_ptr<ExportedSurface>> exported = ExportedSurface::open(
      *display_, surface.id, access | VA_EXPORT_SURFACE_SEPARATE_LAYERS, &status);
  if (exported) {
    surface.permanent = std::move(exported).value();
    ++exports_;
    return {};
  }
  if (status != VA_STATUS_ERROR_OPERATION_FAILED) return exported.error();
  Result<std::unique_ptr<DerivedSurface>> derived = DerivedSurface::open(display_, surface.id);
  if (!derived) return derived.error();
  surface.permanent = std::move(derived).value();
  ++exports_derived_;
  return {};
}

Result<VABufferID> VaClient::create_buffer(const ParameterBuffer& buffer) {
  VABufferID id = VA_INVALID_ID;
  void* data = style_.map_buffers ? nullptr : const_cast<uint8_t*>(buffer.bytes.data());
  if (Status created =
          display_->check(display_->call(&VADriverVTable::vaCreateBuffer, context_, buffer.type,
                                         buffer.element_size, buffer.elements, data, &id),
                          "vaCreateBuffer");
      !created)
    return created.error();
  if (!style_.map_buffers) return id;
  void* mapped = nullptr;
  VAStatus status = display_->call(&VADriverVTable::vaMapBuffer, id, &mapped);
  if (status == VA_STATUS_SUCCESS) {
    std::memcpy(mapped, buffer.bytes.data(), buffer.bytes.size());
    status = display_->call(&VADriverVTable::vaUnmapBuffer, id);
  }
  if (Status filled = display_->check(status, "vaMapBuffer"); !filled) {
    destroy_buffers({id});
    return filled.error();
  }
  return id;
}

Result<std::vector<VABufferID>> VaClient::create_buffers(
    const std::vector<ParameterBuffer>& buffers) {
  std::vector<VABufferID> ids;
  for (const ParameterBuffer& buffer : buffers) {
    const Result<VABufferID> id = create_buffer(buffer);
    if (!id) {
      destroy_buffers(ids);
      return id.error();
    }
    ids.push_back(*id);
  }
  return ids;
}

void VaClient::destroy_buffers(const std::vector<VABufferID>& buffers) {
  for (VABufferID id : buffers) display_->call(&VADriverVTable::vaDestroyBuffer, id);
}

Status VaClient::render(const std::vector<VABufferID>& buffers) {
  std::vector<VABufferID> ids = buffers;
  if (!style_.render_one_by_one) {
    return display_->check(display_->call(&VADriverVTable::vaRenderPicture, context_, ids.data(),
                                          static_cast<int>(ids.size())),
                           "vaRenderPicture");
  }
  for (VABufferID& id : ids) {
    if (Status rendered = display_->check(
            display_->call(&VADriverVTable::vaRenderPicture, context_, &id, 1), "vaRenderPicture");
        !rendered)
      return rendered;
  }
  return {};
}

Status VaClient::render_picture(VASurfaceID target, const std::vector<VABufferID>& picture,
                                const std::vector<VABufferID>& slices) {
  if (Status begun = display_->check(
          display_->call(&VADriverVTable::vaBeginPicture, context_, target), "vaBeginPicture");
      !begun)
    return begun;
  Status rendered = render(picture);
  if (rendered) rendered = render(slices);
  if (style_.destroy_before_end) {
    destroy_buffers(picture);
    destroy_buffers(slices);
  }
  const Status ended =
      display_->check(display_->call(&VADriverVTable::vaEndPicture, context_), "vaEndPicture");
  return rendered ? ended : rendered;
}

Status VaClient::submit(VASurfaceID target, const PictureBuffers& buffers) {
  const Result<std::vector<VABufferID>> picture = create_buffers(buffers.picture);
  if (!picture) return picture.error();
  const Result<std::vector<VABufferID>> slices = create_buffers(buffers.slices);
  if (!slices) {
    destroy_buffers(*picture);
    return slices.error();
  }
  Status decoded = render_picture(target, *picture, *slices);
  if (!style_.destroy_before_end) {
    destroy_buffers(*picture);
    destroy_buffers(*slices);
  }
  return decoded;
}

Status VaClient::decode(const core::DecodeJob& job) {
  if (Status valid = core::validate(job); !valid) return valid;
  const Result<core::Profile> profile = profile_of(job);
  if (!profile) return profile.error();
  const auto [width, height] = surface_size(job);
  const unsigned int rt_format = rt_format_of(job);
  if (context_ == VA_INVALID_ID || profile_ != *profile || rt_format_ != rt_format ||
      width_ != width || height_ != height) {
    if (Status configured = configure(*profile, rt_format, width, height); !configured) {
      return configured;
    }
  }
  const Result<VASurfaceID> target = assign_surface(job.target);
  if (!target) return target.error();
  Status assigned;
  const SurfaceOf surface_of = [&](const std::shared_ptr<core::Picture>& picture) {
    if (!picture) return VASurfaceID{VA_INVALID_SURFACE};
    Result<VASurfaceID> id = assign_surface(picture);
    if (!id) assigned = id.error();
    return id ? *id : VASurfaceID{VA_INVALID_SURFACE};
  };
  const Result<PictureBuffers> buffers = builder_.build(job, surface_of, style_);
  if (!buffers) return buffers.error();
  if (!assigned) return assigned;
  Status decoded = submit(*target, *buffers);
  builder_.finish(job);
  return decoded;
}

Status VaClient::sync(const core::Picture& picture) {
  const Surface* surface = find(picture);
  if (!surface) return Error{ErrorCode::kNotFound, "the picture has no surface"};
  return display_->check(display_->call(&VADriverVTable::vaSyncSurface, surface->id),
                         "vaSyncSurface");
}

Status VaClient::read(const core::Picture& picture, const core::Rect& visible,
                      core::ImageFormat format, std::vector<uint8_t>& out) {
  Surface* surface = find(picture);
  if (!surface) return Error{ErrorCode::kNotFound, "the picture has no surface"};
  const bool exports = style_.read_back == ReadBack::kExport;
  if (exports && style_.export_before_sync) {
    if (Status exported = export_surface(*surface); !exported) return exported;
  }
  if (style_.sync) {
    if (Status synced = sync(picture); !synced) return synced;
  }
  return exports ? read_exported(*surface, visible, format, out)
                 : read_image(*surface, visible, format, out);
}

Status VaClient::read_exported(Surface& surface, const core::Rect& visible,
                               core::ImageFormat format, std::vector<uint8_t>& out) {
  if (Status exported = export_surface(surface); !exported) return exported;
  surface.permanent->begin_cpu_read();
  Status read = cut(surface.permanent->pixels(), visible, format, out);
  surface.permanent->end_cpu_read();
  return read;
}

}  // namespace daedalus::va_client
