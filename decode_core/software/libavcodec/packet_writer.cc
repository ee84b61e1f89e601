#include "decode_core/software/libavcodec/packet_writer.h"

#include <bitset>
#include <cstring>
#include <utility>

#include "decode_core/headers/h264_slice_header.h"
#include "decode_core/headers/hevc_slice_header.h"
#include "decode_core/software/libavcodec/rewrite/h264_parameter_sets.h"
#include "decode_core/software/libavcodec/rewrite/hevc_parameter_sets.h"
#include "decode_core/software/libavcodec/rewrite/hevc_slice.h"
#include "decode_core/software/libavcodec/rewrite/mpeg2_headers.h"

namespace daedalus::core {
namespace {

class H264PacketWriter final : public PacketWriter {
 public:
  Status write(const DecodeJob& job, std::vector<uint8_t>& packet) override {
    const auto& parameters = std::get<H264Parameters>(job.parameters);
    packet.clear();
    std::bitset<kPpsIds> named;
    for (const ByteRange& range : job.slices) {
      const auto start = headers::parse_h264_slice_start(job.bytes_of(range));
      if (start) named.set(start->pps_id);
    }
    // Before any parameter set counts as sent: this packet will not be.
    if (named.none()) return Error{ErrorCode::kCorrupt, "no slice has a readable header"};
    write_sps(parameters, packet);
    // All slices are asked before any picture parameter set is written.
    for (size_t i = 0; i < job.slices.size(); ++i) learn_default_counts(parameters, job, i);
    for (size_t id = 0; id < kPpsIds; ++id) {
      if (named[id]) write_pps(parameters, static_cast<uint8_t>(id), packet);
    }
    for (const ByteRange& range : job.slices) {
      const auto nal = job.bytes_of(range);
      packet.insert(packet.end(), {0, 0, 1});
      packet.insert(packet.end(), nal.begin(), nal.end());
    }
    return {};
  }

 private:
  static constexpr size_t kPpsIds = 256;

  void write_sps(const H264Parameters& parameters, std::vector<uint8_t>& packet) {
    std::vector<uint8_t> sps;
    rewrite::append_sps(parameters.sps, sps);
    if (sps == sps_) return;
    packet.insert(packet.end(), sps.begin(), sps.end());
    sps_ = std::move(sps);
    // A sequence parameter set takes its picture parameter sets with it.
    for (auto& pps : pps_) pps.clear();
  }

  // Where the default counts are unknown, a slice that does not override them tells those of the
  // picture parameter set that it names.
  void learn_default_counts(const H264Parameters& parameters, const DecodeJob& job, size_t slice) {
    if (parameters.default_reference_counts_known) return;
    const auto header = headers::parse_h264_slice_header(job.bytes_of(job.slices[slice]),
                                                         {parameters.sps, parameters.pps},
                                                         headers::H264SliceDepth::kReferenceCounts);
    if (!header || header->is_intra() || header->num_ref_idx_override) return;
    const auto& counts = parameters.slice_reference_counts_minus1[slice];
    default_counts_[header->pps_id][0] = counts[0];
    if (header->is_b()) default_counts_[header->pps_id][1] = counts[1];
  }

  void write_pps(const H264Parameters& parameters, uint8_t id, std::vector<uint8_t>& packet) {
    v4l2_ctrl_h264_pps control = parameters.pps;
    if (!parameters.default_reference_counts_known) {
      control.num_ref_idx_l0_default_active_minus1 = default_counts_[id][0];
      control.num_ref_idx_l1_default_active_minus1 = default_counts_[id][1];
    }
    control.seq_parameter_set_id = parameters.sps.seq_parameter_set_id;
    const bool scaling = control.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT;
    std::vector<uint8_t> pps;
    rewrite::append_pps(control, id, scaling ? &parameters.scaling_matrix : nullptr, pps);
    if (pps == pps_[id]) return;
    packet.insert(packet.end(), pps.begin(), pps.end());
    pps_[id] = std::move(pps);
  }

  std::vector<uint8_t> sps_;
  std::array<std::vector<uint8_t>, kPpsIds> pps_;                 // by id; empty: not sent
  std::array<std::array<uint8_t, 2>, kPpsIds> default_counts_{};  // by id; L0 and L1, minus 1
};

// Bit i: decode.dpb[i] has no picture.
uint16_t missing_references(const DecodeJob& job) {
  std::bitset<V4L2_HEVC_DPB_ENTRIES_NUM_MAX> missing;
  missing.set();
  for (size_t i = 0; i < job.references.size(); ++i) missing[i] = job.references[i] == nullptr;
  return static_cast<uint16_t>(missing.to_ulong());
}

class HevcPacketWriter final : public PacketWriter {
 public:
  Status write(const DecodeJob& job, std::vector<uint8_t>& packet) override {
    const auto& parameters = std::get<HevcParameters>(job.parameters);
    packet.clear();
    std::vector<uint8_t> slices;
    std::bitset<kPpsIds> named;
    Status first_error;
    const uint16_t missing = missing_references(job);
    for (size_t i = 0; i < job.slices.size(); ++i) {
      const auto nal = job.bytes_of(job.slices[i]);
      const HevcSliceParameters& slice = parameters.slices[i];
      const auto id = headers::parse_hevc_pps_id(nal);
      Status status =
          id ? rewrite::append_hevc_slice(nal,
                                          {parameters.sps, parameters.pps, parameters.decode,
                                           slice.reference_set_bits, slice.lists, missing},
                                          slices)
             : Status(id.error());
      if (status) named.set(*id);
      if (!status && first_error) first_error = std::move(status);
    }
    // Before any parameter set counts as sent: this packet will not be.
    if (named.none()) return first_error;
    write_parameter_sets(parameters, named, packet);
    packet.insert(packet.end(), slices.begin(), slices.end());
    return {};
  }

 private:
  static constexpr size_t kPpsIds = 64;

  void write_parameter_sets(const HevcParameters& parameters, const std::bitset<kPpsIds>& named,
                            std::vector<uint8_t>& packet) {
    std::vector<uint8_t> sps;
    rewrite::append_hevc_sps(parameters.sps, sps);
    if (sps != sps_) {
      packet.insert(packet.end(), sps.begin(), sps.end());
      sps_ = std::move(sps);
      // A sequence parameter set takes its picture parameter sets with it.
      for (auto& pps : pps_) pps.clear();
    }
    const bool scaling = parameters.sps.flags & V4L2_HEVC_SPS_FLAG_SCALING_LIST_ENABLED;
    for (size_t id = 0; id < kPpsIds; ++id) {
      if (!named[id]) continue;
      std::vector<uint8_t> pps;
      rewrite::append_hevc_pps(parameters.pps, static_cast<uint8_t>(id), parameters.sps,
                               scaling ? &parameters.scaling_matrix : nullptr, pps);
      if (pps == pps_[id]) continue;
      packet.insert(packet.end(), pps.begin(), pps.end());
      pps_[id] = std::move(pps);
    }
  }

  std::vector<uint8_t> sps_;
  std::array<std::vector<uint8_t>, kPpsIds> pps_;  // by id; empty: not sent
};

class Mpeg2PacketWriter final : public PacketWriter {
 public:
  Status write(const DecodeJob& job, std::vector<uint8_t>& packet) override {
    const auto& parameters = std::get<Mpeg2Parameters>(job.parameters);
    if (parameters.sequence.chroma_format > 1) {
      return Error{ErrorCode::kUnsupported, "MPEG-2: only 4:2:0 is supported"};
    }
    packet.clear();
    // A sequence header may stand before any I picture (6.1.1.6); libavcodec keeps its references
    // as long as the size stays.
    const bool changed =
        std::memcmp(&parameters.sequence, &sequence_, sizeof(sequence_)) != 0 || !begun_;
    if (changed) {
      rewrite::append_sequence(parameters.sequence, parameters.quantisation, packet);
      sequence_ = parameters.sequence;
      begun_ = true;
    }
    rewrite::append_picture(parameters.picture, parameters.quantisation, packet);
    for (const ByteRange& range : job.slices) {
      const auto slice = job.bytes_of(range);
      packet.insert(packet.end(), slice.begin(), slice.end());
    }
    return {};
  }

 private:
  v4l2_ctrl_mpeg2_sequence sequence_{};
  bool begun_ = false;
};

// VP8 and VP9 frames carry all their headers.
class FramePacketWriter final : public PacketWriter {
 public:
  Status write(const DecodeJob& job, std::vector<uint8_t>& packet) override {
    const auto frame = job.bytes_of(job.slices.front());
    packet.assign(frame.begin(), frame.end());
    return {};
  }
};

}  // namespace

std::unique_ptr<PacketWriter> PacketWriter::create(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return std::make_unique<H264PacketWriter>();
    case Codec::kMpeg2:
      return std::make_unique<Mpeg2PacketWriter>();
    case Codec::kHevc:
      return std::make_unique<HevcPacketWriter>();
    case Codec::kVp8:
    case Codec::kVp9:
    case Codec::kAv1:
      break;
  }
  return std::make_unique<FramePacketWriter>();
}

}  // namespace daedalus::core
