// Display: a VA driver in use, loaded the way libva does it but without libva: no DRM node needed,
// and nothing between the test and the driver's entry table.
#ifndef DAEDALUS_TEST_CLIENTS_VA_DISPLAY_H_
#define DAEDALUS_TEST_CLIENTS_VA_DISPLAY_H_

#include <va/va.h>
#include <va/va_backend.h>
#include <va/va_backend_vpp.h>
#include <va/va_drmcommon.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace daedalus::va_client {

// "0x17 (DECODING_ERROR)".
std::string status_name(VAStatus status);

// As thread-safe as the driver.
class Display {
 public:
  // Loads the shared object and calls its __vaDriverInit_1_0. It stays loaded for ever, as with
  // libva.
  static Result<std::shared_ptr<Display>> load(const std::string& path);
  // For a driver that is linked in.
  static Result<std::shared_ptr<Display>> start(VADriverInit init);
  // vaTerminate. Whatever still lives in the driver dies with it.
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  // call(&VADriverVTable::vaSyncSurface, surface)
  template <typename... Parameters, typename... Arguments>
  VAStatus call(VAStatus (*VADriverVTable::*entry)(VADriverContextP, Parameters...),
                Arguments... arguments) {
    return (vtable_.*entry)(&context_, arguments...);
  }

  VADriverContext& context() { return context_; }
  const VADriverVTable& vtable() const { return vtable_; }

  // An error that names the call, the status and what the driver said last; ok for
  // VA_STATUS_SUCCESS.
  Status check(VAStatus status, std::string_view call);
  // The driver's last word through its error or info callback.
  std::string last_message();

 private:
  Display();
  Status start_driver(VADriverInit init);
  Status check_driver() const;
  static void take_message(VADriverContextP context, const char* message);

  VADriverVTable vtable_{};
  VADriverVTableVPP vtable_vpp_{};
  VADriverContext context_{};
  VADisplayContext display_{};
  drm_state drm_{};
  UniqueFd render_node_;
  bool started_ = false;
  std::mutex mutex_;
  std::string message_;
};

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_DISPLAY_H_
