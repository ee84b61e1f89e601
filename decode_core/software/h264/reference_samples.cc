#include "decode_core/software/h264/reference_samples.h"

#include <algorithm>

#include "decode_core/software/h264/picture_planes.h"

namespace daedalus::core::h264 {
namespace {

// Grey wherever it is looked at: reads outside give the nearest sample.
constexpr uint32_t kGreySize = 16;
constexpr std::array<uint8_t, kGreySize* kGreySize> kGrey = [] {
  std::array<uint8_t, kGreySize * kGreySize> samples{};
  samples.fill(128);
  return samples;
}();

FrameView grey_frame() {
  auto* samples = const_cast<uint8_t*>(kGrey.data());  // never written through
  FrameView view{SampleFormat::kNv12, kGreySize, kGreySize, {}};
  view.planes[0] = view.planes[1] = {samples, kGreySize};
  return view;
}

uint64_t content_of(uint64_t frame, PictureStructure structure) {
  if (structure == PictureStructure::kFrame) return frame;
  return gpu_kernels::field_content(frame, structure == PictureStructure::kBottomField);
}

}  // namespace

ReferenceSamples::ReferenceSamples(std::span<const std::optional<FrameView>> references,
                                   const FrameView& target, PictureStructure structure,
                                   std::span<const uint64_t> contents)
    : target_(target.planes[0].data), written_(structure) {
  std::array<Frame, kEntries> frames;
  Frame substitute{grey_frame()};
  Frame first_field = substitute;
  for (size_t i = std::min(references.size(), kEntries); i-- != 0;) {
    if (!references[i].has_value()) continue;
    frames[i] = {*references[i], contents.empty() ? 0 : contents[i]};
    half_written_[i] = is_target(*references[i]);
    present_[i] = !half_written_[i] || structure != PictureStructure::kFrame;
    if (present_[i]) (half_written_[i] ? first_field : substitute) = frames[i];
  }
  if (substitute.view.planes[0].data == kGrey.data()) substitute = first_field;
  set(kEntries, substitute);
  for (size_t i = 0; i < kEntries; ++i) set(i, present_[i] ? frames[i] : substitute);
}

void ReferenceSamples::set(size_t entry, const Frame& from) {
  const FrameView& frame = from.view;
  gpu_kernels::H264McReference* views = &pictures_[entry * kViews];
  const auto view_of = [&](PictureStructure structure, int8_t chroma_offset) {
    const PicturePlanes planes = planes_of(frame, structure);
    const uint32_t height = structure == PictureStructure::kFrame ? frame.height : frame.height / 2;
    return gpu_kernels::H264McReference{
        planes.luma, planes.chroma, planes.luma_stride, planes.chroma_stride,
        frame.width, height,        chroma_offset,      content_of(from.content, structure)};
  };
  // Table 8-9.
  views[0] = view_of(PictureStructure::kFrame, 0);
  views[1] = view_of(PictureStructure::kTopField, 0);
  views[2] = view_of(PictureStructure::kBottomField, -2);
  views[3] = view_of(PictureStructure::kTopField, 2);
  views[4] = view_of(PictureStructure::kBottomField, 0);
  if (!is_target(frame)) return;
  if (written_ == PictureStructure::kTopField) views[1] = views[2];
  if (written_ == PictureStructure::kBottomField) views[4] = views[3];
}

uint8_t ReferenceSamples::index_of(uint8_t entry, PictureStructure structure,
                                   PictureStructure current) const {
  const size_t known = entry < kEntries ? entry : kEntries;
  size_t view = 0;
  if (current != PictureStructure::kFrame) {
    view = (current == PictureStructure::kTopField ? 1u : 3u) +
           (structure == PictureStructure::kBottomField ? 1u : 0u);
  }
  return static_cast<uint8_t>(known * kViews + view);
}

uint8_t ReferenceSamples::substitute_for(PictureStructure current) const {
  return index_of(kEntries, current, current);
}

bool ReferenceSamples::is_missing(uint8_t entry, PictureStructure structure) const {
  return entry >= kEntries || !present_[entry] || (half_written_[entry] && structure == written_);
}

}  // namespace daedalus::core::h264
