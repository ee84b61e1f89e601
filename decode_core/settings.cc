#include "decode_core/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/log.h"
#include "base/statistics.h"
#include "gpu_kernels/substrate.h"

namespace daedalus::core {
namespace {

std::string_view environment(const char* name) {
  const char* text = ::secure_getenv(name);
  return text != nullptr ? text : "";
}

template <size_t N>
void read_choice(const char* name, const std::array<std::string_view, N>& allowed,
                 std::string& value) {
  const std::string_view text = environment(name);
  if (text.empty()) return;
  if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
    std::string list;
    for (std::string_view word : allowed) list.append(" ").append(word);
    log(LogLevel::kWarning, "%s=%.*s is ignored; allowed:%s", name, static_cast<int>(text.size()),
        text.data(), list.c_str());
    return;
  }
  value = text;
}

}  // namespace

Settings Settings::from_environment() {
  Settings settings;
  read_choice("DAEDALUS_BACKEND", std::array<std::string_view, 2>{"auto", "software"},
              settings.backend);
  read_choice("DAEDALUS_ENGINE", std::array<std::string_view, 2>{"auto", "libavcodec"},
              settings.engine);
  if (const std::string_view text = environment("DAEDALUS_SUBSTRATE"); !text.empty()) {
    if (auto choice = gpu_kernels::parse_substrate_choice(text); choice) {
      settings.substrate = *choice;
    } else {
      log(LogLevel::kWarning, "DAEDALUS_SUBSTRATE is ignored: %s", choice.error().message.c_str());
    }
  }
  if (const std::string_view text = environment("DAEDALUS_THREADS"); !text.empty()) {
    int threads = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
    if (error == std::errc{} && end == text.data() + text.size() && threads >= 0 && threads <= 64) {
      settings.threads = threads;
    } else {
      log(LogLevel::kWarning, "DAEDALUS_THREADS is ignored: it is not a number from 0 to 64");
    }
  }
  settings.record = environment("DAEDALUS_RECORD");
  const std::string_view folder = environment("DAEDALUS_STATS");
  settings.sweep_statistics = folder.empty();
  settings.statistics_folder = folder.empty() ? default_statistics_folder() : std::string(folder);
  return settings;
}

}  // namespace daedalus::core
