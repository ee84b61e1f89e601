#include "decode_core/software/h264/pictures.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "decode_core/picture.h"
#include "gpu_kernels/mc/h264.h"
#include "gpu_kernels/pack/pack.h"

namespace daedalus::core::h264 {
namespace {

constexpr size_t kAlignment = FrameMemory::kAlignment;
// SIMD loads run over the end of the last row.
constexpr size_t kTail = 64;

// Rows of neighbouring lines must not fall into the same sets of the cache.
size_t stride_of(uint32_t width) {
  constexpr size_t kConflict = 1024;
  const size_t stride = (width + kAlignment - 1) / kAlignment * kAlignment;
  return stride % kConflict == 0 ? stride + kAlignment : stride;
}

uint32_t even(uint32_t size) { return size + size % 2; }

bool is_usable(const FrameView& frame) {
  return frame.format == SampleFormat::kNv12 && frame.width % 2 == 0 && frame.height % 2 == 0 &&
         frame.width != 0 && frame.height != 0;
}

// Repeats the last column and row where an odd size was rounded up.
void extend(const Plane& plane, size_t width, size_t height, size_t full_width,
            size_t full_height) {
  for (size_t y = 0; y < height && width < full_width; ++y) {
    uint8_t* row = plane.data + y * plane.stride;
    std::memset(row + width, row[width - 1], full_width - width);
  }
  for (size_t y = height; y < full_height; ++y) {
    std::memcpy(plane.data + y * plane.stride, plane.data + (height - 1) * plane.stride,
                full_width);
  }
}

bool is_pending(const std::weak_ptr<const Picture>& picture) {
  const auto found = picture.lock();
  return found != nullptr && found->state() == Picture::State::kPending;
}

}  // namespace

PictureStructure structure_of(const DecodeJob& job) {
  if (job.field == FieldRole::kFrame) return PictureStructure::kFrame;
  const auto& parameters = std::get<H264Parameters>(job.parameters);
  return (parameters.decode.flags & V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD) != 0
             ? PictureStructure::kBottomField
             : PictureStructure::kTopField;
}

Pictures::Kept* Pictures::find(uint64_t id) {
  const auto found =
      std::find_if(kept_.begin(), kept_.end(), [id](const Kept& kept) { return kept.id == id; });
  return found == kept_.end() ? nullptr : &*found;
}

Result<JobPictures> Pictures::begin(const DecodeJob& job) {
  drop_others(job);
  JobPictures pictures;
  for (const auto& reference : job.references) {
    const Kept* kept = reference == nullptr ? nullptr : find_or_convert(reference);
    if (kept == nullptr) {
      pictures.references.emplace_back();
      pictures.motions.emplace_back();
      pictures.contents.push_back(0);
      continue;
    }
    pictures.references.emplace_back(kept->frame.view);
    pictures.motions.push_back(kept->motion);
    pictures.contents.push_back(kept->content);
    pictures.held.push_back(kept->frame);
  }
  auto target = target_of(job);
  if (!target) return target.error();
  pictures.target = std::move(*target);
  return pictures;
}

void Pictures::drop_others(const DecodeJob& job) {
  std::erase_if(kept_, [&](const Kept& kept) {
    return kept.id != job.target->id() && !is_pending(kept.picture) &&
           std::none_of(job.references.begin(), job.references.end(), [&](const auto& reference) {
             return reference != nullptr && reference->id() == kept.id;
           });
  });
}

const Pictures::Kept* Pictures::find_or_convert(const std::shared_ptr<Picture>& picture) {
  if (const Kept* kept = find(picture->id())) return kept;
  const auto frame = picture->frame();
  if (!frame.has_value()) return nullptr;
  if (is_usable(frame->view)) {
    kept_.push_back({picture->id(), picture, *frame, {}, 0});
  } else {
    auto converted = convert(frame->view);
    if (!converted) return nullptr;
    kept_.push_back({picture->id(), picture, std::move(*converted), {}, 0});
  }
  return &kept_.back();
}

Result<FrameBuffer> Pictures::target_of(const DecodeJob& job) {
  const uint32_t width = job.coded_width();
  const uint32_t height = job.coded_height();
  Kept* kept = find(job.target->id());
  if (job.field == FieldRole::kSecondField && kept != nullptr && kept->frame.view.width == width &&
      kept->frame.view.height == height) {
    kept->content = gpu_kernels::new_h264_content();
    return kept->frame;
  }
  auto frame = allocate(width, height);
  if (!frame) return frame.error();
  if (kept == nullptr) kept = &kept_.emplace_back();
  *kept = {job.target->id(), job.target, *frame, {}, gpu_kernels::new_h264_content()};
  return frame;
}

void Pictures::keep_motion(const DecodeJob& job, std::shared_ptr<const MotionField> motion) {
  Kept* kept = find(job.target->id());
  if (kept == nullptr) return;
  switch (structure_of(job)) {
    case PictureStructure::kFrame:
      kept->motion.frame = std::move(motion);
      break;
    case PictureStructure::kTopField:
      kept->motion.top = std::move(motion);
      break;
    case PictureStructure::kBottomField:
      kept->motion.bottom = std::move(motion);
      break;
  }
}

void Pictures::drop_target(const DecodeJob& job) {
  if (job.field != FieldRole::kSecondField) drop(job.target->id());
}

void Pictures::drop(uint64_t id) {
  std::erase_if(kept_, [id](const Kept& kept) { return kept.id == id; });
}

Result<FrameBuffer> Pictures::allocate(uint32_t width, uint32_t height) {
  const size_t stride = stride_of(width);
  const size_t luma = stride * height;
  auto memory = pool_.allocate(luma + stride * (height / 2) + kTail);
  if (!memory) return memory.error();
  FrameBuffer frame{{SampleFormat::kNv12, width, height, {}}, *memory};
  frame.view.planes[0] = {(*memory)->data(), stride};
  frame.view.planes[1] = {(*memory)->data() + luma, stride};
  return frame;
}

Result<FrameBuffer> Pictures::convert(const FrameView& from) {
  if (is_wide(from.format) || from.width == 0 || from.height == 0) {
    return Error{ErrorCode::kUnsupported, "a reference of other than 8 bits"};
  }
  auto frame = allocate(even(from.width), even(from.height));
  if (!frame) return frame;
  const auto& pack = gpu_kernels::pack_functions(gpu_kernels::Substrate::kAuto);
  const auto source = [&](size_t plane) {
    return gpu_kernels::SourcePlane{from.planes[plane].data,
                                    static_cast<ptrdiff_t>(from.planes[plane].stride)};
  };
  const auto target = [&](size_t plane) {
    return gpu_kernels::TargetPlane{frame->view.planes[plane].data,
                                    static_cast<ptrdiff_t>(frame->view.planes[plane].stride)};
  };
  pack.copy_8(source(0), target(0), {from.width, 0, from.height});
  extend(frame->view.planes[0], from.width, from.height, frame->view.width, frame->view.height);
  const gpu_kernels::Band chroma{gpu_kernels::chroma_420(from.width), 0,
                                 gpu_kernels::chroma_420(from.height)};
  if (from.format == SampleFormat::kNv12) {
    pack.copy_8(source(1), target(1), {chroma.width * 2, 0, chroma.end_row});
  } else {
    pack.interleave_8(source(1), source(2), target(1), chroma);
  }
  return frame;
}

}  // namespace daedalus::core::h264
