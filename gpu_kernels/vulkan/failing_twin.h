// FailingTwin: a stage's twin on a device whose functions fail as ordered, for tests.
#ifndef DAEDALUS_GPU_KERNELS_VULKAN_FAILING_TWIN_H_
#define DAEDALUS_GPU_KERNELS_VULKAN_FAILING_TWIN_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels::vulkan {

template <typename Twin>
struct FailingTwin {
  TestDevice opened;
  std::unique_ptr<Twin> twin;  // null where there is no device, or it could not be made

  FailingTwin() : opened(open_test_device(Faults::options())) {
    if (opened.device == nullptr) return;
    if (auto made = Twin::create(opened.device); made.ok()) twin = std::move(*made);
  }
  Device& device() const { return *opened.device; }

  // Each of Faults::calls() fails while a twin is made, and while `use` uses this one: the first
  // call, the second, and so on. After a device was lost this is one on a new device; else it has
  // the memory that it has had, unless `use` needs more.
  // `imports` says whether the twin ever asks for memory that is not the device's.
  void fail_each_call(Faults& faults, const std::function<void()>& use, bool imports = true) {
    for (const std::string_view call : Faults::calls()) {
      if (!imports && call == "vkGetMemoryHostPointerPropertiesEXT") continue;
      const std::string name(call);
      CAPTURE(name);
      int happened = faults.order_each(call, [&] {
        const bool created = Twin::create(opened.device).ok();
        CHECK(created == !faults.happened());
      });
      happened += faults.order_each(call, [&] {
        if (!device().usable()) *this = FailingTwin();
        REQUIRE(twin != nullptr);
        use();
      });
      CHECK(happened > 0);
    }
  }
};

// Makes pictures while a call fails once: each comes out right or is an error, and there is one
// error at most unless the device is to be used no more. `make` says of a picture whether it is
// right, or nothing: an error.
inline void make_with_fault(const Faults& faults, const Device& device,
                            const std::function<std::optional<bool>()>& make) {
  int errors = 0;
  for (int i = 0; i < 3; ++i) {
    const std::optional<bool> right = make();
    CHECK(right.value_or(true));
    if (right) continue;
    CHECK(faults.happened());
    ++errors;
  }
  if (device.usable()) CHECK(errors <= 1);
}

}  // namespace daedalus::gpu_kernels::vulkan

#endif  // DAEDALUS_GPU_KERNELS_VULKAN_FAILING_TWIN_H_
