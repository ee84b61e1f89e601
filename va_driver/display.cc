#include "va_driver/display.h"

#include <utility>

#include "decode_core/memory/surface_memory.h"
#include "decode_core/settings.h"
#include "va_driver/buffer.h"
#include "va_driver/config.h"
#include "va_driver/context.h"
#include "va_driver/image.h"
#include "va_driver/surface.h"

namespace daedalus::va {
namespace {

constexpr const char* kVersion = "0.1";

std::string vendor_of(const core::Settings& settings) {
  const std::string engine = settings.engine == "auto" ? "" : ": " + settings.engine;
  return std::string("Daedalus ") + kVersion + " (software" + engine + ")";
}

}  // namespace

Display::Display(std::shared_ptr<core::Core> core)
    : core_(std::move(core)),
      storage_(std::make_shared<StoragePool>()),
      vendor_(vendor_of(core_->settings())),
      tables_(ObjectTable<Config>(ObjectKind::kConfig), ObjectTable<Context>(ObjectKind::kContext),
              ObjectTable<Surface>(ObjectKind::kSurface), ObjectTable<Buffer>(ObjectKind::kBuffer),
              ObjectTable<Image>(ObjectKind::kImage)) {}

Display::~Display() {
  for (const auto& context : table<Context>().take_all()) context->drain();
  for (const auto& surface : table<Surface>().take_all()) {
    if (const auto picture = surface->pixels.picture()) picture->wait();
  }
}

bool Display::surface_memory_is_cached() {
  std::call_once(memory_probed_, [this] {
    constexpr size_t kPage = 4096;
    const auto memory = core_->memory().allocate(kPage, false);
    memory_is_cached_ = memory.ok() && (*memory)->cached();
  });
  return memory_is_cached_;
}

}  // namespace daedalus::va
