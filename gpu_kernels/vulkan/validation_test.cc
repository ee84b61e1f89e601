// The runs of tests that are named NAME_validated can fail: wrong calls are told, and end a
// process.
#include "gpu_kernels/vulkan/validation.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "gpu_kernels/vulkan/batch.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels::vulkan {
namespace {

DeviceOptions reporting_to(std::vector<std::string>& messages) {
  DeviceOptions options = test_options();
  options.on_wrong_call = [&](std::string_view message) { messages.emplace_back(message); };
  return options;
}

// Vulkan 1.2, VkBufferCreateInfo: size must be greater than 0.
VkBuffer buffer_without_size(const Device& device) {
  VkBufferCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  VkBuffer buffer = VK_NULL_HANDLE;
  device.calls().vkCreateBuffer(device.handle(), &create, nullptr, &buffer);
  return buffer;
}

TEST_CASE("the validation layer tells what is wrong with a call, and nothing of good ones") {
  std::vector<std::string> messages;
  {
    const auto test = open_test_device(reporting_to(messages));
    if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
    const auto batch = Batch::create(*test.device);
    REQUIRE(batch.ok());
    CHECK((*batch)->begin().ok());
    CHECK((*batch)->run().ok());
    CHECK(messages.empty());
    const VkBuffer buffer = buffer_without_size(*test.device);
    REQUIRE_FALSE(messages.empty());
    CHECK_THAT(messages[0], Catch::Matchers::ContainsSubstring("VUID-VkBufferCreateInfo-size"));
    messages.clear();
    test.device->calls().vkDestroyBuffer(test.device->handle(), buffer, nullptr);
  }
  CHECK(messages.empty());
}

TEST_CASE("the validation layer tells of objects that outlive their device") {
  std::vector<std::string> messages;
  {
    const auto test = open_test_device(reporting_to(messages));
    if (test.device == nullptr) DAEDALUS_SKIP(test.reason);
    VkFenceCreateInfo create{};
    create.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
    VkFence fence = VK_NULL_HANDLE;
    const auto& calls = test.device->calls();
    REQUIRE(calls.vkCreateFence(test.device->handle(), &create, nullptr, &fence) == VK_SUCCESS);
    CHECK(messages.empty());
  }
  CHECK_FALSE(messages.empty());
}

TEST_CASE("a wrong call ends the process of a validated test") {
  std::vector<std::string> messages;
  if (const auto test = open_test_device(reporting_to(messages)); test.device == nullptr) {
    DAEDALUS_SKIP(test.reason);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("DAEDALUS_TEST_VALIDATION", "1", 1);
    ::signal(SIGABRT, SIG_DFL);  // not Catch2's, which would report this test as failed
    const auto test = open_test_device();
    buffer_without_size(*test.device);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
}

}  // namespace
}  // namespace daedalus::gpu_kernels::vulkan
