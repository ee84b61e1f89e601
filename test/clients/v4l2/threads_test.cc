// Many clients of one device at once, mixed codecs; under --config=tsan, too.
#include <thread>

#include "test/catch.h"
#include "test/clients/v4l2/testing.h"

namespace daedalus::v4l2_client::testing {
namespace {

constexpr size_t kClients = 8;
constexpr size_t kFrames = 300;  // each

// Plays the clip until it has shown that many frames; the first difference, or what failed.
std::string play_often(const InProcessNodes& nodes, const std::string& path,
                       const std::vector<core::test::Shown>& expected, size_t* shown) {
  while (*shown < kFrames) {
    const auto decoded = decode(nodes, path);
    if (!decoded) return path + ": " + decoded.error().message;
    const std::string difference = first_difference(decoded->frames, expected);
    if (!difference.empty()) return path + ": " + difference;
    *shown += decoded->frames.size();
  }
  return "";
}

}  // namespace

TEST_CASE("eight clients, mixed codecs, 300 frames each, bit for bit") {
  const InProcessNodes nodes(core::test::make_core(1));
  const std::vector<std::string> paths = clip_paths();
  std::vector<std::vector<core::test::Shown>> expected;
  for (const std::string& path : paths) expected.push_back(decode_plainly(path));
  std::vector<std::string> failures(kClients);
  std::vector<size_t> shown(kClients);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      const size_t clip = i % paths.size();
      failures[i] = play_often(nodes, paths[clip], expected[clip], &shown[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kClients; ++i) {
    CHECK(failures[i] == "");
    CHECK(shown[i] >= kFrames);
  }
}

}  // namespace daedalus::v4l2_client::testing
