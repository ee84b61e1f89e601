// Result<T>: a value or an Error, for the borders of every module.
#ifndef DAEDALUS_BASE_RESULT_H_
#define DAEDALUS_BASE_RESULT_H_

#include <string>
#include <utility>
#include <variant>

namespace daedalus {

enum class ErrorCode {
  kInvalidArgument,  // the caller's values contradict each other or the standard
  kUnsupported,      // valid, but not something this build or device does
  kCorrupt,          // the bitstream is damaged
  kOutOfMemory,      // an allocation failed, or a bound on memory was reached
  kNotFound,         // no such object, file or device
  kBusy,             // try again when the present use has ended
  kTimeout,          // the deadline passed; the operation goes on
  kSystem,           // a system call failed; the message carries errno's text
  kInternal,         // our bug
};

// What was wrong, where, and what to do about it.
struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

// An error of a failed system call: "what: strerror(errno)". Reads errno.
Error system_error(std::string what);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : storage_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : storage_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return storage_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Only while ok().
  T& value() & { return std::get<0>(storage_); }
  const T& value() const& { return std::get<0>(storage_); }
  T&& value() && { return std::get<0>(std::move(storage_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Only while !ok().
  const Error& error() const { return std::get<1>(storage_); }

 private:
  std::variant<T, Error> storage_;
};

// The result of an operation that returns nothing.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  // Only while !ok().
  const Error& error() const { return error_; }

 private:
  Error error_;
  bool ok_ = true;
};

}  // namespace daedalus

#endif  // DAEDALUS_BASE_RESULT_H_
