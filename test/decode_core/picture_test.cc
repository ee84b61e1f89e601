#include "decode_core/picture.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "test/catch.h"
#include "test/decode_core/fake_decoder.h"

namespace daedalus::core::test {
namespace {

using std::chrono::milliseconds;
using State = Picture::State;

const uint8_t* luma_of(const Picture& picture) {
  const auto frame = picture.frame();
  return frame.has_value() ? frame->view.planes[0].data : nullptr;
}

TEST_CASE("a picture's id is its own and never 0") {
  std::set<uint64_t> ids;
  for (int i = 0; i < 100; ++i) ids.insert(Picture().id());
  CHECK(ids.size() == 100);
  CHECK(ids.count(0) == 0);
}

TEST_CASE("a picture goes from empty over pending to done") {
  Picture picture;
  CHECK(picture.state() == State::kEmpty);
  CHECK(picture.wait());
  picture.begin(nullptr);
  CHECK(picture.state() == State::kPending);
  CHECK_FALSE(picture.frame().has_value());
  CHECK_FALSE(picture.wait(Picture::Clock::now() + milliseconds(5)));
  CHECK_FALSE(picture.wait(Picture::Clock::now() - milliseconds(5)));
  picture.complete(decoded_frame());
  CHECK(picture.state() == State::kDone);
  CHECK(picture.frame().has_value());
  CHECK_FALSE(picture.concealed());
  CHECK(picture.wait(Picture::Clock::now() - milliseconds(5)));
}

TEST_CASE("a picture made of a frame is done from the start") {
  const Picture picture(make_frame(SampleFormat::kI420, 8, 8, 1));
  CHECK(picture.state() == State::kDone);
  CHECK(picture.wait());
  CHECK(picture.session() == nullptr);
}

TEST_CASE("a job without pixels fails the picture and says why") {
  Picture picture;
  picture.begin(nullptr);
  picture.complete(decoded_nothing());
  CHECK(picture.state() == State::kFailed);
  CHECK_FALSE(picture.frame().has_value());
  CHECK(picture.error().code == ErrorCode::kCorrupt);
  CHECK(picture.error().message == "nothing there");
}

TEST_CASE("a wait ends only when both fields have") {
  Picture picture;
  picture.begin(nullptr);
  picture.begin(nullptr);
  picture.complete(decoded_frame(1));
  CHECK(picture.state() == State::kPending);
  CHECK_FALSE(picture.wait(Picture::Clock::now() + milliseconds(1)));
  picture.complete(decoded_frame(2));
  CHECK(picture.wait());
  CHECK(picture.state() == State::kDone);
}

TEST_CASE("a second field that fails leaves the first one's pixels, concealed") {
  Picture picture;
  picture.begin(nullptr);
  picture.complete(decoded_frame());
  const uint8_t* first = luma_of(picture);
  REQUIRE(first != nullptr);
  CHECK_FALSE(picture.concealed());
  picture.begin(nullptr);
  picture.complete(decoded_nothing());
  CHECK(picture.state() == State::kDone);
  CHECK(luma_of(picture) == first);
  CHECK(picture.concealed());
}

TEST_CASE("a second field makes good for a first one without pixels") {
  Picture picture;
  picture.begin(nullptr);
  picture.complete(decoded_nothing());
  picture.begin(nullptr);
  DecodeOutcome outcome = decoded_frame();
  outcome.concealed = true;
  picture.complete(std::move(outcome));
  CHECK(picture.state() == State::kDone);
  CHECK(picture.concealed());
}

TEST_CASE("an output pass runs with the pixels of every job that leaves some") {
  Picture picture;
  int runs = 0;
  const uint8_t* seen = nullptr;
  picture.set_output_pass([&](const FrameBuffer& frame) {
    ++runs;
    seen = frame.view.planes[0].data;
  });
  CHECK(runs == 0);
  picture.begin(nullptr);
  CHECK(runs == 0);
  picture.complete(decoded_frame(1));
  CHECK(runs == 1);
  CHECK(seen == luma_of(picture));
  picture.begin(nullptr);
  picture.complete(decoded_frame(2));
  CHECK(runs == 2);
  CHECK(seen == luma_of(picture));

  SECTION("not for a picture that has none") {
    Picture failed;
    failed.set_output_pass([&](const FrameBuffer&) { ++runs; });
    failed.begin(nullptr);
    failed.complete(decoded_nothing());
    CHECK(runs == 2);
  }
  SECTION("nor when it was taken away") {
    picture.set_output_pass(nullptr);
    picture.begin(nullptr);
    picture.complete(decoded_frame(3));
    CHECK(runs == 2);
  }
  SECTION("a later one replaces it") {
    int other = 0;
    picture.set_output_pass([&](const FrameBuffer&) { ++other; });
    CHECK(other == 1);  // done already: at once
    picture.begin(nullptr);
    picture.complete(decoded_frame(3));
    CHECK(other == 2);
    CHECK(runs == 2);
  }
}

TEST_CASE("an output pass attached while another runs is not forgotten") {
  Picture picture;
  int late = 0;
  picture.set_output_pass(
      [&](const FrameBuffer&) { picture.set_output_pass([&](const FrameBuffer&) { ++late; }); });
  picture.begin(nullptr);
  picture.complete(decoded_frame());
  CHECK(late == 1);
}

TEST_CASE("nobody who waits is released before the output pass has run") {
  Picture picture;
  picture.begin(nullptr);
  bool released_early = false;
  picture.set_output_pass([&](const FrameBuffer&) {
    released_early = picture.wait(Picture::Clock::now() + milliseconds(2));
  });
  picture.complete(decoded_frame());
  CHECK_FALSE(released_early);
}

// Whenever the pass is attached: whoever attached it and then waits finds that it ran, on whichever
// thread. `filled` is unprotected on purpose: the thread sanitizer checks the order.
TEST_CASE("a pass attached at any moment has run when the wait ends") {
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    Picture picture;
    picture.begin(nullptr);
    const DecodeOutcome outcome = decoded_frame();
    std::atomic<int> ready{0};
    std::thread decoding([&] {
      ++ready;
      while (ready < 2) {
      }
      for (int spin = 0; spin < round * 20; ++spin) ready.load();
      picture.complete(outcome);
    });
    int filled = 0;
    ++ready;
    while (ready < 2) {
    }
    for (int spin = 0; spin < (kRounds - round) * 20; ++spin) ready.load();
    picture.set_output_pass(
        [&](const FrameBuffer& frame) { filled = frame.view.planes[0].data != nullptr ? 1 : 0; });
    picture.wait();
    REQUIRE(filled == 1);
    decoding.join();
  }
}

}  // namespace
}  // namespace daedalus::core::test
