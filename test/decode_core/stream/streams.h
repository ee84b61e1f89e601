// Streams for the tests of the stream decoder: packets of files, their pictures as plain libavcodec
// gives them, and a client that plays them.
#ifndef DAEDALUS_TEST_DECODE_CORE_STREAM_STREAMS_H_
#define DAEDALUS_TEST_DECODE_CORE_STREAM_STREAMS_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "decode_core/record/recording.h"
#include "decode_core/stream/stream_decoder.h"

namespace daedalus::core::test {

using Packet = std::vector<uint8_t>;

struct Stream {
  Codec codec = Codec::kH264;
  std::vector<Packet> packets;   // in decoding order
  std::set<uint64_t> discarded;  // indices of those that the container says not to show
};

// The files of test/data.
inline constexpr const char* kClips[] = {
    "h264.mp4", "h264_interlaced.mp4", "vp9.webm", "vp9_10bit.webm", "vp8.webm", "mpeg2.mpg",
    "hevc.mp4", "hevc_10bit.mp4",      "av1.webm", "av1_10bit.webm"};

// The video of a file.
Result<Stream> read_stream(const std::string& path);
// A file of test/data; fails the running test where it cannot be read.
Stream read_clip(const std::string& name);

// What a picture is compared by.
struct Shown {
  uint32_t width = 0;  // visible
  uint32_t height = 0;
  FrameHash hash{};  // of the visible samples
  uint64_t token = 0;
  bool operator==(const Shown&) const = default;
};

// The samples inside the cropping window.
FrameView visible_part(const StreamPicture& picture);
Shown shown_of(const StreamPicture& picture);

// The packets through libavcodec on one thread and in its own memory; tokens are the packets'
// indices from 0.
std::vector<Shown> decode_plainly(Codec codec, std::span<const Packet> packets);

// The tests' core: nothing in the environment matters.
std::shared_ptr<Core> make_core(int threads, const std::string& statistics_folder = "");

// A client with a thread of its own: the test's.
class Player {
 public:
  explicit Player(Codec codec, int threads = 3, const std::string& statistics_folder = "");
  StreamDecoder& decoder() { return *decoder_; }

  // Pushes the packets with tokens from `first_token` on, and takes pictures as they come.
  void push(std::span<const Packet> packets, uint64_t first_token = 0);
  // Drains and takes what comes until the decoder says that it is drained.
  void drain();
  // Waits until `condition` holds; it is asked again after each change. Fails the running test
  // where nothing changes for a long time.
  void wait(const std::function<bool()>& condition);
  // Waits until the decoder does nothing any more: no change for a while.
  void settle();

  // Pictures taken so far, in the order that they came in.
  std::vector<StreamPicture> pictures;
  std::vector<Shown> shown;
  // Tokens taken back so far.
  std::vector<uint64_t> consumed;
  // What format() said just before each picture was popped.
  std::vector<StreamFormat> formats;

  // Called with each picture taken.
  std::function<void(const StreamPicture&)> on_picture;

  void take();  // all that is there

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  uint64_t changes_ = 0;
  std::unique_ptr<StreamDecoder> decoder_;
};

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_STREAM_STREAMS_H_
