#include "test/tools/parsed_stream/h264_stream_writer.h"

#include <algorithm>

namespace daedalus::test {
namespace {

void append_unit(std::vector<uint8_t>& stream, const std::vector<uint8_t>& nal) {
  for (const uint8_t byte : {0, 0, 0, 1}) stream.push_back(byte);
  std::ranges::copy(nal, std::back_inserter(stream));
}

}  // namespace

headers::H264SliceHeader H264StreamWriter::header(const TestPicture& picture) const {
  headers::H264SliceHeader header;
  header.nal.valid = true;
  header.nal.ref_idc = picture.reference ? 1 : 0;
  header.nal.type = picture.idr ? headers::H264NalType::kSliceIdr : headers::H264NalType::kSlice;
  header.slice.slice_type =
      picture.idr || picture.intra ? V4L2_H264_SLICE_TYPE_I : V4L2_H264_SLICE_TYPE_P;
  header.decode.frame_num = picture.frame_num;
  header.decode.pic_order_cnt_lsb = picture.order;
  header.field_pic = picture.structure != Structure::kFrame;
  header.bottom_field = picture.structure == Structure::kBottom;
  header.marking = picture.marking;
  header.adaptive_marking = !picture.marking.empty();
  header.long_term_reference = picture.long_term_reference;
  return header;
}

std::vector<uint8_t> H264StreamWriter::parameter_sets() const {
  std::vector<uint8_t> stream;
  append_unit(stream, write_sps(sps));
  append_unit(stream, write_pps(sps, pps));
  return stream;
}

std::vector<uint8_t> H264StreamWriter::slice(const TestPicture& picture, uint32_t first_mb) const {
  headers::H264SliceHeader written = header(picture);
  written.slice.first_mb_in_slice = first_mb;
  std::vector<uint8_t> stream;
  append_unit(stream, write_slice(written, context()));
  return stream;
}

H264StreamWriter frames_of(uint8_t max_num_ref_frames) {
  H264StreamWriter writer;
  writer.sps.control.max_num_ref_frames = max_num_ref_frames;
  return writer;
}

H264StreamWriter fields_of(uint8_t max_num_ref_frames) {
  H264StreamWriter writer = frames_of(max_num_ref_frames);
  writer.sps.control.flags = V4L2_H264_SPS_FLAG_DIRECT_8X8_INFERENCE;
  return writer;
}

headers::H264MarkingOperation unmark_short(uint32_t difference_minus1) {
  return {1, difference_minus1, 0, 0, 0};
}
headers::H264MarkingOperation unmark_long(uint32_t number) { return {2, 0, number, 0, 0}; }
headers::H264MarkingOperation make_long(uint32_t difference_minus1, uint32_t idx) {
  return {3, difference_minus1, 0, idx, 0};
}
headers::H264MarkingOperation limit_long(uint32_t plus1) { return {4, 0, 0, 0, plus1}; }
headers::H264MarkingOperation reset_marking() { return {5, 0, 0, 0, 0}; }
headers::H264MarkingOperation current_long(uint32_t idx) { return {6, 0, 0, idx, 0}; }

int ParsedPictures::number_of(const core::Picture* picture) {
  if (picture == nullptr) return -1;
  const auto at = std::ranges::find(pictures_, picture);
  return at == pictures_.end() ? -2 : static_cast<int>(at - pictures_.begin());
}

void ParsedPictures::add(const std::vector<parsed_stream::Event>& events) {
  for (const parsed_stream::Event& event : events) {
    if (const auto* output = std::get_if<parsed_stream::OutputEvent>(&event)) {
      shown.push_back(number_of(output->picture.get()));
      visible = output->visible;
      continue;
    }
    const core::DecodeJob& job = std::get<parsed_stream::DecodeEvent>(event).job;
    if (number_of(job.target.get()) < 0) {
      pictures_.push_back(job.target.get());
      kept_.push_back(job.target);
    }
    Job entry{number_of(job.target.get()),
              job.field,
              std::get<core::H264Parameters>(job.parameters).decode,
              {},
              job.slices.size()};
    for (const auto& reference : job.references) {
      entry.references.push_back(number_of(reference.get()));
    }
    jobs.push_back(std::move(entry));
  }
}

ParsedPictures parse(const H264StreamWriter& writer, const std::vector<TestPicture>& pictures) {
  const auto parser = parsed_stream::create_h264_parser();
  std::vector<parsed_stream::Event> events;
  ParsedPictures parsed;
  const auto feed = [&](const std::vector<uint8_t>& packet) {
    const Status status = parser->parse(packet, events);
    if (!status.ok()) parsed.error = status.error().message;
  };
  feed(writer.parameter_sets());
  for (const TestPicture& picture : pictures) feed(writer.slice(picture));
  parser->flush(events);
  parsed.add(events);
  return parsed;
}

}  // namespace daedalus::test
