// Writes H.264 streams of headers alone, picture by picture, for tests of reference marking and
// output order.
#ifndef DAEDALUS_TEST_TOOLS_PARSED_STREAM_H264_STREAM_WRITER_H_
#define DAEDALUS_TEST_TOOLS_PARSED_STREAM_H264_STREAM_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "decode_core/headers/h264_slice_header.h"
#include "test/decode_core/headers/h264_writer.h"
#include "tools/parsed_stream/parser.h"

namespace daedalus::test {

enum class Structure : uint8_t { kFrame, kTop, kBottom };

// One picture; what is not said is 0 or absent.
struct TestPicture {
  uint16_t frame_num = 0;
  uint16_t order = 0;  // pic_order_cnt_lsb
  bool reference = true;
  bool idr = false;
  bool intra = false;  // of another than an IDR picture
  Structure structure = Structure::kFrame;
  std::vector<headers::H264MarkingOperation> marking = {};  // adaptive where there are any
  bool long_term_reference = false;                         // of an IDR picture
};

struct H264StreamWriter {
  headers::H264Sps sps = simple_sps();
  headers::H264Pps pps = simple_pps();

  headers::H264SliceContext context() const { return {sps.control, pps.control}; }
  headers::H264SliceHeader header(const TestPicture& picture) const;
  // With start codes.
  std::vector<uint8_t> parameter_sets() const;
  std::vector<uint8_t> slice(const TestPicture& picture, uint32_t first_mb = 0) const;
};

// Frames only, or fields and frames.
H264StreamWriter frames_of(uint8_t max_num_ref_frames);
H264StreamWriter fields_of(uint8_t max_num_ref_frames);

// Operations of 7.3.3.3.
headers::H264MarkingOperation unmark_short(uint32_t difference_minus1);
headers::H264MarkingOperation unmark_long(uint32_t number);
headers::H264MarkingOperation make_long(uint32_t difference_minus1, uint32_t idx);
headers::H264MarkingOperation limit_long(uint32_t plus1);
headers::H264MarkingOperation reset_marking();
headers::H264MarkingOperation current_long(uint32_t idx);

// What a parser made of a stream: pictures are numbered from 0 in decoding order (of frames).
struct ParsedPictures {
  struct Job {
    int picture;
    core::FieldRole field;
    v4l2_ctrl_h264_decode_params decode;
    std::vector<int> references;  // parallel to decode.dpb; -1: none
    size_t slices;
  };
  std::vector<Job> jobs;
  std::vector<int> shown;
  core::Rect visible;  // of the last one shown
  std::string error;   // the last; empty: none

  // Appends; pictures keep their numbers from call to call.
  void add(const std::vector<parsed_stream::Event>& events);

 private:
  int number_of(const core::Picture* picture);
  std::vector<const core::Picture*> pictures_;
  std::vector<std::shared_ptr<core::Picture>> kept_;  // so that no address is used twice
};

// Parameter sets, one packet a picture, then the end.
ParsedPictures parse(const H264StreamWriter& writer, const std::vector<TestPicture>& pictures);

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_TOOLS_PARSED_STREAM_H264_STREAM_WRITER_H_
