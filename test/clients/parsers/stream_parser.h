// StreamParser: a coded stream as the requests of a V4L2 stateless client: the controls of each
// picture, its bytes, the pictures that it refers to, and the order of display. All but HEVC and
// AV1 are independent of the decoder's own header parsers: a client that shared them would share
// their mistakes.
#ifndef DAEDALUS_TEST_CLIENTS_PARSERS_STREAM_PARSER_H_
#define DAEDALUS_TEST_CLIENTS_PARSERS_STREAM_PARSER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::clients {

// A picture's identity. The pointer lives as long as the stream may still refer to the picture or
// show it.
struct Picture {
  uint64_t timestamp = 0;  // ns, a multiple of 1000; unique in the stream and never 0
};
using PicturePtr = std::shared_ptr<const Picture>;

// Luma samples.
struct Rectangle {
  uint32_t left = 0, top = 0, width = 0, height = 0;
  bool operator==(const Rectangle&) const = default;
};

// What buffers must hold.
struct PictureFormat {
  uint32_t width = 0, height = 0;  // coded size, luma samples
  int bit_depth = 8;
  int chroma_format_idc = 1;  // 0: 4:0:0, 1: 4:2:0, 2: 4:2:2, 3: 4:4:4
  bool operator==(const PictureFormat&) const = default;
};

struct H264Controls {
  v4l2_ctrl_h264_sps sps{};
  v4l2_ctrl_h264_pps pps{};
  v4l2_ctrl_h264_scaling_matrix scaling_matrix{};
  v4l2_ctrl_h264_decode_params decode{};
};
struct Vp9Controls {
  v4l2_ctrl_vp9_frame frame{};
  v4l2_ctrl_vp9_compressed_hdr compressed{};
};
struct Vp8Controls {
  v4l2_ctrl_vp8_frame frame{};
};
struct Mpeg2Controls {
  v4l2_ctrl_mpeg2_sequence sequence{};
  v4l2_ctrl_mpeg2_picture picture{};
  v4l2_ctrl_mpeg2_quantisation quantisation{};
};
struct HevcControls {
  v4l2_ctrl_hevc_sps sps{};
  v4l2_ctrl_hevc_pps pps{};
  v4l2_ctrl_hevc_scaling_matrix scaling_matrix{};
  v4l2_ctrl_hevc_decode_params decode{};
};
struct Av1Controls {
  v4l2_ctrl_av1_sequence sequence{};
  v4l2_ctrl_av1_frame frame{};
  v4l2_ctrl_av1_film_grain film_grain{};
  std::vector<v4l2_ctrl_av1_tile_group_entry> tiles;
};
using Controls =
    std::variant<H264Controls, Vp9Controls, Vp8Controls, Mpeg2Controls, HevcControls, Av1Controls>;

// Of one slice. H.264: for decoders that take them one by one.
struct H264SliceControls {
  v4l2_ctrl_h264_slice_params slice{};
  v4l2_ctrl_h264_pred_weights weights{};
  bool weighted = false;  // weights mean something (V4L2_H264_CTRL_PRED_WEIGHTS_REQUIRED)
};

struct HevcSliceControls {
  v4l2_ctrl_hevc_slice_params slice{};
  std::vector<uint32_t> entry_point_offsets;  // bytes
};
using SliceControls = std::variant<H264SliceControls, HevcSliceControls>;

enum class Field : uint8_t { kFrame, kFirst, kSecond };

// One request: a frame or a field.
struct CodedPicture {
  Controls controls;  // every *_ts filled in
  std::vector<uint8_t>
      bitstream;  // H.264, HEVC: slices, each behind 00 00 01; else as the kernel's document says
  std::vector<uint32_t> slices;  // H.264, HEVC: where each NAL unit begins, behind its start code
  std::vector<SliceControls> slice_controls;  // H.264, HEVC: parallel to `slices`
  PictureFormat format;
  Field field = Field::kFrame;
  PicturePtr target;  // of both fields the same
  // Whatever the controls' timestamps name, in their order (H.264, HEVC dpb; last, golden, altref;
  // forward, backward; AV1's slots); null: a picture that never was.
  std::vector<PicturePtr> references;
};

// The next picture in display order.
struct ShownPicture {
  PicturePtr picture;
  Rectangle visible;
};

using Event = std::variant<CodedPicture, ShownPicture>;

// One stream. Not thread-safe. Damaged input yields fewer or odd events and an error that says what
// was skipped; parsing goes on with the next packet.
class StreamParser {
 public:
  virtual ~StreamParser() = default;
  // H.264, HEVC and MPEG-2: an access unit with start codes; VP9: a (super)frame; VP8: a frame;
  // AV1: a temporal unit.
  virtual Status parse(std::span<const uint8_t> packet, std::vector<Event>& events) = 0;
  virtual void flush(std::vector<Event>& events) = 0;
};

// Null for a codec that no client here parses.
std::unique_ptr<StreamParser> create_parser(core::Codec codec);

// Makes the pictures of one stream.
class PictureSource {
 public:
  PicturePtr make() { return std::make_shared<const Picture>(Picture{next_ += 1000}); }
  // A timestamp that no picture has.
  uint64_t unused_timestamp() { return next_ += 1000; }

 private:
  uint64_t next_ = 0;
};

inline uint64_t timestamp_of(const PicturePtr& picture) { return picture ? picture->timestamp : 0; }

}  // namespace daedalus::clients

#endif  // DAEDALUS_TEST_CLIENTS_PARSERS_STREAM_PARSER_H_
