#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace daedalus {
namespace {

LogLevel level_from_environment() {
  const char* text = ::secure_getenv("DAEDALUS_LOG");
  const std::string_view name = text != nullptr ? text : "";
  if (name == "error") return LogLevel::kError;
  if (name == "info") return LogLevel::kInfo;
  if (name == "debug") return LogLevel::kDebug;
  return LogLevel::kWarning;
}

}  // namespace

LogLevel log_level() {
  static const LogLevel level = level_from_environment();
  return level;
}

bool log_enabled(LogLevel level) { return level <= log_level(); }

void log(LogLevel level, const char* format, ...) {
  if (!log_enabled(level)) return;
  constexpr std::array<const char*, 4> kNames = {"error", "warning", "info", "debug"};
  std::array<char, 1024> line;
  const int prefix =
      std::snprintf(line.data(), line.size(), "daedalus: %s: ", kNames[static_cast<size_t>(level)]);
  const size_t room = line.size() - static_cast<size_t>(prefix) - 1;
  va_list arguments;
  va_start(arguments, format);
  const int text = std::vsnprintf(line.data() + prefix, room, format, arguments);
  va_end(arguments);
  size_t length = static_cast<size_t>(prefix);
  if (text > 0) length += std::min(static_cast<size_t>(text), room - 1);
  line[length++] = '\n';
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), length);
}

}  // namespace daedalus
