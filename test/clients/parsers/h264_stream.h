// H.264: access units to requests, and frames in display order.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_H264_STREAM_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_H264_STREAM_H_

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "test/clients/parsers/h264_dpb.h"
#include "test/clients/parsers/h264_parameter_sets.h"
#include "test/clients/parsers/h264_slice_header.h"
#include "test/clients/parsers/stream_parser.h"

namespace daedalus::clients {

// The parameter sets of a stream, by id. A PPS is read when a slice names it.
class H264ParameterSets {
 public:
  struct InForce {
    std::shared_ptr<const H264Sps> sps;
    std::shared_ptr<const H264Pps> pps;
  };
  Status add_sps(std::span<const uint8_t> nal);
  void add_pps(std::span<const uint8_t> nal);
  Result<InForce> find(uint32_t pps_id);
  // Most default reference counts of all sets that a slice has named.
  std::array<uint32_t, 2> most_references() const { return most_references_; }

 private:
  struct Stored {
    std::vector<uint8_t> nal;
    InForce read;
  };
  std::array<std::shared_ptr<const H264Sps>, 32> sps_;
  std::array<std::vector<uint8_t>, 32> sps_nals_;
  std::array<std::optional<Stored>, 256> pps_;
  std::array<uint32_t, 2> most_references_{};
};

// The picture whose slices are being gathered.
struct H264CurrentPicture {
  CodedPicture coded;
  H264SliceHeader first, last;
  H264ParameterSets::InForce sets;
  bool intra = true;                                              // no P or B slice
  std::array<int32_t, V4L2_H264_NUM_DPB_ENTRIES> order_counts{};  // of its references
};

// Shows what ffmpeg shows: nothing before the first picture that decodes exactly (an IDR picture, a
// recovery point, or an intra picture where nothing else can be waited for), and single fields only
// where a whole stream consists of them. Data partitions, auxiliary and redundant pictures and the
// layers and views of annexes G and H are passed over.
class H264Stream final : public StreamParser {
 public:
  Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) override;
  void flush(std::vector<Event>& events) override;

 private:
  Status take_nal(std::span<const uint8_t> nal, std::vector<Event>& events);
  Status take_slice(std::span<const uint8_t> nal, std::vector<Event>& events);
  void take_sei(std::span<const uint8_t> nal);
  bool starts_picture(const H264SliceHeader& header) const;
  bool completes_frame(const H264SliceHeader& header) const;
  void start_picture(const H264SliceHeader& header, H264ParameterSets::InForce sets,
                     std::vector<Event>& events);
  void change_sequence(const H264Sps& sps, std::vector<Event>& events);
  void fill_gap(const H264SliceHeader& header, const H264Sps& sps, std::vector<Event>& events);
  void describe(const H264SliceHeader& header);
  void note_recovery(const H264SliceHeader& header, const H264Sps& sps);
  bool intra_start(const H264SliceHeader& header, const H264Sps& sps) const;
  void end_picture(std::vector<Event>& events);
  void end_frame(std::vector<Event>& events);
  void show(const H264Dpb::Output& frames, std::vector<Event>& events);

  PictureSource pictures_;
  H264ParameterSets sets_;
  H264OrderCounter order_;
  H264Dpb dpb_;
  std::optional<H264CurrentPicture> current_;
  H264FramePtr frame_;                          // being decoded, or waiting for its second field
  std::optional<H264SliceHeader> first_field_;  // of frame_, which waits for its second
  std::shared_ptr<const H264Sps> sequence_;
  std::optional<uint32_t> reference_frame_num_;  // PrevRefFrameNum
  uint32_t single_fields_ = 0;                   // in a row
  // Recovery.
  std::optional<uint32_t> announced_recovery_;  // recovery_frame_cnt for the next picture
  std::optional<uint32_t> recovery_frame_num_;
  bool recovery_point_seen_ = false;
  bool idr_seen_ = false;
  bool showing_ = false;
};

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_H264_STREAM_H_
