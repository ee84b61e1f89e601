// Options: a small reader of "--name value", "--name=value" and "--flag".
#ifndef DAEDALUS_TOOLS_DAEDALUS_OPTIONS_H_
#define DAEDALUS_TOOLS_DAEDALUS_OPTIONS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace daedalus::tool {

// Takes options out of the arguments; what is left are the operands.
class Options {
 public:
  explicit Options(std::vector<std::string> arguments) : rest_(std::move(arguments)) {}

  // True once for each "--name" present.
  bool flag(std::string_view name);
  // The value of the last "--name value"; an option without its value is remembered as an error.
  std::optional<std::string> value(std::string_view name);
  // The operands; an error names what was not understood.
  Result<std::vector<std::string>> operands() const;

 private:
  std::vector<std::string> rest_;
  std::string error_;
};

// Where the VA driver lies: beside this program's build, else where libva looks for drivers.
std::string default_driver_path();
// Debian's folder of libva drivers for this architecture.
const char* system_driver_folder();

// "daedalus: message" on standard error; returns `status`.
int fail(const std::string& message, int status = 1);

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_OPTIONS_H_
