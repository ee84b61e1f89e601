// DriverUnderTest: the driver behind its own function table, without libva and without a device.
#ifndef DAEDALUS_TEST_VA_DRIVER_DRIVER_UNDER_TEST_H_
#define DAEDALUS_TEST_VA_DRIVER_DRIVER_UNDER_TEST_H_

#include <va/va.h>
#include <va/va_backend.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/va_driver/fake_core.h"
#include "va_driver/driver.h"

namespace daedalus::test {

class DriverUnderTest {
 public:
  DriverUnderTest() : core(std::make_shared<FakeCore>()) {
    context.vtable = &table;
    started = va::initialise(&context, core) == VA_STATUS_SUCCESS;
  }
  ~DriverUnderTest() {
    core->abandon();
    if (started) table.vaTerminate(&context);
  }
  DriverUnderTest(const DriverUnderTest&) = delete;
  DriverUnderTest& operator=(const DriverUnderTest&) = delete;

  // call(&VADriverVTable::vaSyncSurface, surface)
  template <typename... Parameters, typename... Arguments>
  VAStatus call(VAStatus (*VADriverVTable::*entry)(VADriverContextP, Parameters...),
                Arguments... arguments) {
    return (table.*entry)(&context, arguments...);
  }

  // VA_INVALID_ID if the driver refuses.
  VAConfigID config(VAProfile profile) {
    VAConfigID id = VA_INVALID_ID;
    call(&VADriverVTable::vaCreateConfig, profile, VAEntrypointVLD, nullptr, 0, &id);
    return id;
  }
  VAContextID decoder(VAProfile profile, int width = 64, int height = 64) {
    VAContextID id = VA_INVALID_ID;
    call(&VADriverVTable::vaCreateContext, config(profile), width, height, VA_PROGRESSIVE, nullptr,
         0, &id);
    return id;
  }
  VASurfaceID surface(unsigned int width = 64, unsigned int height = 64,
                      unsigned int rt_format = VA_RT_FORMAT_YUV420) {
    VASurfaceID id = VA_INVALID_ID;
    call(&VADriverVTable::vaCreateSurfaces2, rt_format, width, height, &id, 1u, nullptr, 0u);
    return id;
  }
  VABufferID buffer(VAContextID decoder, VABufferType type, const void* data, size_t size,
                    unsigned int count = 1) {
    VABufferID id = VA_INVALID_ID;
    call(&VADriverVTable::vaCreateBuffer, decoder, type, static_cast<unsigned int>(size), count,
         const_cast<void*>(data), &id);
    return id;
  }
  template <typename Parameters>
  VABufferID parameters(VAContextID decoder, VABufferType type, const Parameters& value) {
    return buffer(decoder, type, &value, sizeof value);
  }
  VAStatus begin(VAContextID decoder, VASurfaceID surface) {
    return call(&VADriverVTable::vaBeginPicture, decoder, surface);
  }
  VAStatus render(VAContextID decoder, std::vector<VABufferID> buffers) {
    return call(&VADriverVTable::vaRenderPicture, decoder, buffers.data(),
                static_cast<int>(buffers.size()));
  }
  VAStatus end(VAContextID decoder) { return call(&VADriverVTable::vaEndPicture, decoder); }
  VAStatus sync(VASurfaceID surface) { return call(&VADriverVTable::vaSyncSurface, surface); }

  // The first one and what it was asked last.
  FakeSession& session() { return core->session(0); }
  const core::DecodeJob& last_job() { return session().job(session().size() - 1); }

  std::shared_ptr<FakeCore> core;
  VADriverVTable table{};
  VADriverContext context{};
  bool started = false;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_VA_DRIVER_DRIVER_UNDER_TEST_H_
