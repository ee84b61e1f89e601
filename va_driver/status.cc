#include "va_driver/status.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <utility>

#include "base/log.h"

namespace daedalus::va {
namespace {

using core::Profile;

constexpr std::array<std::pair<VAProfile, Profile>, 11> kProfiles = {{
    {VAProfileMPEG2Simple, Profile::kMpeg2Simple},
    {VAProfileMPEG2Main, Profile::kMpeg2Main},
    {VAProfileH264ConstrainedBaseline, Profile::kH264ConstrainedBaseline},
    {VAProfileH264Main, Profile::kH264Main},
    {VAProfileH264High, Profile::kH264High},
    {VAProfileVP8Version0_3, Profile::kVp8},
    {VAProfileVP9Profile0, Profile::kVp9Profile0},
    {VAProfileVP9Profile2, Profile::kVp9Profile2},
    {VAProfileHEVCMain, Profile::kHevcMain},
    {VAProfileHEVCMain10, Profile::kHevcMain10},
    {VAProfileAV1Profile0, Profile::kAv1Main},
}};

thread_local VADriverContextP current_context = nullptr;

}  // namespace

CallScope::CallScope(VADriverContextP context) { current_context = context; }
CallScope::~CallScope() { current_context = nullptr; }

VAStatus status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return VA_STATUS_ERROR_INVALID_PARAMETER;
    case ErrorCode::kUnsupported:
      return VA_STATUS_ERROR_UNIMPLEMENTED;
    case ErrorCode::kCorrupt:
      return VA_STATUS_ERROR_DECODING_ERROR;
    case ErrorCode::kOutOfMemory:
      return VA_STATUS_ERROR_ALLOCATION_FAILED;
    case ErrorCode::kBusy:
      return VA_STATUS_ERROR_HW_BUSY;
    case ErrorCode::kTimeout:
      return VA_STATUS_ERROR_TIMEDOUT;
    case ErrorCode::kNotFound:
    case ErrorCode::kSystem:
    case ErrorCode::kInternal:
      break;
  }
  return VA_STATUS_ERROR_OPERATION_FAILED;
}

VAStatus refuse(VAStatus status, const char* format, ...) {
  const bool tell = current_context && current_context->info_callback;
  if (!tell && !log_enabled(LogLevel::kInfo)) return status;
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(message, sizeof message - 1, format, arguments);
  va_end(arguments);
  if (length < 0) return status;
  log(LogLevel::kInfo, "va: %s (VAStatus 0x%x)", message, static_cast<unsigned>(status));
  if (tell) {
    // libva's own printer wants the end of the line.
    const auto end = std::min<size_t>(length, sizeof message - 2);
    message[end] = '\n';
    message[end + 1] = '\0';
    current_context->info_callback(current_context, message);
  }
  return status;
}

VAStatus refuse(const Error& error) {
  return refuse(status_of(error.code), "%s", error.message.c_str());
}

VAProfile va_profile_of(core::Profile profile) {
  for (const auto& [va, ours] : kProfiles) {
    if (ours == profile) return va;
  }
  return VAProfileNone;
}

}  // namespace daedalus::va
