// Any bytes as an HEVC byte stream: what the stream engine reads of it before libavcodec does.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "decode_core/codec.h"
#include "decode_core/headers/hevc_sps.h"
#include "decode_core/headers/rbsp.h"
#include "decode_core/stream/header_probe.h"

namespace {

using daedalus::core::Codec;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_sps(std::span<const uint8_t> stream) {
  daedalus::headers::NalUnits units(stream);
  while (const auto nal = units.next()) {
    const auto sps = daedalus::headers::parse_hevc_sps(*nal);
    if (!sps.ok()) {
      require(!sps.error().message.empty());
      continue;
    }
    require(sps->width - 1 < daedalus::core::kMaxDimension);
    require(sps->height - 1 < daedalus::core::kMaxDimension);
    require(sps->max_num_reorder_pics < sps->max_dec_pic_buffering);
  }
}

void check_probe(std::span<const uint8_t> stream) {
  daedalus::core::HeaderProbe probe(Codec::kHevc);
  // Two runs, so that a parameter set may be cut anywhere.
  const size_t half = stream.size() / 2;
  bool told = false;
  for (const auto run : {stream.first(half), stream.subspan(half)}) {
    const auto format = probe.feed(run);
    if (!format) continue;
    require(!told);
    told = true;
    const auto& visible = format->visible;
    require(visible.width > 0 && visible.x + visible.width <= format->coded_width);
    require(visible.height > 0 && visible.y + visible.height <= format->coded_height);
    require(format->min_buffers >= 1 && format->min_buffers <= 16);
  }
}

void check_parameter_sets(std::span<const uint8_t> stream) {
  const auto sets = daedalus::core::parameter_sets_of(Codec::kHevc, stream);
  require(sets.size() <= stream.size());
  require(daedalus::core::parameter_sets_of(Codec::kHevc, sets) == sets);
  require(!daedalus::core::may_begin(Codec::kHevc, sets));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> stream(data, size);
  check_sps(stream);
  check_probe(stream);
  check_parameter_sets(stream);
  static_cast<void>(daedalus::core::may_begin(Codec::kHevc, stream));
  return 0;
}
