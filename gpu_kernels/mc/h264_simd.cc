// Inter prediction in Highway, compiled once for each SIMD target: finds a block's samples, inside
// the reference or in a copy with extended edges, and calls the kernels.
#include "gpu_kernels/mc/h264_tables.h"
#include "gpu_kernels/vectors_128.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gpu_kernels/mc/h264_simd.cc"
#include "hwy/foreach_target.h"  // before highway.h
#include "hwy/highway.h"

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
#include "gpu_kernels/mc/h264_chroma-inl.h"
#include "gpu_kernels/mc/h264_luma-inl.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace daedalus::gpu_kernels::mc {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// A CPU with no SIMD target: the reference itself beats emulated vectors.
const H264McFunctions* h264_target_functions() { return &h264_scalar_functions(); }

#else

namespace {

// A block of a picture, or of memory that takes a prediction aside.
struct Target {
  uint8_t* luma;
  uint8_t* chroma;  // null: luma alone
  ptrdiff_t luma_stride;
  ptrdiff_t chroma_stride;
};

// 21 columns of 21 rows at most.
constexpr ptrdiff_t kEdgeStride = 32;
struct EdgeBuffer {
  HWY_ALIGN uint8_t bytes[21 * kEdgeStride];
};

// The kernels where the box that they read is not inside the picture, from a copy.
template <bool kAverage>
HWY_NOINLINE void predict_luma_beyond(const H264Plane& plane, const H264Box& box, int x, int y,
                                      Strip block, int width, int fx, int fy) {
  EdgeBuffer buffer;
  copy_extended_bytes(plane, box, buffer.bytes, kEdgeStride);
  block.from = buffer.bytes + (y - box.y) * kEdgeStride + (x - box.x);
  block.from_stride = kEdgeStride;
  predict_luma<kAverage>(block, width, fx, fy);
}

template <bool kAverage>
HWY_NOINLINE void predict_chroma_beyond(const H264Plane& plane, const H264Box& box, Strip block,
                                        int bytes, int fx, int fy) {
  EdgeBuffer buffer;
  copy_extended_pairs(plane, box, buffer.bytes, kEdgeStride);
  block.from = buffer.bytes;
  block.from_stride = kEdgeStride;
  predict_chroma<kAverage>(block, bytes, fx, fy);
}

template <bool kAverage>
void predict_luma_of(const H264Prediction& p, size_t list, const H264McReference& reference,
                     const Target& target) {
  const int fx = p.vector[list][0] & 3;
  const int fy = p.vector[list][1] & 3;
  const int x = p.x + (p.vector[list][0] >> 2);
  const int y = p.y + (p.vector[list][1] >> 2);
  // What predict_luma() reads.
  const int left = fx != 0 ? 2 : 0;
  const int above = fy != 0 ? 2 : 0;
  const H264Box box = {x - left, y - above, left + p.width + (fx != 0 ? 3 : 0),
                       above + p.height + (fy != 0 ? 3 : 0)};
  Strip block = {nullptr, reference.luma_stride, target.luma, target.luma_stride, p.height};
  if (HWY_LIKELY(box.is_inside(reference.width, reference.height))) {
    block.from = reference.luma + y * reference.luma_stride + x;
    predict_luma<kAverage>(block, p.width, fx, fy);
  } else {
    predict_luma_beyond<kAverage>(
        {reference.luma, reference.luma_stride, reference.width, reference.height}, box, x, y,
        block, p.width, fx, fy);
  }
}

template <bool kAverage>
void predict_chroma_of(const H264Prediction& p, size_t list, const H264McReference& reference,
                       const Target& target) {
  const int vx = p.vector[list][0];
  const int vy = p.vector[list][1] + reference.chroma_offset;
  const int x = p.x / 2 + (vx >> 3);
  const int y = p.y / 2 + (vy >> 3);
  const int fx = vx & 7;
  const int fy = vy & 7;
  const H264Box box = {x, y, p.width / 2 + (fx != 0 ? 1 : 0), p.height / 2 + (fy != 0 ? 1 : 0)};
  Strip block = {nullptr, reference.chroma_stride, target.chroma, target.chroma_stride,
                 p.height / 2};
  if (HWY_LIKELY(box.is_inside(reference.width / 2, reference.height / 2))) {
    block.from = reference.chroma + y * reference.chroma_stride + 2 * x;
    predict_chroma<kAverage>(block, p.width, fx, fy);
  } else {
    predict_chroma_beyond<kAverage>(
        {reference.chroma, reference.chroma_stride, reference.width / 2, reference.height / 2}, box,
        block, p.width, fx, fy);
  }
}

template <bool kAverage>
HWY_INLINE void predict_from(const H264McPictures& pictures, const H264Prediction& p, size_t list,
                             const Target& target) {
  const H264McReference& reference = pictures.references[p.reference[list]];
  predict_luma_of<kAverage>(p, list, reference, target);
  if (target.chroma != nullptr) predict_chroma_of<kAverage>(p, list, reference, target);
}

// A prediction aside: 16 luma rows, then eight of chroma.
struct Aside {
  HWY_ALIGN uint8_t luma[16 * 16];
  HWY_ALIGN uint8_t chroma[8 * 16];

  Target target(bool has_chroma) { return {luma, has_chroma ? chroma : nullptr, 16, 16}; }
};

void predict_weighted(const H264McPictures& pictures, const H264Prediction& p,
                      const Target& target) {
  const H264McWeights& weights = pictures.weights[p.weights];
  const size_t first = first_reference(p);
  const bool has_chroma = target.chroma != nullptr;
  Aside predictions[2];
  predict_from<false>(pictures, p, first, predictions[0].target(has_chroma));
  // A single one is its own second, of weight 0.
  const Aside& second = predictions[has_two_references(p) ? 1 : 0];
  if (has_two_references(p)) {
    predict_from<false>(pictures, p, 1, predictions[1].target(has_chroma));
  }
  const H264Combination luma(weights, 0, p);
  combine({predictions[0].luma, second.luma}, luma, luma, target.luma, target.luma_stride, p.width,
          p.height);
  if (!has_chroma) return;
  combine({predictions[0].chroma, second.chroma}, H264Combination(weights, 1, p),
          H264Combination(weights, 2, p), target.chroma, target.chroma_stride, p.width,
          p.height / 2);
}

void predict(const H264McPictures& pictures, const H264Prediction* list, size_t count) {
  for (const H264Prediction* p = list; p != list + count; ++p) {
    const Target target = {pictures.luma + p->y * pictures.luma_stride + p->x,
                           pictures.chroma == nullptr
                               ? nullptr
                               : pictures.chroma + p->y / 2 * pictures.chroma_stride + p->x,
                           pictures.luma_stride, pictures.chroma_stride};
    if (p->weights != H264Prediction::kUnweighted) {
      predict_weighted(pictures, *p, target);
      continue;
    }
    predict_from<false>(pictures, *p, first_reference(*p), target);
    if (has_two_references(*p)) predict_from<true>(pictures, *p, 1, target);
  }
}

}  // namespace

const H264McFunctions* h264_target_functions() {
  static const H264McFunctions functions = {
      .substrate = Substrate::kSimd,
      .target = hwy::TargetName(HWY_TARGET),
      .predict = predict,
  };
  return &functions;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace daedalus::gpu_kernels::mc
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace daedalus::gpu_kernels::mc {

HWY_EXPORT(h264_target_functions);

const H264McFunctions& h264_simd_functions() {
  return *HWY_DYNAMIC_DISPATCH(h264_target_functions)();
}

}  // namespace daedalus::gpu_kernels::mc
#endif  // HWY_ONCE
