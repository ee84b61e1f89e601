// Finding decoders among the nodes: stateless ones, with the media device that makes their
// requests, and stateful ones.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_DECODER_NODE_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_DECODER_NODE_H_

#include <cstdint>
#include <string>

#include "base/result.h"
#include "test/clients/v4l2/system_calls.h"

namespace daedalus::v4l2_client {

// A descriptor of those calls.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(SystemCalls& calls, int fd) : calls_(&calls), fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : calls_(other.calls_), fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int release();
  void reset();

  SystemCalls* calls_ = nullptr;
  int fd_ = -1;
};

struct DecoderNode {
  Descriptor video;
  Descriptor media;
  std::string video_path, media_path;
};

// The first video node that takes `coded_fourcc` on a multi-planar OUTPUT queue with requests, and
// the media node whose topology has its device number. A path that is not empty is the only one
// that is tried. kNotFound says what there is.
Result<DecoderNode> find_decoder_node(SystemCalls& calls, uint32_t coded_fourcc,
                                      const std::string& video_path, const std::string& media_path);

// The first video node that takes the bitstream `coded_fourcc` on a multi-planar OUTPUT queue;
// likewise. It has no media node.
Result<DecoderNode> find_stateful_node(SystemCalls& calls, uint32_t coded_fourcc,
                                       const std::string& video_path);

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_DECODER_NODE_H_
