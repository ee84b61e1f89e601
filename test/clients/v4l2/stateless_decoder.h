// StatelessDecoder: one stream through a stateless decoder's node (V4L2 "Memory-to-memory Stateless
// Video Decoder Interface"), several requests in flight.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_STATELESS_DECODER_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_STATELESS_DECODER_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "test/clients/parsers/stream_parser.h"
#include "test/clients/v4l2/buffers.h"
#include "test/clients/v4l2/decoder_node.h"
#include "test/clients/v4l2/picture_reader.h"
#include "test/clients/v4l2/request_controls.h"
#include "test/clients/v4l2/timing.h"

namespace daedalus::v4l2_client {

struct DecoderOptions {
  std::string video_path, media_path;  // empty: found by capabilities and topology
  uint32_t requests = 4;               // most in flight
  BufferMemory output_memory = BufferMemory::kMmap;
  BufferMemory capture_memory = BufferMemory::kMmap;
  RequestControls::NalModes modes;
  uint32_t capture_fourcc = 0;  // 0: the node's choice where this client can read it
  int timeout = 60000;          // ms, for one request
};

// Not thread-safe; several may use one node at once.
class StatelessDecoder {
 public:
  // Gets each picture that is shown, in display order. An error ends the stream.
  using Show = std::function<Status(const Frame&)>;

  static Result<std::unique_ptr<StatelessDecoder>> open(SystemCalls& calls, core::Codec codec,
                                                        const DecoderOptions& options, Show show);
  ~StatelessDecoder();

  // Buffers must hold pictures of this size and depth from the next picture on. A stream that comes
  // back to an earlier size without a key frame tells its largest.
  Status set_format(const clients::PictureFormat& format);
  // Errors end the stream, all but kCorrupt: the node refused the picture.
  Status decode(const clients::CodedPicture& coded);
  Status show(const clients::ShownPicture& shown);
  // Waits for all requests; everything that can be shown is.
  Status drain();

  const Timing& timing() const { return timing_; }
  // Buffers that came back with V4L2_BUF_FLAG_ERROR, and pictures that never came.
  uint64_t errors() const { return errors_; }
  uint64_t lost() const { return lost_; }
  uint64_t decoded() const { return decoded_; }
  const DecoderNode& node() const { return node_; }

 private:
  struct Flight {
    uint32_t output = 0;
    int request = -1;
    clients::PicturePtr target;
    std::vector<clients::PicturePtr> references;  // kept from being overwritten
    std::chrono::steady_clock::time_point queued;
  };
  // A CAPTURE buffer, and whose picture it has or will have.
  struct Capture {
    std::weak_ptr<const clients::Picture> picture;
    bool queued = false;
  };

  StatelessDecoder(SystemCalls& calls, DecoderNode node, RequestControls controls,
                   const DecoderOptions& options, Show show);
  Status prepare(const clients::CodedPicture& coded);
  Status choose_capture_format(int bit_depth);
  Status start();
  Status stop();
  Status allocate_requests();
  Result<v4l2_pix_format_mplane> get_format(uint32_t type);
  Status set_queue_format(uint32_t type, uint32_t fourcc);
  Result<std::optional<uint32_t>> free_capture();
  Status queue_capture();
  // What one OUTPUT buffer gets: a frame, a field, or a slice.
  struct Part {
    std::span<const uint8_t> bytes;
    std::span<const clients::SliceControls> slices;
    bool hold = false;  // more of the same frame follows
  };
  std::vector<Part> parts_of(const clients::CodedPicture& coded) const;
  Status decode_part(const clients::CodedPicture& coded, const Part& part, bool joins);
  Status refuse(const clients::CodedPicture& coded, const std::string& why);
  Status submit(const clients::CodedPicture& coded, const Part& part, uint32_t output);
  Status complete_oldest();
  Status take_captures();
  Status flush_held();
  Status show_ready();
  Status wait_for(int fd, short events);

  SystemCalls& calls_;
  DecoderNode node_;
  const RequestControls controls_;
  const DecoderOptions options_;
  const Show show_;
  const uint32_t fourcc_;

  clients::PictureFormat wanted_;
  v4l2_pix_format_mplane capture_format_{};
  std::unique_ptr<Buffers> output_, capture_;
  bool started_ = false;
  std::vector<Descriptor> requests_;
  std::vector<uint32_t> idle_;  // indices of OUTPUT buffers and of their requests
  std::vector<Capture> captures_;
  uint32_t unclaimed_captures_ = 0;  // queued, and no picture was submitted for them
  std::map<uint64_t, std::weak_ptr<const clients::Picture>> pictures_;  // submitted, by timestamp
  std::deque<Flight> in_flight_;
  clients::PicturePtr held_;               // of a first field
  std::map<uint64_t, uint32_t> finished_;  // CAPTURE buffers that were dequeued, by timestamp
  std::set<uint64_t> refused_;             // timestamps of pictures that never come
  std::deque<clients::ShownPicture> waiting_;
  Frame frame_;
  Timing timing_;
  uint64_t errors_ = 0, lost_ = 0, decoded_ = 0;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_STATELESS_DECODER_H_
