// Any parameters through AV1's header writers: whatever validate() lets pass is written or refused,
// and what is written our own reader reads as it was meant, as far as references allow.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "decode_core/headers/av1_frame_header.h"
#include "decode_core/headers/av1_obu.h"
#include "decode_core/headers/av1_sequence_header.h"
#include "decode_core/job.h"
#include "decode_core/picture.h"
#include "decode_core/software/dav1d/rewrite/av1_units.h"

namespace {

using namespace daedalus;

void require(bool condition) {
  if (!condition) std::abort();
}

// Fills plain data from the input's front; what is missing stays zero.
template <typename T>
void take(std::span<const uint8_t>& bytes, T& value) {
  const size_t size = std::min(sizeof(T), bytes.size());
  std::memcpy(static_cast<void*>(&value), bytes.data(), size);
  bytes = bytes.subspan(size);
}

// A job whose tiles are all there, one byte each.
core::DecodeJob make_job(std::span<const uint8_t>& bytes) {
  core::DecodeJob job;
  job.target = std::make_shared<core::Picture>();
  auto& parameters = job.parameters.emplace<core::Av1Parameters>();
  take(bytes, parameters.sequence);
  take(bytes, parameters.frame);
  const auto& info = parameters.frame.tile_info;
  const uint32_t tiles = uint32_t{info.tile_cols} * info.tile_rows;
  if (tiles > 4096) return job;
  job.bitstream.resize(tiles);
  for (uint32_t i = 0; i < tiles; ++i) {
    job.slices.push_back({i, 1});
    parameters.tiles.push_back({0, 0, i / info.tile_cols, i % info.tile_cols});
  }
  return job;
}

void check(const std::vector<uint8_t>& unit, const core::Av1Parameters& parameters,
           headers::Av1HeaderParser& parser) {
  headers::Av1Obus units(unit);
  bool seen = false;
  while (const auto next = units.next()) {
    if (next->type == headers::Av1ObuType::kSequenceHeader) {
      const auto sequence = headers::parse_av1_sequence_header(next->payload);
      require(sequence.ok());
      parser.set_sequence(*sequence);
    }
    if (next->type != headers::Av1ObuType::kFrame) continue;
    seen = true;
    const auto header = parser.parse(next->payload, {});
    if (!header.ok()) continue;
    require(header->width() == parameters.frame.upscaled_width);
    require(header->height() == parameters.frame.frame_height_minus_1 + 1);
    require(header->frame.tile_info.tile_cols == parameters.frame.tile_info.tile_cols);
    require(header->frame.tile_info.tile_rows == parameters.frame.tile_info.tile_rows);
    require(header->frame.quantization.base_q_idx == parameters.frame.quantization.base_q_idx);
    parser.update(*header);
  }
  require(seen);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kMostFrames = 4;
  std::span<const uint8_t> bytes(data, size);
  headers::Av1HeaderParser parser;
  core::rewrite::Av1SlotState state;
  std::array<const core::rewrite::Av1SlotState*, V4L2_AV1_TOTAL_REFS_PER_FRAME> slots{};
  slots.fill(&state);
  for (int i = 0; i < kMostFrames && !bytes.empty(); ++i) {
    const core::DecodeJob job = make_job(bytes);
    if (!core::validate(job)) continue;
    const auto& parameters = std::get<core::Av1Parameters>(job.parameters);
    core::rewrite::Av1FrameToWrite frame{parameters.sequence, parameters.frame, {}, 0xff, slots};
    for (size_t n = 0; n < frame.ref_frame_idx.size(); ++n) {
      frame.ref_frame_idx[n] = static_cast<uint8_t>(parameters.frame.ref_frame_idx[n]);
    }
    std::vector<std::span<const uint8_t>> tiles;
    for (const core::ByteRange& range : job.slices) tiles.push_back(job.bytes_of(range));
    std::vector<uint8_t> unit;
    core::rewrite::append_av1_sequence_header(parameters.sequence, unit);
    const auto written = core::rewrite::append_av1_frame(frame, tiles, unit);
    if (!written.ok()) {
      require(!written.error().message.empty());
      continue;
    }
    check(unit, parameters, parser);
    state = *written;
  }
  return 0;
}
