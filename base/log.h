// Messages for the user, on standard error: "daedalus: …". The level comes from DAEDALUS_LOG
// (error, warning, info, debug; default warning). Any thread may log; one message is one write.
#ifndef DAEDALUS_BASE_LOG_H_
#define DAEDALUS_BASE_LOG_H_

#include <string_view>

namespace daedalus {

enum class LogLevel { kError, kWarning, kInfo, kDebug };

LogLevel log_level();
bool log_enabled(LogLevel level);

[[gnu::format(printf, 2, 3)]] void log(LogLevel level, const char* format, ...);

}  // namespace daedalus

#endif  // DAEDALUS_BASE_LOG_H_
