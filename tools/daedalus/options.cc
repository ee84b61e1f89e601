#include "tools/daedalus/options.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace daedalus::tool {

const char* system_driver_folder() {
#if defined(__aarch64__)
  return "/usr/lib/aarch64-linux-gnu/dri";
#else
  return "/usr/lib/x86_64-linux-gnu/dri";
#endif
}

bool Options::flag(std::string_view name) {
  const auto end = std::remove(rest_.begin(), rest_.end(), "--" + std::string(name));
  const bool found = end != rest_.end();
  rest_.erase(end, rest_.end());
  return found;
}

std::optional<std::string> Options::value(std::string_view name) {
  const std::string option = "--" + std::string(name);
  std::optional<std::string> found;
  for (auto argument = rest_.begin(); argument != rest_.end();) {
    if (argument->starts_with(option + "=")) {
      found = argument->substr(option.size() + 1);
      argument = rest_.erase(argument);
    } else if (*argument == option) {
      argument = rest_.erase(argument);
      if (argument == rest_.end()) {
        error_ = option + " needs a value";
      } else {
        found = *argument;
        argument = rest_.erase(argument);
      }
    } else {
      ++argument;
    }
  }
  return found;
}

Result<std::vector<std::string>> Options::operands() const {
  if (!error_.empty()) return Error{ErrorCode::kInvalidArgument, error_};
  for (const std::string& argument : rest_) {
    if (argument.size() > 1 && argument.front() == '-') {
      return Error{ErrorCode::kInvalidArgument, "unknown option " + argument};
    }
  }
  return rest_;
}

std::string default_driver_path() {
  constexpr const char* kName = "daedalus_drv_video.so";
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  // bazel-bin/tools/daedalus/daedalus and bazel-bin/va_driver/daedalus_drv_video.so
  const auto built = program.parent_path() / "../../va_driver" / kName;
  if (std::filesystem::exists(built, error)) return built.lexically_normal().string();
  return (std::filesystem::path(system_driver_folder()) / kName).string();
}

int fail(const std::string& message, int status) {
  std::fprintf(stderr, "daedalus: %s\n", message.c_str());
  return status;
}

}  // namespace daedalus::tool
