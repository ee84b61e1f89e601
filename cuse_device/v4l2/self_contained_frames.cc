#include "cuse_device/v4l2/self_contained_frames.h"

#include <utility>

#include "decode_core/headers/mpeg2_start_code.h"
#include "decode_core/headers/vp9_superframe.h"

namespace daedalus::v4l2 {
namespace {

core::DecodeJob whole_frame(std::span<const uint8_t> data) {
  core::DecodeJob job;
  job.bitstream.assign(data.begin(), data.end());
  job.slices = {{0, static_cast<uint32_t>(data.size())}};
  job.target = std::make_shared<core::Picture>();
  return job;
}

}  // namespace

Result<SelfContainedFrames::Frame> SelfContainedFrames::parse(core::Codec codec,
                                                              std::span<const uint8_t> data) {
  Frame frame;
  Status status = Error{ErrorCode::kUnsupported, "H.264 pictures need requests"};
  if (codec == core::Codec::kVp8) status = parse_vp8(data, &frame);
  if (codec == core::Codec::kVp9) status = parse_vp9(data, &frame);
  if (codec == core::Codec::kMpeg2) status = parse_mpeg2(data, &frame);
  if (!status.ok()) return status.error();
  return frame;
}

// References are updated as RFC 6386 9.7 says; both copies take the buffers as they were.
Status SelfContainedFrames::parse_vp8(std::span<const uint8_t> data, Frame* out) {
  const auto header = vp8_.parse(data);
  if (!header.ok()) return header.error();
  vp8_.update(*header);
  core::DecodeJob job = whole_frame(data);
  job.parameters = core::Vp8Parameters{header->frame};
  const PicturePtr last = vp8_references_[0];
  const PicturePtr golden = vp8_references_[1];
  const PicturePtr alternate = vp8_references_[2];
  job.references = {last, golden, alternate};
  if (header->tag.key_frame) job.references = {nullptr, nullptr, nullptr};
  const auto next = [&](bool refresh, headers::Vp8BufferCopy copy, const PicturePtr& own,
                        const PicturePtr& other) {
    if (refresh) return job.target;
    if (copy == headers::Vp8BufferCopy::kLast) return last;
    return copy == headers::Vp8BufferCopy::kOther ? other : own;
  };
  vp8_references_ = {header->refresh_last ? job.target : last,
                     next(header->refresh_golden, header->copy_to_golden, golden, alternate),
                     next(header->refresh_alternate, header->copy_to_alternate, alternate, golden)};
  out->profile = core::Profile::kVp8;
  out->picture = job.target;
  out->jobs.push_back(std::move(job));
  return {};
}

Status SelfContainedFrames::parse_vp9(std::span<const uint8_t> data, Frame* out) {
  const auto superframe = headers::split_vp9_superframe(data);
  if (!superframe.ok()) return superframe.error();
  for (const auto frame : superframe->frames()) {
    const auto header = vp9_.parse(frame);
    if (!header.ok()) return header.error();
    if (header->show_existing_frame) {
      out->picture = vp9_slots_[header->show_existing_slot];
      if (!out->picture) return Error{ErrorCode::kCorrupt, "VP9: the frame to show is missing"};
      continue;
    }
    vp9_.update(*header);
    core::DecodeJob job = whole_frame(frame);
    job.parameters = core::Vp9Parameters{header->frame};
    job.refresh_frame_flags = header->refresh_frame_flags;
    for (const uint8_t slot : header->ref_frame_idx) {
      job.references.push_back(header->intra() ? nullptr : vp9_slots_[slot]);
    }
    for (size_t slot = 0; slot < vp9_slots_.size(); ++slot) {
      if (header->refresh_frame_flags >> slot & 1) vp9_slots_[slot] = job.target;
    }
    out->profile =
        header->frame.bit_depth == 10 ? core::Profile::kVp9Profile2 : core::Profile::kVp9Profile0;
    out->picture = job.target;
    out->jobs.push_back(std::move(job));
  }
  return {};
}

// A frame, or both fields of one.
Status SelfContainedFrames::parse_mpeg2(std::span<const uint8_t> data, Frame* out) {
  headers::Mpeg2UnitReader units(data);
  bool in_picture = false;
  while (const auto unit = units.next()) {
    if (!unit->slice()) {
      in_picture = false;
      if (Status status = mpeg2_.parse(*unit); !status.ok()) return status;
      continue;
    }
    if (!mpeg2_.has_picture()) continue;
    if (!in_picture) {
      if (out->jobs.size() == 2) {
        return Error{ErrorCode::kCorrupt, "MPEG-2: more than two pictures in a buffer"};
      }
      out->jobs.push_back(begin_mpeg2(out));
    }
    in_picture = true;
    core::DecodeJob& job = out->jobs.back();
    job.slices.push_back(
        {static_cast<uint32_t>(job.bitstream.size()), static_cast<uint32_t>(unit->bytes.size())});
    job.bitstream.insert(job.bitstream.end(), unit->bytes.begin(), unit->bytes.end());
  }
  if (out->jobs.empty()) return Error{ErrorCode::kCorrupt, "MPEG-2: no picture in a buffer"};
  return {};
}

core::DecodeJob SelfContainedFrames::begin_mpeg2(Frame* out) {
  const headers::Mpeg2Picture& picture = mpeg2_.picture();
  core::DecodeJob job;
  job.parameters =
      core::Mpeg2Parameters{mpeg2_.sequence().control, picture.control, mpeg2_.quantisation()};
  const bool second = !out->jobs.empty() && !picture.frame() &&
                      out->jobs.back().field == core::FieldRole::kFirstField;
  job.target = second ? out->picture : std::make_shared<core::Picture>();
  if (!picture.frame()) {
    job.field = second ? core::FieldRole::kSecondField : core::FieldRole::kFirstField;
  }
  if (picture.bidirectional()) {
    job.references = {mpeg2_references_[0], mpeg2_references_[1]};
  } else {
    // The newer frame is the one to predict from; of a second field, its own first field also
    // counts.
    const bool predicted = picture.control.picture_coding_type == V4L2_MPEG2_PIC_CODING_TYPE_P;
    const PicturePtr& before = second ? mpeg2_references_[0] : mpeg2_references_[1];
    const PicturePtr& forward = second && !before ? job.target : before;
    job.references = {predicted ? forward : nullptr, nullptr};
    if (!second) mpeg2_references_ = {std::move(mpeg2_references_[1]), job.target};
  }
  const bool simple = mpeg2_.sequence().control.profile_and_level_indication >> 4 == 5;
  out->profile = simple ? core::Profile::kMpeg2Simple : core::Profile::kMpeg2Main;
  out->picture = job.target;
  return job;
}

}  // namespace daedalus::v4l2
