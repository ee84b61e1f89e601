#include "decode_core/software/h264/entropy_decoder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/headers/h264_sps.h"
#include "decode_core/picture.h"
#include "decode_core/software/h264/reference_lists.h"
#include "decode_core/software/h264/slice_data.h"

namespace daedalus::core::h264 {
namespace {

constexpr size_t kEntries = V4L2_H264_NUM_DPB_ENTRIES;

Error unsupported(const char* what) {
  return {ErrorCode::kUnsupported, std::string("H.264: ") + what};
}

Status check(const H264Parameters& parameters) {
  if (Status status = check_supported(parameters); !status) return status;
  const auto valid_offset = [](int offset) { return offset >= -12 && offset <= 12; };
  if (!valid_offset(parameters.pps.chroma_qp_index_offset) ||
      !valid_offset(parameters.pps.second_chroma_qp_index_offset)) {
    return Error{ErrorCode::kInvalidArgument, "H.264: a chroma QP offset beyond -12 to 12"};
  }
  return {};
}

// Which fields of each reference were decoded, as far as its motion tells.
std::array<uint8_t, kEntries> decoded_fields(std::span<const ReferenceMotion> motions) {
  std::array<uint8_t, kEntries> fields{};
  for (size_t i = 0; i < std::min(motions.size(), kEntries); ++i) {
    const ReferenceMotion& motion = motions[i];
    if (motion.frame != nullptr) fields[i] = V4L2_H264_FRAME_REF;
    if (motion.top != nullptr) fields[i] |= V4L2_H264_TOP_FIELD_REF;
    if (motion.bottom != nullptr) fields[i] |= V4L2_H264_BOTTOM_FIELD_REF;
  }
  return fields;
}

PictureStructure structure_of(const v4l2_ctrl_h264_decode_params& decode) {
  if ((decode.flags & V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC) == 0) return PictureStructure::kFrame;
  return (decode.flags & V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD) != 0
             ? PictureStructure::kBottomField
             : PictureStructure::kTopField;
}

void size_list(const H264Parameters& parameters, size_t slices, PictureList& list) {
  const v4l2_ctrl_h264_sps& sps = parameters.sps;
  list.structure = structure_of(parameters.decode);
  const bool frame = list.structure == PictureStructure::kFrame;
  list.mbaff = frame && (sps.flags & V4L2_H264_SPS_FLAG_MB_ADAPTIVE_FRAME_FIELD) != 0 &&
               (sps.flags & V4L2_H264_SPS_FLAG_FRAME_MBS_ONLY) == 0;
  list.width = headers::h264_width_in_mbs(sps);
  list.height = headers::h264_frame_height_in_mbs(sps) / (frame ? 1 : 2);
  const size_t macroblocks = size_t{list.width} * list.height;
  list.macroblocks.resize(macroblocks);
  list.rows.resize(list.mbaff ? list.height / 2 : list.height);
  list.slices.clear();
  list.slices.resize(slices);
  auto motion = std::make_shared<MotionField>();
  for (size_t i = 0; i < 2; ++i) {
    motion->vectors[i].resize(macroblocks + 1);
    motion->references[i].resize(macroblocks, {-1, -1, -1, -1});
    motion->references[i].push_back(MotionCache::kNotAvailable);
  }
  motion->slice.resize(macroblocks);
  if (list.mbaff) motion->field.resize(macroblocks);
  motion->slice_references.resize(slices);
  list.motion = std::move(motion);
}

// Walks the job's slices in step with the rows of macroblocks.
class Decoder final : public EntropyDecoder {
 public:
  Decoder(const DecodeJob& job, std::span<const ReferenceMotion> motions, PictureList& list)
      : job_(job),
        parameters_(std::get<H264Parameters>(job.parameters)),
        motions_(motions),
        list_(list),
        counts_(parameters_.decode, decoded_fields(motions)),
        picture_(parameters_.sps, parameters_.pps,
                 (parameters_.pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT) != 0
                     ? &parameters_.scaling_matrix
                     : nullptr,
                 list),
        data_(picture_, (parameters_.pps.flags & V4L2_H264_PPS_FLAG_ENTROPY_CODING_MODE) != 0) {}

  // Finds the first slice that can be decoded.
  Status prepare() {
    while (next_slice_ < list_.slices.size()) {
      Result<headers::H264SliceHeader> header = read_header(next_slice_);
      if (header) {
        const bool sp = header->slice.slice_type == V4L2_H264_SLICE_TYPE_SP ||
                        header->slice.slice_type == V4L2_H264_SLICE_TYPE_SI;
        if (sp) return unsupported("SP and SI slices");
        pending_ = std::move(*header);
        return {};
      }
      if (!first_error_) first_error_ = header.error();
      ++next_slice_;
    }
    return first_error_ ? *first_error_ : Error{ErrorCode::kCorrupt, "H.264: no slice can be read"};
  }

  void parse_row(uint32_t row) override;
  bool reads_motion() const override;
  uint32_t rows() const override { return static_cast<uint32_t>(list_.rows.size()); }
  uint32_t damaged() const override { return damaged_; }

 private:
  Result<headers::H264SliceHeader> read_header(size_t index) const;
  // The place of a slice's first macroblock (pair).
  static uint32_t first_of(const headers::H264SliceHeader& header) {
    return header.slice.first_mb_in_slice;
  }
  void find_pending();
  bool begin_pending();
  void set_missing(uint32_t x, uint32_t row);
  MotionField::ReferenceId id_of(const Reference& reference) const;

  const DecodeJob& job_;
  const H264Parameters& parameters_;
  const std::span<const ReferenceMotion> motions_;
  PictureList& list_;
  const OrderCounts counts_;
  PictureContext picture_;
  SliceData data_;
  DirectPrediction direct_;
  ReferenceMotion no_motion_;
  std::optional<Error> first_error_;

  size_t next_slice_ = 0;                            // the pending one's number
  std::optional<headers::H264SliceHeader> pending_;  // the next slice to begin
  bool active_ = false;                              // a slice is in work
  size_t slice_in_work_ = 0;                         // the one begun last
  uint32_t place_ = 0;                               // of the next macroblock (pair)
  uint32_t damaged_ = 0;
};

Result<headers::H264SliceHeader> Decoder::read_header(size_t index) const {
  v4l2_ctrl_h264_pps pps = parameters_.pps;
  if (index < parameters_.slice_reference_counts_minus1.size()) {
    const std::array<uint8_t, 2>& counts = parameters_.slice_reference_counts_minus1[index];
    pps.num_ref_idx_l0_default_active_minus1 = counts[0];
    pps.num_ref_idx_l1_default_active_minus1 = counts[1];
  }
  Result<headers::H264SliceHeader> header =
      headers::parse_h264_slice_header(job_.bytes_of(job_.slices[index]), {parameters_.sps, pps});
  if (!header) return header;
  const bool field = list_.structure != PictureStructure::kFrame;
  const bool bottom = list_.structure == PictureStructure::kBottomField;
  if (header->field_pic != field || header->bottom_field != bottom) {
    return Error{ErrorCode::kCorrupt, "H.264: a slice of another field"};
  }
  if (header->slice.redundant_pic_cnt > 0) {
    return Error{ErrorCode::kCorrupt, "H.264: a redundant slice"};
  }
  return header;
}

// Steps to the next slice that can still be begun.
void Decoder::find_pending() {
  pending_.reset();
  while (++next_slice_ < list_.slices.size()) {
    Result<headers::H264SliceHeader> header = read_header(next_slice_);
    if (!header || first_of(*header) <= place_) {
      // Redundant slices are no loss; of the others the macroblocks they leave out count.
      continue;
    }
    pending_ = std::move(*header);
    return;
  }
}

MotionField::ReferenceId Decoder::id_of(const Reference& reference) const {
  if (reference.entry >= job_.references.size() || job_.references[reference.entry] == nullptr) {
    return {0, reference.structure};
  }
  return {job_.references[reference.entry]->id(), reference.structure};
}

// Fills the pending slice's place in the list and makes it the one in work.
bool Decoder::begin_pending() {
  Slice& slice = list_.slices[next_slice_];
  slice.header = std::move(*pending_);
  const size_t index = slice_in_work_ = next_slice_;
  const headers::H264SliceHeader& header = slice.header;
  build_reference_lists(parameters_.sps, parameters_.decode, counts_, slice);
  if (headers::h264_has_explicit_weights(parameters_.pps, header.slice.slice_type)) {
    slice.weighted = WeightedPrediction::kExplicit;
  } else if (header.is_b() && parameters_.pps.weighted_bipred_idc == 2) {
    slice.weighted = WeightedPrediction::kImplicit;
    build_implicit_weights(counts_, list_.structure, list_.mbaff, slice);
  }
  auto& ids = list_.motion->slice_references[index];
  for (size_t list = 0; list < 2; ++list) {
    for (size_t i = 0; i < slice.list_sizes[list]; ++i) ids[list][i] = id_of(slice.lists[list][i]);
  }
  if (header.is_b()) {
    const size_t entry = slice.lists[1][0].entry;
    direct_.begin_slice(
        {list_.structure, list_.mbaff, picture_.inference_8x8, list_.width, list_.height}, slice,
        counts_, entry < motions_.size() ? motions_[entry] : no_motion_, ids[0]);
  }
  const int qp = 26 + parameters_.pps.pic_init_qp_minus26 + header.slice.slice_qp_delta;
  return data_.begin(job_.bytes_of(job_.slices[index]), slice, static_cast<uint32_t>(index), qp,
                     direct_);
}

void Decoder::set_missing(uint32_t x, uint32_t row) {
  const uint32_t height = list_.mbaff ? 2 : 1;
  for (uint32_t y = row * height; y < (row + 1) * height; ++y) {
    const size_t number = size_t{y} * list_.width + x;
    list_.macroblocks[number] = Macroblock{};
    list_.macroblocks[number].slice = static_cast<uint16_t>(slice_in_work_);
    list_.motion->slice[number] = static_cast<uint16_t>(slice_in_work_);
    for (size_t list = 0; list < 2; ++list) list_.motion->references[list][number].fill(-1);
    picture_.rows.at(x, y).slice = MacroblockContext::kNoSlice;
    ++damaged_;
  }
}

bool Decoder::reads_motion() const {
  for (size_t index = 0; index < list_.slices.size(); ++index) {
    const Result<headers::H264SliceHeader> header = read_header(index);
    if (header && header->is_b()) return true;
  }
  return false;
}

void Decoder::parse_row(uint32_t row) {
  picture_.rows.begin_row(row);
  for (uint32_t x = 0; x < list_.width; ++x, ++place_) {
    if (pending_ && first_of(*pending_) == place_) {
      // A slice in work that did not end before is damaged, but where it is cannot be told.
      if (active_) ++damaged_;
      active_ = begin_pending();
      find_pending();
    }
    if (!active_) {
      set_missing(x, row);
      continue;
    }
    const SliceData::Outcome outcome = data_.parse(x, row);
    if (outcome == SliceData::Outcome::kError) set_missing(x, row);
    if (outcome == SliceData::Outcome::kLast && !data_.ends_cleanly()) ++damaged_;
    active_ = outcome == SliceData::Outcome::kMore;
  }
  const bool last_row = row + 1 == rows();
  if (last_row && active_) ++damaged_;
}

}  // namespace

Status check_supported(const H264Parameters& parameters) {
  if ((parameters.sps.flags & V4L2_H264_SPS_FLAG_QPPRIME_Y_ZERO_TRANSFORM_BYPASS) != 0) {
    return unsupported("lossless coding");
  }
  return {};
}

Result<std::unique_ptr<EntropyDecoder>> EntropyDecoder::create(
    const DecodeJob& job, std::span<const ReferenceMotion> motions, PictureList& list) {
  const auto* parameters = std::get_if<H264Parameters>(&job.parameters);
  if (parameters == nullptr) {
    return Error{ErrorCode::kInvalidArgument, "H.264: the job is of another codec"};
  }
  if (Status status = check(*parameters); !status) return status.error();
  const size_t macroblocks = size_t{headers::h264_width_in_mbs(parameters->sps)} *
                             headers::h264_frame_height_in_mbs(parameters->sps);
  const size_t slices = std::min({job.slices.size(), macroblocks, size_t{UINT16_MAX}});
  size_list(*parameters, slices, list);
  auto decoder = std::make_unique<Decoder>(job, motions, list);
  if (Status status = decoder->prepare(); !status) return status.error();
  return std::unique_ptr<EntropyDecoder>(std::move(decoder));
}

}  // namespace daedalus::core::h264
