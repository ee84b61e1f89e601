#include "test/clients/va/display.h"

#include <dlfcn.h>
#include <fcntl.h>

#include <cstdio>

namespace daedalus::va_client {
namespace {

// VA_DISPLAY_DRM_RENDERNODES of va_internal headers: what libva-drm announces for
// /dev/dri/renderD*.
constexpr unsigned long kDisplayTypeRenderNode = 0x31;

UniqueFd open_render_node() {
  for (int minor = 128; minor < 136; ++minor) {
    const std::string path = "/dev/dri/renderD" + std::to_string(minor);
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (fd.valid()) return fd;
  }
  return {};
}

std::string_view short_name(VAStatus status) {
  switch (status) {
    case VA_STATUS_SUCCESS:
      return "SUCCESS";
    case VA_STATUS_ERROR_OPERATION_FAILED:
      return "OPERATION_FAILED";
    case VA_STATUS_ERROR_ALLOCATION_FAILED:
      return "ALLOCATION_FAILED";
    case VA_STATUS_ERROR_INVALID_DISPLAY:
      return "INVALID_DISPLAY";
    case VA_STATUS_ERROR_INVALID_CONFIG:
      return "INVALID_CONFIG";
    case VA_STATUS_ERROR_INVALID_CONTEXT:
      return "INVALID_CONTEXT";
    case VA_STATUS_ERROR_INVALID_SURFACE:
      return "INVALID_SURFACE";
    case VA_STATUS_ERROR_INVALID_BUFFER:
      return "INVALID_BUFFER";
    case VA_STATUS_ERROR_INVALID_IMAGE:
      return "INVALID_IMAGE";
    case VA_STATUS_ERROR_INVALID_SUBPICTURE:
      return "INVALID_SUBPICTURE";
    case VA_STATUS_ERROR_ATTR_NOT_SUPPORTED:
      return "ATTR_NOT_SUPPORTED";
    case VA_STATUS_ERROR_MAX_NUM_EXCEEDED:
      return "MAX_NUM_EXCEEDED";
    case VA_STATUS_ERROR_UNSUPPORTED_PROFILE:
      return "UNSUPPORTED_PROFILE";
    case VA_STATUS_ERROR_UNSUPPORTED_ENTRYPOINT:
      return "UNSUPPORTED_ENTRYPOINT";
    case VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT:
      return "UNSUPPORTED_RT_FORMAT";
    case VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE:
      return "UNSUPPORTED_BUFFERTYPE";
    case VA_STATUS_ERROR_SURFACE_BUSY:
      return "SURFACE_BUSY";
    case VA_STATUS_ERROR_FLAG_NOT_SUPPORTED:
      return "FLAG_NOT_SUPPORTED";
    case VA_STATUS_ERROR_INVALID_PARAMETER:
      return "INVALID_PARAMETER";
    case VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED:
      return "RESOLUTION_NOT_SUPPORTED";
    case VA_STATUS_ERROR_UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case VA_STATUS_ERROR_INVALID_IMAGE_FORMAT:
      return "INVALID_IMAGE_FORMAT";
    case VA_STATUS_ERROR_DECODING_ERROR:
      return "DECODING_ERROR";
    case VA_STATUS_ERROR_INVALID_VALUE:
      return "INVALID_VALUE";
    case VA_STATUS_ERROR_UNSUPPORTED_MEMORY_TYPE:
      return "UNSUPPORTED_MEMORY_TYPE";
    case VA_STATUS_ERROR_NOT_ENOUGH_BUFFER:
      return "NOT_ENOUGH_BUFFER";
    case VA_STATUS_ERROR_TIMEDOUT:
      return "TIMEDOUT";
    default:
      return "another status";
  }
}

}  // namespace

std::string status_name(VAStatus status) {
  char number[16];
  std::snprintf(number, sizeof(number), "0x%x", static_cast<unsigned>(status));
  return std::string(number) + " (" + std::string(short_name(status)) + ")";
}

Display::Display() : render_node_(open_render_node()) {
  drm_.fd = render_node_.get();
  drm_.auth_type = VA_DRM_AUTH_CUSTOM;
  display_.vadpy_magic = VA_DISPLAY_MAGIC;
  display_.pDriverContext = &context_;
  display_.opaque = this;
  context_.vtable = &vtable_;
  context_.vtable_vpp = &vtable_vpp_;
  context_.drm_state = &drm_;
  context_.display_type = kDisplayTypeRenderNode;
  context_.version_major = VA_MAJOR_VERSION;
  context_.version_minor = VA_MINOR_VERSION;
  context_.pDisplayContext = &display_;
  context_.error_callback = take_message;
  context_.info_callback = take_message;
}

Display::~Display() {
  if (started_ && vtable_.vaTerminate) vtable_.vaTerminate(&context_);
}

Result<std::shared_ptr<Display>> Display::load(const std::string& path) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
  if (!library) {
    const char* reason = ::dlerror();
    return Error{ErrorCode::kNotFound,
                 "cannot load the VA driver " + path + ": " + (reason ? reason : "unknown")};
  }
  auto init = reinterpret_cast<VADriverInit>(::dlsym(library, "__vaDriverInit_1_0"));
  ::dlclose(library);
  if (!init) return Error{ErrorCode::kNotFound, path + " has no __vaDriverInit_1_0"};
  return start(init);
}

Result<std::shared_ptr<Display>> Display::start(VADriverInit init) {
  std::shared_ptr<Display> display(new Display());
  if (Status started = display->start_driver(init); !started) return started.error();
  return display;
}

Status Display::start_driver(VADriverInit init) {
  if (Status status = check(init(&context_), "__vaDriverInit"); !status) return status;
  started_ = true;
  return check_driver();
}

// What libva refuses a driver for (va_openDriver).
Status Display::check_driver() const {
  const VADriverVTable& v = vtable_;
  const bool complete =
      v.vaTerminate && v.vaQueryConfigProfiles && v.vaQueryConfigEntrypoints &&
      v.vaQueryConfigAttributes && v.vaCreateConfig && v.vaDestroyConfig &&
      v.vaGetConfigAttributes && v.vaCreateSurfaces && v.vaDestroySurfaces && v.vaCreateContext &&
      v.vaDestroyContext && v.vaCreateBuffer && v.vaBufferSetNumElements && v.vaMapBuffer &&
      v.vaUnmapBuffer && v.vaDestroyBuffer && v.vaBeginPicture && v.vaRenderPicture &&
      v.vaEndPicture && v.vaSyncSurface && v.vaQuerySurfaceStatus && v.vaPutSurface &&
      v.vaQueryImageFormats && v.vaCreateImage && v.vaDeriveImage && v.vaDestroyImage &&
      v.vaSetImagePalette && v.vaGetImage && v.vaPutImage && v.vaQuerySubpictureFormats &&
      v.vaCreateSubpicture && v.vaDestroySubpicture && v.vaSetSubpictureImage &&
      v.vaSetSubpictureChromakey && v.vaSetSubpictureGlobalAlpha && v.vaAssociateSubpicture &&
      v.vaDeassociateSubpicture && v.vaQueryDisplayAttributes && v.vaGetDisplayAttributes &&
      v.vaSetDisplayAttributes;
  if (!complete) return Error{ErrorCode::kInternal, "the driver left a required entry NULL"};
  if (context_.max_profiles <= 0 || context_.max_entrypoints <= 0 || context_.max_attributes <= 0 ||
      context_.max_image_formats <= 0 || context_.max_subpic_formats <= 0 || !context_.str_vendor) {
    return Error{ErrorCode::kInternal, "the driver announces a count of 0 or no vendor"};
  }
  return {};
}

void Display::take_message(VADriverContextP context, const char* message) {
  auto* display =
      static_cast<Display*>(static_cast<VADisplayContext*>(context->pDisplayContext)->opaque);
  const std::lock_guard lock(display->mutex_);
  display->message_ = message;
}

std::string Display::last_message() {
  const std::lock_guard lock(mutex_);
  return message_;
}

Status Display::check(VAStatus status, std::string_view call) {
  if (status == VA_STATUS_SUCCESS) return {};
  std::string text = std::string(call) + ": VA status " + status_name(status);
  if (const std::string message = last_message(); !message.empty()) text += "; " + message;
  return Error{ErrorCode::kSystem, std::move(text)};
}

}  // namespace daedalus::va_client
