#include "gpu_kernels/vulkan/device.h"

#include <dlfcn.h>

#include <string>

#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

// Its threads may still have something to do at the process's end. With AddressSanitizer all
// libraries stay (test_device.cc).
TEST_CASE("a driver stays loaded when its last device is gone") {
  TestDevice test = open_test_device();
  if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
  Dl_info driver{};
  const auto* function = reinterpret_cast<const void*>(test.device->calls().vkQueueSubmit);
  REQUIRE(::dladdr(function, &driver) != 0);
  const std::string file = driver.dli_fname;
  INFO(file);
  CHECK(file.find("libvulkan.so") == std::string::npos);
  test.device.reset();
  CHECK(::dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD) != nullptr);
}

}  // namespace
}  // namespace daedalus::gpu_kernels::vulkan
