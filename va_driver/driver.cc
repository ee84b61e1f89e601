#include "va_driver/driver.h"

#include <new>
#include <utility>

#include "va_driver/buffer.h"
#include "va_driver/config.h"
#include "va_driver/context.h"
#include "va_driver/display.h"
#include "va_driver/display_attributes.h"
#include "va_driver/entry.h"
#include "va_driver/export.h"
#include "va_driver/image.h"
#include "va_driver/surface.h"

namespace daedalus::va {
namespace {

VAStatus terminate(VADriverContextP context) noexcept {
  if (!context) return VA_STATUS_ERROR_INVALID_DISPLAY;
  try {
    delete static_cast<Display*>(std::exchange(context->pDriverData, nullptr));
  } catch (...) {
    return VA_STATUS_ERROR_OPERATION_FAILED;
  }
  return VA_STATUS_SUCCESS;
}

void fill_decoding(VADriverVTable& table) {
  table.vaTerminate = terminate;
  table.vaQueryConfigProfiles = Entry<query_config_profiles>::call;
  table.vaQueryConfigEntrypoints = Entry<query_config_entrypoints>::call;
  table.vaGetConfigAttributes = Entry<get_config_attributes>::call;
  table.vaCreateConfig = Entry<create_config>::call;
  table.vaDestroyConfig = Entry<destroy_config>::call;
  table.vaQueryConfigAttributes = Entry<query_config_attributes>::call;
  table.vaCreateContext = Entry<create_context>::call;
  table.vaDestroyContext = Entry<destroy_context>::call;
  table.vaCreateBuffer = Entry<create_buffer>::call;
  table.vaBufferSetNumElements = Entry<buffer_set_num_elements>::call;
  table.vaMapBuffer = Entry<map_buffer>::call;
  table.vaUnmapBuffer = Entry<unmap_buffer>::call;
  table.vaDestroyBuffer = Entry<destroy_buffer>::call;
  table.vaBufferInfo = Entry<buffer_info>::call;
  table.vaBeginPicture = Entry<begin_picture>::call;
  table.vaRenderPicture = Entry<render_picture>::call;
  table.vaEndPicture = Entry<end_picture>::call;
}

void fill_surfaces_and_images(VADriverVTable& table) {
  table.vaCreateSurfaces = Entry<create_surfaces>::call;
  table.vaCreateSurfaces2 = Entry<create_surfaces2>::call;
  table.vaDestroySurfaces = Entry<destroy_surfaces>::call;
  table.vaQuerySurfaceAttributes = Entry<query_surface_attributes>::call;
  table.vaSyncSurface = Entry<sync_surface>::call;
  table.vaSyncSurface2 = Entry<sync_surface2>::call;
  table.vaQuerySurfaceStatus = Entry<query_surface_status>::call;
  table.vaQuerySurfaceError = Entry<query_surface_error>::call;
  table.vaExportSurfaceHandle = Entry<export_surface_handle>::call;
  table.vaQueryImageFormats = Entry<query_image_formats>::call;
  table.vaCreateImage = Entry<create_image>::call;
  table.vaDeriveImage = Entry<derive_image>::call;
  table.vaDestroyImage = Entry<destroy_image>::call;
  table.vaGetImage = Entry<get_image>::call;
  table.vaPutImage = Entry<put_image>::call;
  table.vaQueryDisplayAttributes = Entry<query_display_attributes>::call;
  table.vaGetDisplayAttributes = Entry<get_display_attributes>::call;
  table.vaSetDisplayAttributes = Entry<set_display_attributes>::call;
  table.vaQuerySubpictureFormats = Entry<query_subpicture_formats>::call;
}

// vaSyncBuffer stays null: ffmpeg takes its presence for asynchronous encoding. libva answers for
// the slots of later versions, vaMapBuffer2 among them.
void fill_unimplemented(VADriverVTable& table) {
  table.vaPutSurface = unimplemented;
  table.vaSetImagePalette = unimplemented;
  table.vaCreateSubpicture = unimplemented;
  table.vaDestroySubpicture = unimplemented;
  table.vaSetSubpictureImage = unimplemented;
  table.vaSetSubpictureChromakey = unimplemented;
  table.vaSetSubpictureGlobalAlpha = unimplemented;
  table.vaAssociateSubpicture = unimplemented;
  table.vaDeassociateSubpicture = unimplemented;
  table.vaLockSurface = unimplemented;
  table.vaUnlockSurface = unimplemented;
  table.vaGetSurfaceAttributes = unimplemented;
  table.vaAcquireBufferHandle = unimplemented;
  table.vaReleaseBufferHandle = unimplemented;
  table.vaCreateMFContext = unimplemented;
  table.vaMFAddContext = unimplemented;
  table.vaMFReleaseContext = unimplemented;
  table.vaMFSubmit = unimplemented;
  table.vaCreateBuffer2 = unimplemented;
  table.vaQueryProcessingRate = unimplemented;
  table.vaCopy = unimplemented;
}

}  // namespace

VAStatus initialise(VADriverContextP context, std::shared_ptr<core::Core> core) {
  auto display = std::make_unique<Display>(std::move(core));
  fill_decoding(*context->vtable);
  fill_surfaces_and_images(*context->vtable);
  fill_unimplemented(*context->vtable);
  context->version_major = VA_MAJOR_VERSION;
  context->version_minor = VA_MINOR_VERSION;
  context->max_profiles = static_cast<int>(config_profiles(*display).size());
  context->max_entrypoints = kMaxEntrypoints;
  context->max_attributes = kMaxConfigAttributes;
  context->max_image_formats = kMaxImageFormats;
  context->max_subpic_formats = kMaxSubpictureFormats;
  context->max_display_attributes = kMaxDisplayAttributes;
  context->str_vendor = display->vendor().c_str();
  context->pDriverData = display.release();
  return VA_STATUS_SUCCESS;
}

}  // namespace daedalus::va

extern "C" [[gnu::visibility("default")]] VAStatus __vaDriverInit_1_0(VADriverContextP context) {
  if (!context || !context->vtable) return VA_STATUS_ERROR_INVALID_PARAMETER;
  try {
    return daedalus::va::initialise(context, daedalus::core::Core::shared());
  } catch (const std::bad_alloc&) {
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
  } catch (...) {
    return VA_STATUS_ERROR_OPERATION_FAILED;
  }
}
