// H.264: access units to decoding jobs, and frames in display order.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_H264_PARSER_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_H264_PARSER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "decode_core/headers/h264_pps.h"
#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/headers/h264_sps.h"
#include "tools/parsed_stream/h264_dpb.h"
#include "tools/parsed_stream/h264_order.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::parsed_stream {

// The parameter sets received so far (7.4.1.2.1). A PPS is parsed when a slice first needs it, for
// its SPS may come or change later.
class H264ParameterSets {
 public:
  Status add_sps(std::span<const uint8_t> nal);
  Status add_pps(std::span<const uint8_t> nal);

  struct Active {
    std::shared_ptr<const headers::H264Sps> sps;
    std::shared_ptr<const headers::H264Pps> pps;
  };
  Result<Active> activate(uint8_t pps_id);
  // The largest num_ref_idx_lX_default_active_minus1 of the sets used so far, plus 1.
  std::array<uint32_t, 2> most_references() const { return most_references_; }

 private:
  struct StoredPps {
    std::vector<uint8_t> nal;
    uint8_t sps_id = 0;
    Active parsed;  // null until used
  };
  // The same set sent again stays the same object.
  std::array<std::shared_ptr<const headers::H264Sps>, 32> sps_;
  std::array<std::vector<uint8_t>, 32> sps_nals_;
  std::array<std::unique_ptr<StoredPps>, 256> pps_;
  std::array<uint32_t, 2> most_references_ = {0, 0};
};

// Ignored: data partitioning (NAL unit types 2 to 4), auxiliary pictures, the layers and views of
// annexes G and H, redundant pictures, no_output_of_prior_pics_flag (as ffmpeg does). Frames that
// come before the first IDR picture or recovery point, in display order, are decoded and not
// output.
class H264Parser final : public Parser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  // The picture whose slices are being gathered.
  struct Gathering {
    core::DecodeJob job;
    headers::H264SliceHeader first;
    headers::H264SliceHeader last;
    H264ParameterSets::Active active;
  };

  Status parse_nal(std::span<const uint8_t> nal, std::vector<Event>& events);
  Status parse_slice(std::span<const uint8_t> nal, std::vector<Event>& events);
  bool begins_picture(const headers::H264SliceHeader& header) const;
  bool is_second_field(const headers::H264SliceHeader& header) const;
  void begin_picture(const headers::H264SliceHeader& header, H264ParameterSets::Active active,
                     std::vector<Event>& events);
  void begin_sequence(const headers::H264Sps& sps, std::vector<Event>& events);
  void fill_gap(const headers::H264SliceHeader& header, const v4l2_ctrl_h264_sps& sps,
                std::vector<Event>& events);
  H264Frame& open_frame(const headers::H264SliceHeader& header, const headers::H264Sps& sps);
  void note_recovery(const headers::H264SliceHeader& header, const v4l2_ctrl_h264_sps& sps,
                     H264Frame& frame);
  bool is_unmarked_recovery_point(const headers::H264SliceHeader& header, uint32_t flags,
                                  const headers::H264Sps& sps) const;
  void fill_job(H264Frame& frame, bool second_field, const H264OrderCounts& counts);
  void end_picture(std::vector<Event>& events);
  void close_frame(std::vector<Event>& events);
  void show(H264Dpb::Frames& frames, std::vector<Event>& events);

  H264ParameterSets parameter_sets_;
  H264Order order_;
  H264Dpb dpb_;
  std::optional<Gathering> gathering_;
  uint32_t unpaired_fields_ = 0;                          // in succession
  bool unpaired_shown_ = false;                           // should the open field remain one
  std::optional<headers::H264SliceHeader> first_field_;   // of the open frame; its pair may follow
  std::shared_ptr<const headers::H264Sps> sequence_;      // in force
  std::optional<uint32_t> previous_reference_frame_num_;  // PrevRefFrameNum (7.4.3)
  std::optional<uint32_t> recovery_count_;      // of a recovery point message for the next picture
  std::optional<uint32_t> recovery_frame_num_;  // frames are right from here on
  bool recovery_point_seen_ = false;
  bool idr_seen_ = false;
  bool recovered_ = false;  // a right frame was output
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_H264_PARSER_H_
