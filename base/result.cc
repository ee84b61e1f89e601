#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace daedalus {

Error system_error(std::string what) {
  const int number = errno;
  return {ErrorCode::kSystem, std::move(what) + ": " + std::generic_category().message(number)};
}

}  // namespace daedalus
