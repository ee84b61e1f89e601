// DecodeJob: one parsed picture (or field), as both interfaces hand it over. The kernel's stateless
// control structures are the parsed parameters; the rest is what they lack.
#ifndef DAEDALUS_DECODE_CORE_JOB_H_
#define DAEDALUS_DECODE_CORE_JOB_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::core {

class Picture;

// Which part of the target picture this job decodes. The two fields of a frame are two jobs with
// the same target; kSecondField never comes first.
enum class FieldRole : uint8_t { kFrame, kFirstField, kSecondField };

// A part of DecodeJob::bitstream, in bytes.
struct ByteRange {
  uint32_t offset = 0;
  uint32_t size = 0;
};

struct H264Parameters {
  v4l2_ctrl_h264_sps sps{};
  v4l2_ctrl_h264_pps pps{};
  // Lists in the order of the control, which is that of the bitstream's scaling_list syntax after
  // the fall-back rules: raster order, 6 4x4 and 6 8x8 lists of which 4:2:0 uses the first two
  // (Intra Y, Inter Y). Meaningful only with V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT.
  v4l2_ctrl_h264_scaling_matrix scaling_matrix{};
  // dpb[i] is described by DecodeJob::references[i]; reference_ts is unused.
  v4l2_ctrl_h264_decode_params decode{};
  // False where the interface does not carry offset_for_ref_frame and its kin (VA): they are zero
  // in `sps` and picture order counts of pic_order_cnt_type 1 must come from `decode`.
  bool poc_offsets_known = false;
  // False where the interface does not carry the PPS's num_ref_idx_lX_default_active_minus1 (VA):
  // they are then taken from the slices that do not override them.
  bool default_reference_counts_known = false;
  // With the above false: the counts in force for each slice (VA gives them), minus 1, L0 and L1;
  // parallel to DecodeJob::slices. Else empty.
  std::vector<std::array<uint8_t, 2>> slice_reference_counts_minus1;
};

struct Vp9Parameters {
  v4l2_ctrl_vp9_frame frame{};  // parsed from the uncompressed header (VP9 6.2); *_ts unused
};

struct Vp8Parameters {
  v4l2_ctrl_vp8_frame frame{};  // *_ts unused
};

struct Mpeg2Parameters {
  v4l2_ctrl_mpeg2_sequence sequence{};
  v4l2_ctrl_mpeg2_picture picture{};  // *_ts unused
  // Matrices in zigzag scan order (ISO 13818-2 figure 7-2), as transmitted.
  v4l2_ctrl_mpeg2_quantisation quantisation{};
};

// What of one slice segment the interfaces tell beside its bits.
struct HevcSliceParameters {
  // Bits of its st_ref_pic_set(), 0 where the SPS has the set.
  uint32_t reference_set_bits = 0;
  // RefPicList0 and RefPicList1 as indices into decode.dpb; of P and B slices.
  std::array<std::array<uint8_t, V4L2_HEVC_DPB_ENTRIES_NUM_MAX>, 2> lists{};
};

struct HevcParameters {
  v4l2_ctrl_hevc_sps sps{};
  v4l2_ctrl_hevc_pps pps{};
  // In raster order. Meaningful only with V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED.
  v4l2_ctrl_hevc_scaling_matrix scaling_matrix{};
  // dpb[i] is described by DecodeJob::references[i]; timestamp is unused. It holds the pictures for
  // later ones too (the Foll sets).
  v4l2_ctrl_hevc_decode_params decode{};
  std::vector<HevcSliceParameters> slices;  // parallel to DecodeJob::slices
};

// Clauses are those of the AV1 bitstream specification. Engines write headers of their own, so what
// only steers the parsing of the client's is not needed: frame ids, operating points, timing and
// decoder model, seq_force_*, the sequence's largest size, frame_refs_short_signaling, render size,
// found_ref, tile_size_bytes, the spelling of the tile spacing. Values are those after inference:
// reduced_still_picture_header, error_resilient_mode of shown key frames and switch frames, … are
// resolved by whoever parses.
struct Av1Parameters {
  // 5.5. bit_depth is 8 or 10, seq_profile 0; MONO_CHROME is 4:0:0, all else 4:2:0. order_hint_bits
  // is OrderHintBits, 0 without ENABLE_ORDER_HINT. The flags ENABLE_WARPED_MOTION, _REF_FRAME_MVS,
  // _SUPERRES and _RESTORATION are not read, nor SEPARATE_UV_DELTA_Q and FILM_GRAIN_PARAMS_PRESENT
  // (VA lacks some of them): each frame tells what it uses.
  v4l2_ctrl_av1_sequence sequence{};
  // 5.9.2. As the bitstream's variables, and so:
  //   upscaled_width       UpscaledWidth, the width of the decoded picture
  //   frame_width_minus_1  not read (clients differ on which width it is)
  //   superres_denom       SuperresDenom 9 to 16, read with flag USE_SUPERRES only
  //   tile_info            tile_cols and tile_rows; with UNIFORM_TILE_SPACING nothing else is read
  //                        but context_update_tile_id, without it width_in_sbs_minus_1 and
  //                        height_in_sbs_minus_1 of every tile, the last included
  //   quantization         qm_v as qm_u where the sequence has no separate_uv_delta_q, likewise
  //                        delta_q_v_*; DIFF_UV_DELTA is not read
  //   segmentation         the values are read with UPDATE_DATA only; without it those of the
  //                        primary reference stay in force (5.9.14, load_previous)
  //   loop_filter          ref_deltas and mode_deltas all in force; read with DELTA_UPDATE only
  //   cdef                 y_sec_strength, uv_sec_strength 0, 1, 2 and 4; 3 means 4 too
  //   loop_restoration     frame_restoration_type (FrameRestorationType), lr_unit_shift 0 to 2
  //                        (5.9.20 after inference: luma units of 64 << lr_unit_shift) and
  //                        lr_uv_shift; nothing else
  //   global_motion        type and params (gm_params) of references 1 to 7; flags not read
  //   primary_ref_frame    0 to 6 an index into ref_frame_idx, 7 none
  //   ref_frame_idx        indices into DecodeJob::references
  //   skip_mode_frame, order_hints, reference_frame_ts, refresh_frame_flags  not read
  v4l2_ctrl_av1_frame frame{};
  // 5.9.30, in force for this frame after load_grain_params; APPLY_GRAIN says whether it is used.
  v4l2_ctrl_av1_film_grain film_grain{};
  // Parallel to DecodeJob::slices, any order. tile_row and tile_col; the ranges are the slices'.
  std::vector<v4l2_ctrl_av1_tile_group_entry> tiles;
};

using JobParameters = std::variant<H264Parameters, Vp9Parameters, Vp8Parameters, Mpeg2Parameters,
                                   HevcParameters, Av1Parameters>;

// Owned by whoever holds it; moved into Session::submit.
struct DecodeJob {
  // The active alternative is the codec.
  JobParameters parameters;

  // The coded data, owned. What `slices` points at:
  //   H.264   one NAL unit each, NAL header included, emulation prevention kept, no start code
  //   HEVC    likewise, one slice segment each
  //   MPEG-2  one slice each, start code (00 00 01 xx) included
  //   VP9     one range: the whole frame, uncompressed header first (superframes already split)
  //   VP8     one range: the whole frame, 3- or 10-byte frame tag first (RFC 6386 9.1)
  //   AV1     one tile each, without tile_size_minus_1 (5.11.1)
  std::vector<uint8_t> bitstream;
  std::vector<ByteRange> slices;

  FieldRole field = FieldRole::kFrame;

  // The picture to fill. Never null.
  std::shared_ptr<Picture> target;

  // Resolved references; null where the client has none (a missing reference is concealed).
  //   H.264   parallel to decode.dpb (at most 16)
  //   HEVC    likewise
  //   VP9     last, golden, altref: the three of the header's ref_frame_idx
  //   VP8     last, golden, altref
  //   MPEG-2  forward, backward; a second field's reference to its own first field is the target
  //   AV1     the eight slots as they are before this picture (7.20); null: empty. The targets of
  //           the jobs that decoded them, never their `display`
  std::vector<std::shared_ptr<Picture>> references;

  // AV1: the picture to show, where film grain is applied (7.18.3): it gets the pixels with the
  // grain of film_grain, the target those without. Null, or another picture than the target.
  std::shared_ptr<Picture> display;

  // AV1 and VP9: which slots this picture replaces, where known (for AV1 0 to 255; where it is
  // unknown a later job's references tell, and the picture may have to be decoded twice).
  std::optional<uint32_t> refresh_frame_flags;

  Codec codec() const { return static_cast<Codec>(parameters.index()); }
  std::span<const uint8_t> bytes_of(const ByteRange& range) const {
    return std::span(bitstream).subspan(range.offset, range.size);
  }
  // Coded size in luma samples, from the parameters (H.264: whole macroblocks, of the frame even
  // in a field job). 0x0 where the parameters carry none.
  uint32_t coded_width() const;
  uint32_t coded_height() const;
};

// Most bytes of one coded picture, and most slices: one for each macroblock of the largest.
inline constexpr size_t kMaxCodedBytes = size_t{128} << 20;
inline constexpr size_t kMaxSlices = size_t{kMaxDimension / 16} * (kMaxDimension / 16);

// The picture that is shown for the job: `display`, else the target.
const Picture& shown_picture(const DecodeJob& job);

// Whether the job and those after it can be decoded without any picture before it.
bool begins_chain(const DecodeJob& job);

// Checks everything that an engine relies on: ranges inside the bitstream and non-empty, together
// no larger than it (no byte is decoded twice), a target, reference counts, dimensions within
// kMaxDimension. The message says which.
Status validate(const DecodeJob& job);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_JOB_H_
