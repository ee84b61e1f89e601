#include "tools/parsed_stream/mpeg2_parser.h"

#include <utility>

namespace daedalus::parsed_stream {
namespace {

// Start code, quantiser_scale_code and the first bit of a macroblock need more than this.
constexpr size_t kMinSliceBytes = 6;

uint32_t round_up(uint32_t value, uint32_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Whether a decoder's frames of sequence `a` cannot go on in `b`.
bool breaks(const headers::Mpeg2Sequence& a, const headers::Mpeg2Sequence& b) {
  const v4l2_ctrl_mpeg2_sequence& from = a.control;
  const v4l2_ctrl_mpeg2_sequence& to = b.control;
  const bool other_coded_height =
      from.flags != to.flags && round_up(to.vertical_size, 16) != round_up(to.vertical_size, 32);
  return from.horizontal_size != to.horizontal_size || from.vertical_size != to.vertical_size ||
         a.aspect_ratio_information != b.aspect_ratio_information ||
         from.chroma_format != to.chroma_format || other_coded_height;
}

}  // namespace

Status Mpeg2Parser::parse(std::span<const uint8_t> packet, std::vector<Event>& events) {
  Status first_error;
  headers::Mpeg2UnitReader units(packet);
  while (const auto unit = units.next()) {
    Status status = parse_unit(*unit, events);
    if (!status.ok() && first_error.ok()) first_error = std::move(status);
  }
  end_picture(events);
  return first_error;
}

void Mpeg2Parser::flush(std::vector<Event>& events) {
  end_picture(events);
  if (future_to_show_) events.push_back(future_);
  future_to_show_ = false;
  past_ = future_ = {};
  open_frame_.reset();
}

Status Mpeg2Parser::parse_unit(const headers::Mpeg2Unit& unit, std::vector<Event>& events) {
  if (unit.slice()) {
    if (!headers_.has_picture() || left_out_) return {};
    if (unit.bytes.size() < kMinSliceBytes) {
      return Error{ErrorCode::kCorrupt, "MPEG-2: a slice is too short"};
    }
    if (!job_) begin_picture();
    if (!left_out_) add_slice(unit.bytes);
    return {};
  }
  if (unit.code() != headers::kMpeg2Extension && unit.code() != headers::kMpeg2UserData) {
    end_picture(events);
  }
  if (unit.code() == headers::kMpeg2PictureStart) left_out_ = false;
  return headers_.parse(unit);
}

void Mpeg2Parser::begin_sequence() {
  if (sequence_ && breaks(*sequence_, headers_.sequence())) {
    past_ = future_ = {};
    future_to_show_ = false;
    open_frame_.reset();
  }
  sequence_ = headers_.sequence();
}

bool Mpeg2Parser::is_second_field(const headers::Mpeg2Picture& picture) const {
  return open_frame_ && !picture.frame() &&
         picture.control.picture_structure != open_frame_->first_structure &&
         picture.bidirectional() == open_frame_->bidirectional;
}

// Begins job_, or sets left_out_.
void Mpeg2Parser::begin_picture() {
  begin_sequence();
  const headers::Mpeg2Picture& picture = headers_.picture();
  const bool second_field = is_second_field(picture);
  if (!second_field) {
    open_frame_.reset();
    left_out_ = picture.bidirectional() && past_.picture == nullptr && !headers_.closed_gop();
    if (left_out_) return;
    begin_frame(picture);
  }

  core::DecodeJob& job = job_.emplace();
  job.parameters =
      core::Mpeg2Parameters{sequence_->control, picture.control, headers_.quantisation()};
  job.target = current_.picture;
  if (!picture.frame()) {
    job.field = second_field ? core::FieldRole::kSecondField : core::FieldRole::kFirstField;
  }
  if (picture.bidirectional()) {
    job.references = {past_.picture, future_.picture};
  } else if (picture.control.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_P) {
    // A second field without an earlier frame refers to its own first field alone (7.6.2.1).
    const bool own_field = second_field && past_.picture == nullptr;
    job.references = {own_field ? job.target : past_.picture, nullptr};
  }
  if (second_field) {
    open_frame_.reset();
  } else if (!picture.frame()) {
    open_frame_ = OpenFrame{picture.control.picture_structure, picture.bidirectional()};
  }
}

void Mpeg2Parser::begin_frame(const headers::Mpeg2Picture& picture) {
  const v4l2_ctrl_mpeg2_sequence& control = sequence_->control;
  current_ = {std::make_shared<core::Picture>(),
              {0, 0, control.horizontal_size, control.vertical_size}};
  if (picture.bidirectional()) return;
  if (future_to_show_) due_ = future_;
  past_ = std::move(future_);
  future_ = current_;
  future_to_show_ = !sequence_->low_delay;
}

void Mpeg2Parser::add_slice(std::span<const uint8_t> slice) {
  job_->slices.push_back(
      {static_cast<uint32_t>(job_->bitstream.size()), static_cast<uint32_t>(slice.size())});
  job_->bitstream.insert(job_->bitstream.end(), slice.begin(), slice.end());
}

void Mpeg2Parser::end_picture(std::vector<Event>& events) {
  left_out_ = true;
  if (!job_) return;
  const auto& picture = std::get<core::Mpeg2Parameters>(job_->parameters).picture;
  const bool bidirectional = picture.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_B;
  events.push_back(DecodeEvent{std::move(*job_)});
  job_.reset();
  if (due_) events.push_back(*due_);
  due_.reset();
  const bool complete = !open_frame_;
  if (complete && (bidirectional || sequence_->low_delay)) events.push_back(current_);
}

std::unique_ptr<Parser> create_mpeg2_parser() { return std::make_unique<Mpeg2Parser>(); }

}  // namespace daedalus::parsed_stream
