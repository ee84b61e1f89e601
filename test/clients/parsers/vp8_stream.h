// VP8: frames to requests, and frames in display order.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_VP8_STREAM_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_VP8_STREAM_H_

#include <vector>

#include "test/clients/parsers/bool_reader.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

// Frames before the first key frame are left out.
class Vp8Stream final : public StreamParser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>&) override {}

 private:
  // What of the header the control does not carry (RFC 6386 9.7, 9.10, 9.11).
  struct Updates {
    bool last = true, golden = true, alternate = true;
    uint32_t copy_to_golden = 0, copy_to_alternate = 0;
    bool keep_probabilities = true;
  };

  Status read_tag(std::span<const uint8_t> packet, v4l2_ctrl_vp8_frame& f) const;
  Updates read_header(BoolReader& reader, v4l2_ctrl_vp8_frame& f) const;
  void update_references(const Updates& updates, const PicturePtr& target);

  PictureSource pictures_;
  PicturePtr last_, golden_, alternate_;
  v4l2_ctrl_vp8_frame state_{};  // what frames leave to the next
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_VP8_STREAM_H_
