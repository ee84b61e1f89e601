#include "test/clients/va/client_style.h"

#include <algorithm>
#include <array>

namespace daedalus::va_client {
namespace {

const std::array kStyles = {
    ClientStyle{},
    ClientStyle{.name = "ffmpeg-derive", .read_back = ReadBack::kDeriveImage},
    ClientStyle{.name = "vlc", .pool_size = 21, .probe_first = false},
    ClientStyle{.name = "gstreamer-vaapi",
                .probe_first = false,
                .map_buffers = true,
                .render_one_by_one = true,
                .destroy_before_end = true,
                .vp8_whole_frame = true,
                .read_back = ReadBack::kDeriveImage},
    ClientStyle{.name = "gstreamer-va",
                .pool_before_context = false,
                .probe_first = false,
                .vp8_whole_frame = true,
                .export_before_decode = true,
                .read_back = ReadBack::kExport},
    ClientStyle{.name = "firefox", .export_before_sync = true, .read_back = ReadBack::kExport},
    ClientStyle{.name = "chromium",
                .pool_before_context = false,
                .probe_first = false,
                .export_before_decode = true,
                .sync = false,
                .read_back = ReadBack::kExport},
    ClientStyle{.name = "shared-slices", .probe_first = false, .share_slice_buffers = true},
};

}  // namespace

std::span<const ClientStyle> client_styles() { return kStyles; }

const ClientStyle& client_style(std::string_view name) {
  const auto found = std::find_if(kStyles.begin(), kStyles.end(),
                                  [&](const ClientStyle& style) { return style.name == name; });
  return found == kStyles.end() ? kStyles.front() : *found;
}

}  // namespace daedalus::va_client
