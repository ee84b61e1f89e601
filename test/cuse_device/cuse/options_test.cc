#include "cuse_device/cuse/options.h"

#include <vector>

#include "test/catch.h"

namespace daedalus::cuse {
namespace {

Result<Options> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "daedalusd");
  return parse_options(static_cast<int>(words.size()), words.data());
}

TEST_CASE("nothing is asked for by default, ptrace rights least of all") {
  const auto options = parse({});
  REQUIRE(options.ok());
  CHECK(options->stateful.empty());
  CHECK_FALSE(options->user_pointers);
  CHECK_FALSE(options->sandbox.keep_ptrace);
  CHECK_FALSE(options->sandbox.kill);
  CHECK_FALSE(options->background);
  CHECK_FALSE(options->av1);
}

TEST_CASE("options say what they say") {
  const auto options = parse(
      {"--stateful", "video30", "--media", "media2", "--user", "me", "--user-pointers", "--av1"});
  REQUIRE(options.ok());
  CHECK(options->av1);
  CHECK(options->stateful == "video30");
  CHECK(options->media == "media2");
  CHECK(options->sandbox.user == "me");
  CHECK(options->sandbox.keep_ptrace);
}

TEST_CASE("the node of request handles has a name of its own") {
  CHECK(parse({}).value().requests.empty());
  const auto options = parse({"--requests", "daedalus-request7"});
  REQUIRE(options.ok());
  CHECK(options->requests == "daedalus-request7");
  for (const char* name : {"daedalus-request", "video3", "daedalus-request/0"}) {
    INFO(name);
    CHECK_FALSE(parse({"--requests", name}).ok());
  }
}

TEST_CASE("names that programs would not find, and paths, are refused") {
  for (const char* name : {"", "video", "videoX", "video10/..", "../mem", "media0", "video1234"}) {
    INFO(name);
    CHECK_FALSE(parse({"--stateful", name}).ok());
  }
  CHECK_FALSE(parse({"--media"}).ok());
  CHECK_FALSE(parse({"--unknown"}).ok());
}

TEST_CASE("a free name is one that nobody has") {
  const std::string name = free_name("video", 10);
  CHECK(name.substr(0, 5) == "video");
  CHECK(std::stoi(name.substr(5)) >= 10);
}

}  // namespace
}  // namespace daedalus::cuse
