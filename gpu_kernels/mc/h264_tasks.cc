#include "gpu_kernels/mc/h264_tasks.h"

#include <algorithm>

#include "gpu_kernels/mc/h264_tables.h"

namespace daedalus::gpu_kernels::mc {
namespace {

constexpr uint32_t kWordBytes = 4;

// H264Task::how, above the words of a row.
constexpr uint32_t kColumns = 1 << 16;
constexpr uint32_t kRows = 1 << 17;
constexpr uint32_t kFirstByte = 1 << 18;  // times it
constexpr uint32_t kSecondPair = 1 << 16;
constexpr uint32_t kEighthsAcross = 1 << 17;
constexpr uint32_t kEighthsDown = 1 << 20;

// H264CombinedBlock::how.
constexpr uint32_t kFirstMean = 1;
constexpr uint32_t kTwo = 2;
constexpr uint32_t kSecondMean = 4;
constexpr uint32_t kWeights = 1 << 16;  // times them
constexpr uint32_t kUnweighted = 0xFFFF;

// The two half samples that a quarter sample lies between (table 8-12), from the whole sample; the
// same where it is a half or a whole one.
struct HalfSamples {
  std::array<int, 2> near, far;
};

HalfSamples half_samples_of(int x, int y) {
  // On the diagonals, one of the nearest row and one of the nearest column.
  if (x % 2 != 0 && y % 2 != 0) return {{1, y - 1}, {x - 1, 1}};
  return {{x / 2, y / 2}, {(x + 1) / 2, (y + 1) / 2}};
}

template <typename Entry>
void fill_group(std::vector<Entry>& list, const Entry& entry) {
  list.resize((list.size() + H264Tasks::kGroup - 1) / H264Tasks::kGroup * H264Tasks::kGroup, entry);
}

}  // namespace

void H264Tasks::begin(const H264DevicePicture& picture) {
  picture_ = picture;
  luma_.clear();
  chroma_.clear();
  combined_luma_.clear();
  combined_chroma_.clear();
  next_slot_ = static_cast<uint32_t>((picture.bytes() + kSlotBytes - 1) / kSlotBytes);
}

H264Task H264Tasks::luma_task(const Source& source) {
  const H264DeviceReference& reference = *source.reference;
  const int x = std::clamp(source.x >> 1, -7, reference.width + 2) - 2;
  const int y = std::clamp(source.y >> 1, -7, reference.height + 2) - 2;
  const size_t from =
      reference.begin +
      static_cast<size_t>(y + int{H264DeviceReference::kLumaMargin}) * reference.stride +
      static_cast<size_t>(x + int{H264DeviceReference::kMarginBytes});
  const uint32_t how = static_cast<uint32_t>(reference.stride / kWordBytes) |
                       ((source.x & 1) != 0 ? kColumns : 0) | ((source.y & 1) != 0 ? kRows : 0) |
                       static_cast<uint32_t>(from % kWordBytes) * kFirstByte;
  return {static_cast<uint32_t>(from / kWordBytes), how, 0, 0};
}

H264Task H264Tasks::chroma_task(const Source& source) {
  const H264DeviceReference& reference = *source.reference;
  const int x = std::clamp(source.x >> 3, -3, reference.width / 2);
  const int y = std::clamp(source.y >> 3, -3, reference.height / 2);
  const size_t from =
      reference.chroma() +
      static_cast<size_t>(y + int{H264DeviceReference::kChromaMargin}) * reference.stride +
      static_cast<size_t>(2 * x + int{H264DeviceReference::kMarginBytes});
  const uint32_t how = static_cast<uint32_t>(reference.stride / kWordBytes) |
                       (from % kWordBytes != 0 ? kSecondPair : 0) |
                       static_cast<uint32_t>(source.x & 7) * kEighthsAcross |
                       static_cast<uint32_t>(source.y & 7) * kEighthsDown;
  return {static_cast<uint32_t>(from / kWordBytes), how, 0, 0};
}

// Those of one source follow one another: neighbours go the same way through the shader.
void H264Tasks::add_blocks(const H264Prediction& prediction, const Sources& sources,
                           bool is_chroma) {
  const uint32_t across = prediction.width / 4u;
  const uint32_t down = prediction.height / 4u;
  const uint32_t rows = is_chroma ? 2 : 4;
  const uint32_t stride = picture_.stride() / kWordBytes;
  const uint32_t first_word =
      static_cast<uint32_t>(is_chroma ? picture_.chroma() : 0) / kWordBytes +
      prediction.y / 4u * rows * stride + prediction.x / 4u;
  const bool is_combined = sources.count > 1 || sources.weights != kUnweighted;
  // Of a source's place, from one block to the next.
  const int distance = is_chroma ? 16 : 8;
  for (uint32_t i = 0; i < sources.count; ++i) {
    for (uint32_t block = 0; block < across * down; ++block) {
      const int x = static_cast<int>(block % across);
      const int y = static_cast<int>(block / across);
      const Source& source = sources.all[i];
      const Source moved{source.reference, source.x + x * distance, source.y + y * distance};
      H264Task task = is_chroma ? chroma_task(moved) : luma_task(moved);
      if (is_combined) {
        task.to = (next_slot_ + block * sources.count + i) * uint32_t{kSlotBytes / kWordBytes};
        task.step = 1;
      } else {
        task.to = first_word + static_cast<uint32_t>(y) * rows * stride + static_cast<uint32_t>(x);
        task.step = stride;
      }
      (is_chroma ? chroma_ : luma_).push_back(task);
    }
  }
  if (!is_combined) return;
  for (uint32_t block = 0; block < across * down; ++block) {
    const uint32_t to = first_word + block / across * rows * stride + block % across;
    (is_chroma ? combined_chroma_ : combined_luma_)
        .push_back({to, next_slot_, sources.flags | sources.weights * kWeights});
    next_slot_ += sources.count;
  }
}

void H264Tasks::add(const H264Prediction& prediction, const H264DeviceReferences& references) {
  const size_t first = first_reference(prediction);
  const bool two = has_two_references(prediction);
  Sources luma, chroma;
  for (size_t list = first; list <= (two ? 1 : first); ++list) {
    const H264DeviceReference& reference = *references[prediction.reference[list]];
    const int vx = prediction.vector[list][0];
    const int vy = prediction.vector[list][1];
    const HalfSamples half = half_samples_of(vx & 3, vy & 3);
    const int x = 2 * (prediction.x + (vx >> 2));
    const int y = 2 * (prediction.y + (vy >> 2));
    luma.add({&reference, x + half.near[0], y + half.near[1]});
    if (half.near != half.far) {
      luma.add({&reference, x + half.far[0], y + half.far[1]});
      luma.flags |= list == first ? kFirstMean : kSecondMean;
    }
    chroma.add(
        {&reference, prediction.x * 4 + vx, prediction.y * 4 + vy + reference.chroma_offset});
  }
  if (prediction.weights != H264Prediction::kUnweighted) {
    const size_t variant = two ? 2 : first;
    luma.weights = chroma.weights =
        static_cast<uint32_t>(prediction.weights * kWeightVariants + variant);
  }
  if (two) {
    luma.flags |= kTwo;
    chroma.flags |= kTwo;
  }
  add_blocks(prediction, luma, /*is_chroma=*/false);
  add_blocks(prediction, chroma, /*is_chroma=*/true);
}

// With what nobody reads, written where nobody looks.
void H264Tasks::finish() {
  const auto spare = static_cast<uint32_t>(picture_.spare() / kWordBytes);
  for (auto* tasks : {&luma_, &chroma_}) fill_group(*tasks, H264Task{0, 0, spare, 0});
  for (auto* blocks : {&combined_luma_, &combined_chroma_}) {
    fill_group(*blocks, H264CombinedBlock{spare, 0, kUnweighted * kWeights});
  }
}

}  // namespace daedalus::gpu_kernels::mc
