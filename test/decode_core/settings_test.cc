#include "decode_core/settings.h"

#include <cstdlib>
#include <string>
#include <vector>

#include "test/catch.h"

namespace daedalus::core {
namespace {

// Sets a variable for the length of a test; the others of the project are unset.
class Environment {
 public:
  Environment() {
    for (const char* name : kNames) ::unsetenv(name);
  }
  ~Environment() {
    for (const char* name : kNames) ::unsetenv(name);
  }
  void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }

 private:
  static constexpr const char* kNames[] = {"DAEDALUS_BACKEND",
                                           "DAEDALUS_ENGINE",
                                           "DAEDALUS_SUBSTRATE",
                                           "DAEDALUS_GPU",
                                           "DAEDALUS_GPU_GOAL",
                                           "XDG_CACHE_HOME",
                                           "HOME",
                                           "DAEDALUS_THREADS",
                                           "DAEDALUS_RECORD",
                                           "DAEDALUS_STATS",
                                           "XDG_RUNTIME_DIR"};
};

TEST_CASE("without any variable there are the defaults") {
  const Environment environment;
  const auto settings = Settings::parse_environment();
  REQUIRE(settings.ok());
  CHECK(settings->backend == "auto");
  CHECK(settings->engine == "auto");
  CHECK(settings->threads == 0);
  CHECK(settings->record.empty());
  CHECK(settings->statistics_folder.empty());
  CHECK(settings->gpu_goal == gpu_kernels::CostGoal::kBalanced);
  CHECK(settings->cache_folder.empty());
}

TEST_CASE("variables are read") {
  Environment environment;
  environment.set("DAEDALUS_BACKEND", "software");
  environment.set("DAEDALUS_ENGINE", "libavcodec");
  environment.set("DAEDALUS_SUBSTRATE", "scalar");
  environment.set("DAEDALUS_GPU", "software");
  environment.set("DAEDALUS_GPU_GOAL", "cpu-free");
  environment.set("HOME", "/home/one");
  environment.set("DAEDALUS_THREADS", "3");
  environment.set("DAEDALUS_RECORD", "/tmp/recording");
  environment.set("DAEDALUS_STATS", "/tmp/statistics");
  const auto settings = Settings::parse_environment();
  REQUIRE(settings.ok());
  CHECK(settings->backend == "software");
  CHECK(settings->engine == "libavcodec");
  CHECK(settings->substrate.of(gpu_kernels::Stage::kPack) == gpu_kernels::Substrate::kScalar);
  CHECK(settings->gpu == gpu_kernels::vulkan::DeviceChoice::kSoftware);
  CHECK(settings->gpu_goal == gpu_kernels::CostGoal::kCpuFree);
  CHECK(settings->cache_folder == "/home/one/.cache/daedalus");
  CHECK(settings->threads == 3);
  CHECK(settings->record == "/tmp/recording");
  CHECK(settings->statistics_folder == "/tmp/statistics");
  CHECK_FALSE(settings->sweep_statistics);
}

TEST_CASE("a backend is one of the names, or the node of a device") {
  for (const char* value : {"software", "hardware", "hardware:loopback", "hardware:/dev/media3"}) {
    Environment environment;
    environment.set("DAEDALUS_BACKEND", value);
    const auto settings = Settings::parse_environment();
    REQUIRE(settings.ok());
    CHECK(settings->backend == value);
  }
}

TEST_CASE("statistics go to the runtime folder, which is swept, unless told otherwise") {
  Environment environment;
  environment.set("XDG_RUNTIME_DIR", "/run/user/1");
  const Settings settings = Settings::from_environment();
  CHECK(settings.statistics_folder == "/run/user/1/daedalus");
  CHECK(settings.sweep_statistics);
}

TEST_CASE("measurements are kept in the cache folder, where there is one") {
  Environment environment;
  environment.set("HOME", "/home/one");
  environment.set("XDG_CACHE_HOME", "/var/cache/one");
  CHECK(Settings::from_environment().cache_folder == "/var/cache/one/daedalus");
}

TEST_CASE("wrong values are an error for programs and ignored by drivers") {
  const std::vector<std::pair<const char*, std::string>> wrong = {
      {"DAEDALUS_BACKEND", "hardwear"}, {"DAEDALUS_BACKEND", "hardware:media3"},
      {"DAEDALUS_GPU", "lavapipe"},     {"DAEDALUS_GPU_GOAL", "fast"},
      {"DAEDALUS_ENGINE", "libav"},     {"DAEDALUS_SUBSTRATE", "neon?"},
      {"DAEDALUS_THREADS", "-1"},       {"DAEDALUS_THREADS", "65"},
      {"DAEDALUS_THREADS", "3x"},       {"DAEDALUS_THREADS", "99999999999999999999"}};
  for (const auto& [name, value] : wrong) {
    Environment environment;
    environment.set(name, value);
    const auto parsed = Settings::parse_environment();
    INFO(name << "=" << value);
    REQUIRE_FALSE(parsed.ok());
    CHECK_THAT(parsed.error().message, Catch::Matchers::ContainsSubstring(name));
    CHECK_THAT(parsed.error().message, Catch::Matchers::ContainsSubstring(value));
    const Settings lenient = Settings::from_environment();
    CHECK(lenient.backend == "auto");
    CHECK(lenient.engine == "auto");
    CHECK(lenient.threads == 0);
  }
}

}  // namespace
}  // namespace daedalus::core
