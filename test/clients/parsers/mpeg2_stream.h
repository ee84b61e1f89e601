// MPEG-2: access units to requests, and frames in display order.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_MPEG2_STREAM_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_MPEG2_STREAM_H_

#include <optional>
#include <vector>

#include "test/clients/parsers/bit_reader.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

// Shows what ffmpeg shows: B frames before their forward reference are left out unless their group
// is closed, single fields of B frames are not shown, and where the size or the aspect ratio
// changes the frame that still waits is dropped.
class Mpeg2Stream final : public StreamParser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  // Sequence header and extension (ISO/IEC 13818-2 6.2.2.1, 6.2.2.3).
  struct Sequence {
    v4l2_ctrl_mpeg2_sequence control{};
    uint32_t aspect_ratio = 0;
    bool low_delay = false;
  };

  Status take_unit(std::span<const uint8_t> unit, std::vector<Event>& events);
  void read_sequence_header(BitReader& reader);
  void read_extension(BitReader& reader);
  void read_sequence_extension(BitReader& reader);
  void read_quant_matrices(BitReader& reader);
  void read_picture_header(BitReader& reader);
  void read_picture_extension(BitReader& reader);
  void start_picture();
  void change_sequence();
  void end_picture(std::vector<Event>& events);

  PictureSource pictures_;
  bool has_sequence_ = false, has_sequence_extension_ = false;
  bool has_picture_ = false, has_picture_extension_ = false;
  bool closed_gop_ = false;
  Sequence sequence_;
  std::optional<Sequence> in_force_;
  v4l2_ctrl_mpeg2_picture picture_{};
  v4l2_ctrl_mpeg2_quantisation quantisation_{};
  bool passing_over_ = true;  // slices, up to the next picture header

  std::optional<CodedPicture> coded_;  // being gathered
  ShownPicture frame_;                 // its target
  uint8_t open_structure_ = 0;         // of a first field that waits for its second
  bool open_bidirectional_ = false;
  ShownPicture past_, future_;  // the last two reference frames
  bool future_waits_ = false;   // for its display
  std::optional<ShownPicture> due_;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_MPEG2_STREAM_H_
