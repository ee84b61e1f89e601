#include "decode_core/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/statistics.h"

namespace daedalus::core {
namespace {

std::string_view environment(const char* name) {
  const char* text = ::secure_getenv(name);
  return text != nullptr ? text : "";
}

std::string cache_folder() {
  if (const std::string cache(environment("XDG_CACHE_HOME")); !cache.empty()) {
    return cache + "/daedalus";
  }
  const std::string home(environment("HOME"));
  return home.empty() ? "" : home + "/.cache/daedalus";
}

// Reads the variables one by one and keeps what was wrong with them.
class EnvironmentReader {
 public:
  void choice(const char* name, std::initializer_list<std::string_view> allowed,
              std::string& value) {
    const std::string_view text = environment(name);
    if (text.empty()) return;
    if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) {
      value = text;
      return;
    }
    std::string list;
    for (std::string_view word : allowed) list.append(" ").append(word);
    complain(name, text, "allowed:" + list);
  }

  // A device is named by its node.
  void backend(std::string& value) {
    constexpr const char* kName = "DAEDALUS_BACKEND";
    if (const std::string_view text = environment(kName); text.starts_with("hardware:/dev/")) {
      value = text;
    } else {
      choice(kName, {"auto", "software", "prefer-hardware", "hardware", "hardware:loopback"},
             value);
    }
  }

  void substrate(gpu_kernels::SubstrateChoice& value) {
    constexpr const char* kName = "DAEDALUS_SUBSTRATE";
    const std::string_view text = environment(kName);
    if (text.empty()) return;
    if (auto choice = gpu_kernels::parse_substrate_choice(text)) {
      value = *choice;
    } else {
      complain(kName, text, choice.error().message);
    }
  }

  void gpu(gpu_kernels::vulkan::DeviceChoice& value) {
    using gpu_kernels::vulkan::DeviceChoice;
    std::string word;
    choice("DAEDALUS_GPU", {"auto", "none", "software"}, word);
    if (word.empty()) return;
    value = word == "none"       ? DeviceChoice::kNone
            : word == "software" ? DeviceChoice::kSoftware
                                 : DeviceChoice::kAuto;
  }

  void goal(gpu_kernels::CostGoal& value) {
    std::string word;
    choice("DAEDALUS_GPU_GOAL", {"latency", "balanced", "cpu-free"}, word);
    if (const auto goal = gpu_kernels::parse_goal(word)) value = *goal;
  }

  void number(const char* name, int most, int& value) {
    const std::string_view text = environment(name);
    if (text.empty()) return;
    int parsed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
    if (error == std::errc{} && end == text.data() + text.size() && parsed >= 0 && parsed <= most) {
      value = parsed;
    } else {
      complain(name, text, "it is not a number from 0 to " + std::to_string(most));
    }
  }

  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void complain(const char* name, std::string_view text, const std::string& reason) {
    complaints_.push_back(std::string(name) + "=" + std::string(text) + " is wrong: " + reason);
  }

  std::vector<std::string> complaints_;
};

Settings read(EnvironmentReader& reader) {
  Settings settings;
  reader.backend(settings.backend);
  reader.choice("DAEDALUS_ENGINE", {"auto", "libavcodec", "dav1d", "native"}, settings.engine);
  reader.substrate(settings.substrate);
  reader.gpu(settings.gpu);
  reader.goal(settings.gpu_goal);
  settings.cache_folder = cache_folder();
  reader.number("DAEDALUS_THREADS", 64, settings.threads);
  settings.record = environment("DAEDALUS_RECORD");
  const std::string_view folder = environment("DAEDALUS_STATS");
  settings.sweep_statistics = folder.empty();
  settings.statistics_folder = folder.empty() ? default_statistics_folder() : std::string(folder);
  return settings;
}

}  // namespace

Settings Settings::from_environment() {
  EnvironmentReader reader;
  Settings settings = read(reader);
  for (const std::string& complaint : reader.complaints()) {
    log(LogLevel::kWarning, "%s; ignored", complaint.c_str());
  }
  return settings;
}

Result<Settings> Settings::parse_environment() {
  EnvironmentReader reader;
  Settings settings = read(reader);
  if (reader.complaints().empty()) return settings;
  return Error{ErrorCode::kInvalidArgument, reader.complaints().front()};
}

}  // namespace daedalus::core
