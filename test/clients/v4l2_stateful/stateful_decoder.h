// StatefulDecoder: one stream through a stateful decoder's node (V4L2 "Memory-to-memory Stateful
// Video Decoder Interface"; the titles of its sections are named where a step follows them).
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_STATEFUL_STATEFUL_DECODER_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_STATEFUL_STATEFUL_DECODER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "test/clients/parsers/stream_parser.h"
#include "test/clients/v4l2/buffers.h"
#include "test/clients/v4l2/decoder_node.h"
#include "test/clients/v4l2/picture_reader.h"
#include "test/clients/v4l2/timing.h"

namespace daedalus::v4l2_client {

struct StatefulOptions {
  std::string video_path;       // empty: the first stateful decoder that takes the stream
  uint32_t output_buffers = 8;  // bitstream buffers
  uint32_t extra_captures = 2;  // CAPTURE buffers beyond what the node asks for
  BufferMemory output_memory = BufferMemory::kMmap;
  BufferMemory capture_memory = BufferMemory::kMmap;
  uint32_t capture_fourcc = 0;  // 0: the node's choice where this client can read it
  int timeout = 60000;          // ms without anything from the node
};

// Not thread-safe; several may use one node at once.
class StatefulDecoder {
 public:
  // Gets each picture in display order, with the timestamp of the bitstream that it came from. An
  // error ends the stream.
  using Show = std::function<Status(const Frame&, uint64_t timestamp)>;

  // `largest`: bytes of the largest piece of bitstream that decode() will get.
  static Result<std::unique_ptr<StatefulDecoder>> open(SystemCalls& calls, core::Codec codec,
                                                       size_t largest,
                                                       const StatefulOptions& options, Show show);
  ~StatefulDecoder();

  // A frame's bitstream; the timestamp, whole microseconds in ns, comes back with its picture.
  // Waits for a buffer, and shows what comes meanwhile. An error ends the stream.
  Status decode(std::span<const uint8_t> bitstream, uint64_t timestamp);
  // "Drain": everything that is left is shown. The stream is over.
  Status drain();

  // From queueing a frame's bitstream to its picture.
  const Timing& timing() const { return timing_; }
  uint64_t shown() const { return shown_; }
  // CAPTURE buffers that came back with V4L2_BUF_FLAG_ERROR.
  uint64_t errors() const { return errors_; }
  // How often CAPTURE was set up for another format than before.
  uint64_t changes() const { return changes_; }
  const std::string& video_path() const { return node_.video_path; }

 private:
  StatefulDecoder(SystemCalls& calls, DecoderNode node, const StatefulOptions& options, Show show);
  Status initialize(uint32_t fourcc, size_t largest);
  Status subscribe(uint32_t event);

  // Waits for what there is and deals with it.
  Status step(bool wants_output);
  Status take_events();
  Status take_output();
  Status take_picture();
  Status show_picture(const Dequeued& buffer);
  Status follow_last();

  Status set_up_capture();
  Status choose_capture_format();
  Result<v4l2_pix_format_mplane> get_capture_format();
  Status query_visible();
  Result<uint32_t> query_min_buffers();

  SystemCalls& calls_;
  DecoderNode node_;
  const StatefulOptions options_;
  const Show show_;

  std::unique_ptr<Buffers> output_, capture_;  // capture_: from the first source change on
  std::vector<uint32_t> idle_;                 // OUTPUT buffers
  v4l2_pix_format_mplane capture_format_{};
  clients::Rectangle visible_;  // in a CAPTURE buffer

  bool source_changed_ = false;  // V4L2_EVENT_SOURCE_CHANGE came
  bool end_of_stream_ = false;   // V4L2_EVENT_EOS came
  bool last_ = false;  // V4L2_BUF_FLAG_LAST came; no CAPTURE buffer before its reason is known
  bool drained_ = false;

  std::map<uint64_t, std::chrono::steady_clock::time_point> queued_;  // by timestamp
  Frame frame_;
  Timing timing_;
  uint64_t shown_ = 0, errors_ = 0, changes_ = 0;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_STATEFUL_STATEFUL_DECODER_H_
