// ClientStyle: how one kind of VA client uses the interface. Each value is a habit that was seen in
// a real program; a driver must serve every combination.
#ifndef DAEDALUS_TEST_CLIENTS_VA_CLIENT_STYLE_H_
#define DAEDALUS_TEST_CLIENTS_VA_CLIENT_STYLE_H_

#include <cstdint>
#include <span>
#include <string_view>

namespace daedalus::va_client {

enum class ReadBack : uint8_t {
  kGetImage,     // vaCreateImage, vaGetImage, vaMapBuffer
  kDeriveImage,  // vaDeriveImage; where that fails with OPERATION_FAILED, as kGetImage
  kExport,       // vaExportSurfaceHandle and mmap
};

// The defaults are those of ffmpeg.
struct ClientStyle {
  std::string_view name = "ffmpeg";

  // Surfaces are made before the context and handed to vaCreateContext; else one by one, as
  // pictures need them, and the context gets none.
  bool pool_before_context = true;
  uint32_t pool_size = 20;
  // Asks for formats, profiles and surface attributes first, and whether vaDeriveImage works.
  bool probe_first = true;

  // vaCreateBuffer(data = NULL), then vaMapBuffer to fill it.
  bool map_buffers = false;
  // vaRenderPicture with one buffer at a time; else the picture's buffers in one call and those of
  // all slices in another.
  bool render_one_by_one = false;
  // vaDestroyBuffer after vaRenderPicture; else after vaEndPicture.
  bool destroy_before_end = false;
  // All slices in one parameter buffer of several elements and one data buffer.
  bool share_slice_buffers = false;
  // VP8: the slice data begin with the frame tag, which slice_data_offset skips, and
  // slice_data_size counts it in all the same (GStreamer); else the tag is cut off.
  bool vp8_whole_frame = false;

  // vaExportSurfaceHandle right after a surface was made, before anything was decoded into it.
  bool export_before_decode = false;
  // Reading back by kExport: the surface is exported first and waited for afterwards.
  bool export_before_sync = false;
  // vaSyncSurface before pixels are read.
  bool sync = true;
  ReadBack read_back = ReadBack::kGetImage;
};

// "ffmpeg", "ffmpeg-derive", "vlc", "gstreamer-vaapi", "gstreamer-va", "firefox", "chromium",
// "shared-slices".
std::span<const ClientStyle> client_styles();

// The style of that name; ffmpeg's if there is none.
const ClientStyle& client_style(std::string_view name);

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_CLIENT_STYLE_H_
