// Several contexts and displays at once, each on its own thread.
#include <thread>

#include "test/catch.h"
#include "test/clients/va/testing.h"

namespace daedalus::va_client::testing {
namespace {

struct Stream {
  Clip clip;
  std::vector<Frame> expected;
  std::string difference = "not decoded";
};

std::vector<Stream> streams(std::initializer_list<const char*> names) {
  std::vector<Stream> all;
  for (const char* name : names) {
    Stream stream{test_clip(name, 25), {}};
    Result<std::vector<Frame>> expected = decode_by_core(stream.clip);
    if (!expected) FAIL(expected.error().message);
    stream.expected = std::move(expected).value();
    REQUIRE(!stream.expected.empty());
    all.push_back(std::move(stream));
  }
  return all;
}

void decode(std::shared_ptr<Display> display, const ClientStyle& style, Stream& stream) {
  VaClient client(std::move(display), style);
  const Result<std::vector<Frame>> frames = decode_by_driver(client, stream.clip);
  stream.difference = frames ? first_difference(stream.expected, *frames) : frames.error().message;
}

}  // namespace

TEST_CASE("contexts of one display on threads of their own") {
  std::vector<Stream> all = streams({"h264.mp4", "vp9.webm", "h264.mp4", "vp8.webm"});
  const std::shared_ptr<Display> display = start_display();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < all.size(); ++i) {
    const ClientStyle& style = client_styles()[i % client_styles().size()];
    threads.emplace_back([&, i] { decode(display, style, all[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Stream& stream : all) CHECK(stream.difference == "");
}

TEST_CASE("displays on threads of their own") {
  std::vector<Stream> all = streams({"mpeg2.mpg", "vp9_10bit.webm", "h264_interlaced.mp4"});
  std::vector<std::shared_ptr<Display>> displays;
  for (size_t i = 0; i < all.size(); ++i) displays.push_back(start_display());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < all.size(); ++i) {
    threads.emplace_back([&stream = all[i], display = displays[i]] {
      decode(display, client_style("chromium"), stream);
    });
  }
  displays.clear();
  for (std::thread& thread : threads) thread.join();
  for (const Stream& stream : all) CHECK(stream.difference == "");
}

TEST_CASE("a client whose calls come from changing threads") {
  std::vector<Stream> all = streams({"h264.mp4"});
  Stream& stream = all.front();
  VaClient client(start_display(), client_style("firefox"));
  std::vector<Frame> frames;
  const Status played = play(
      stream.clip,
      [&](const core::DecodeJob& job) {
        Status status;
        std::thread([&] { status = client.decode(job); }).join();
        return status;
      },
      [&](const parsed_stream::OutputEvent& shown, core::ImageFormat format) {
        Frame frame{shown.visible.width, shown.visible.height, {}};
        Status status;
        std::thread([&] {
          status = client.read(*shown.picture, shown.visible, format, frame.pixels);
        }).join();
        frames.push_back(std::move(frame));
        return status;
      });
  REQUIRE(played.ok());
  CHECK(first_difference(stream.expected, frames) == "");
}

}  // namespace daedalus::va_client::testing
