// VP9: (super)frames to requests, and frames in display order.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_VP9_STREAM_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_VP9_STREAM_H_

#include <array>
#include <vector>

#include "test/clients/parsers/bit_reader.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

// Frames of which a reference is missing are left out.
class Vp9Stream final : public StreamParser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>&) override {}

 private:
  struct Slot {
    PicturePtr picture;
    uint32_t width = 0, height = 0;
  };
  // What one frame leaves to the next (7.2, setup_past_independence).
  struct State {
    std::array<Slot, 8> slots;
    v4l2_vp9_loop_filter lf{};
    v4l2_vp9_segmentation seg{};
    uint8_t bit_depth = 8;
    uint32_t colour = 0;  // the colour's V4L2_VP9_FRAME_FLAG_…
  };
  struct Frame {
    v4l2_ctrl_vp9_frame control{};
    uint8_t refresh = 0;
    std::array<uint8_t, 3> references{};
    bool intra = false;
  };

  Status take_frame(std::span<const uint8_t> bytes, std::vector<Event>& events);
  Result<Frame> read_header(BitReader& reader, uint8_t profile) const;
  Status read_references(BitReader& reader, Frame& frame) const;
  void store(const Frame& frame, const PicturePtr& target);

  PictureSource pictures_;
  State state_;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_VP9_STREAM_H_
