// HEVC: access units to decoding jobs, and frames in display order.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_HEVC_PARSER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_HEVC_PARSER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "decode_core/headers/hevc_pps.h"
#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/headers/hevc_sps.h"
#include "tools/parsed_stream/hevc_dpb.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::parsed_stream {

// Ignored: layers above 0 (annexes F to I) and all SEI messages. Leading pictures that refer to
// what is before the first picture, or behind an end of sequence, are neither decoded nor output.
class HevcParser final : public Parser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  // The picture whose slices are being gathered.
  struct Gathering {
    core::DecodeJob job;
    headers::HevcSliceHeader independent;  // of the last slice that is
    HevcFrame frame;
    std::shared_ptr<const headers::HevcSps> sps;
  };

  Status parse_nal(std::span<const uint8_t> nal, std::vector<Event>& events);
  Status parse_slice(std::span<const uint8_t> nal, std::vector<Event>& events);
  // False: a picture that is passed over.
  bool begin_picture(const headers::HevcSliceHeader& header,
                     std::shared_ptr<const headers::HevcSps> sps, const headers::HevcPps& pps,
                     std::vector<Event>& events);
  int32_t order_count_of(const headers::HevcSliceHeader& header, const headers::HevcSps& sps);
  void end_picture(std::vector<Event>& events);
  static void show(HevcDpb::Frames& frames, std::vector<Event>& events);

  std::array<std::shared_ptr<const headers::HevcSps>, 16> sps_;
  std::array<std::shared_ptr<const headers::HevcPps>, 64> pps_;
  HevcDpb dpb_;
  std::optional<Gathering> gathering_;
  bool passed_over_ = false;     // the picture whose slices come
  bool begins_sequence_ = true;  // the next picture is the first, or follows an end of sequence
  bool no_rasl_output_ = false;  // NoRaslOutputFlag of the last IRAP picture
  int64_t previous_order_count_ = 0;  // of prevTid0Pic (8.3.1)
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_HEVC_PARSER_H_
