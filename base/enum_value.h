// Enumerations that others filled, clients and libraries: they may know more values than our
// headers, or hold garbage, and C++ allows neither to be read as the enumeration's type.
#ifndef DAEDALUS_BASE_ENUM_VALUE_H_
#define DAEDALUS_BASE_ENUM_VALUE_H_

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace daedalus {

// The number behind an enumeration's value; anything else as it is.
template <typename Value>
auto plain(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    static_assert(sizeof(Value) == sizeof(int32_t));
    int32_t number;
    std::memcpy(&number, &value, sizeof number);
    return number;
  } else {
    return value;
  }
}

}  // namespace daedalus

#endif  // DAEDALUS_BASE_ENUM_VALUE_H_
