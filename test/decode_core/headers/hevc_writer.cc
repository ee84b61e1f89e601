#include "test/decode_core/headers/hevc_writer.h"

#include <algorithm>
#include <cstdlib>

namespace daedalus::test {
namespace {

using headers::HevcSps;

bool kept(const HevcSetSyntax& set, size_t i) { return i >= set.kept.size() || set.kept[i]; }

// profile_tier_level() (7.3.3): bits that mean nothing here.
void write_profile_tier_level(BitWriter& out, const HevcSpsSyntax& syntax) {
  const auto profile = [&] {
    out.u(0x41, 8);
    out.u(0x60000000, 32);
    out.u(0x9, 4);
    out.u(0, 43);
    out.flag(true);
  };
  const auto present = [&](unsigned i) { return syntax.sub_layer_profiles && i % 2 == 0; };
  profile();
  out.u(93, 8);
  const unsigned layers = syntax.max_sub_layers_minus1;
  for (unsigned i = 0; i < layers; ++i) {
    out.flag(present(i));
    out.flag(present(i));
  }
  for (unsigned i = layers; layers > 0 && i < 8; ++i) out.u(0, 2);
  for (unsigned i = 0; i < layers; ++i) {
    if (!present(i)) continue;
    profile();
    out.u(90, 8);
  }
}

void write_size(BitWriter& out, const HevcSps& sps) {
  out.ue(sps.chroma_format_idc);
  if (sps.chroma_format_idc == 3) out.flag(false);
  out.ue(sps.width);
  out.ue(sps.height);
  const auto& window = sps.window;
  const bool cropped = window.left + window.right + window.top + window.bottom != 0;
  out.flag(cropped);
  if (!cropped) return;
  const unsigned x = sps.chroma_format_idc == 1 || sps.chroma_format_idc == 2 ? 2 : 1;
  const unsigned y = sps.chroma_format_idc == 1 ? 2 : 1;
  out.ue(window.left / x);
  out.ue(window.right / x);
  out.ue(window.top / y);
  out.ue(window.bottom / y);
}

void write_order(BitWriter& out, const HevcSps& sps, const HevcSpsSyntax& syntax) {
  out.ue(syntax.log2_order_count - 4);
  out.flag(syntax.sub_layer_ordering);
  if (syntax.sub_layer_ordering) {
    for (unsigned i = 0; i < syntax.max_sub_layers_minus1; ++i) {
      for (int n = 0; n < 3; ++n) out.ue(0);
    }
  }
  out.ue(sps.max_dec_pic_buffering - 1u);
  out.ue(sps.max_num_reorder_pics);
  out.ue(0);
}

// scaling_list_data() (7.3.4): every second list is a copy, the others count up.
void write_scaling_lists(BitWriter& out) {
  for (unsigned size = 0; size < 4; ++size) {
    for (unsigned matrix = 0; matrix < 6; matrix += size == 3 ? 3 : 1) {
      const bool coded = matrix % 2 == 0;
      out.flag(coded);
      if (!coded) {
        out.ue(size == 3 ? 0 : 1);
        continue;
      }
      if (size > 1) out.se(8);
      for (unsigned i = 0; i < std::min(64u, 16u << 2 * size); ++i) out.se(i % 2 == 0 ? 3 : -2);
    }
  }
}

void write_tools(BitWriter& out, const HevcSpsSyntax& syntax) {
  out.ue(syntax.log2_smallest_coding_block - 3);
  out.ue(6 - syntax.log2_smallest_coding_block);
  for (const unsigned value : {0u, 3u, 2u, 1u}) out.ue(value);  // transform blocks
  out.flag(syntax.scaling_lists);
  if (syntax.scaling_lists) {
    out.flag(true);
    write_scaling_lists(out);
  }
  out.u(2, 2);
  out.flag(syntax.pcm);
  if (syntax.pcm) {
    out.u(0x77, 8);
    out.ue(0);
    out.ue(2);
    out.flag(true);
  }
}

void write_references(BitWriter& out, const HevcSpsSyntax& syntax) {
  out.ue(syntax.sets.size());
  const auto deltas = hevc_deltas(syntax.sets);
  for (size_t i = 0; i < syntax.sets.size(); ++i) {
    write_hevc_set(out, syntax.sets[i], i == 0 ? std::vector<int>{} : deltas[i - 1], i == 0);
  }
  out.flag(syntax.long_term_pictures != 0);
  if (syntax.long_term_pictures == 0) return;
  out.ue(syntax.long_term_pictures);
  for (unsigned i = 0; i < syntax.long_term_pictures; ++i) {
    out.u(i, syntax.log2_order_count);
    out.flag(true);
  }
}

}  // namespace

std::vector<std::vector<int>> hevc_deltas(const std::vector<HevcSetSyntax>& sets) {
  std::vector<std::vector<int>> all;
  for (const HevcSetSyntax& set : sets) {
    std::vector<int> deltas = set.deltas;
    if (set.predicted) {
      std::vector<int> reference = all.back();
      reference.push_back(0);
      deltas.clear();
      for (size_t i = 0; i < reference.size(); ++i) {
        const int moved = reference[i] + set.delta_rps;
        if (kept(set, i) && moved != 0) deltas.push_back(moved);
      }
      std::sort(deltas.begin(), deltas.end(), [](int a, int b) {
        if ((a < 0) != (b < 0)) return a < 0;
        return std::abs(a) < std::abs(b);
      });
    }
    all.push_back(deltas);
  }
  return all;
}

void write_hevc_set(BitWriter& out, const HevcSetSyntax& set, const std::vector<int>& before,
                    bool first) {
  if (!first) out.flag(set.predicted);
  if (set.predicted) {
    out.flag(set.delta_rps < 0);
    out.ue(static_cast<unsigned>(std::abs(set.delta_rps)) - 1);
    for (size_t i = 0; i <= before.size(); ++i) {
      const bool used = kept(set, i) && i % 2 == 0;
      out.flag(used);
      if (!used) out.flag(kept(set, i));
    }
    return;
  }
  const auto middle =
      std::find_if(set.deltas.begin(), set.deltas.end(), [](int delta) { return delta > 0; });
  out.ue(static_cast<uint64_t>(middle - set.deltas.begin()));
  out.ue(static_cast<uint64_t>(set.deltas.end() - middle));
  int last = 0;
  for (auto delta = set.deltas.begin(); delta != set.deltas.end(); ++delta) {
    if (delta == middle) last = 0;
    out.ue(static_cast<unsigned>(std::abs(*delta - last)) - 1);
    out.flag(true);
    last = *delta;
  }
}

std::vector<uint8_t> write_hevc_sps(const HevcSps& sps, const HevcSpsSyntax& syntax) {
  BitWriter out;
  out.u(0x01, 8);  // the second byte of the NAL unit header
  out.u(0, 4);
  out.u(syntax.max_sub_layers_minus1, 3);
  out.flag(true);
  write_profile_tier_level(out, syntax);
  out.ue(sps.id);
  write_size(out, sps);
  out.ue(sps.bit_depth_luma - 8u);
  out.ue(sps.bit_depth_chroma - 8u);
  write_order(out, sps, syntax);
  write_tools(out, syntax);
  write_references(out, syntax);
  out.u(3, 2);
  out.flag(syntax.vui);
  if (syntax.vui) {
    out.flag(true);
    out.u(255, 8);
    out.u(0x00010001, 32);
    out.u(3, 2);  // overscan
    out.flag(true);
    out.u(5, 3);
    out.flag(sps.colour.full_range);
    out.flag(true);
    for (const uint8_t point : {sps.colour.primaries, sps.colour.transfer, sps.colour.matrix}) {
      out.u(point, 8);
    }
    out.u(0, 9);
  }
  out.flag(false);
  return make_nal(2, 2, out.finish());  // the bits of type 33
}

HevcSps simple_hevc_sps() {
  HevcSps sps;
  sps.width = sps.height = 64;
  sps.max_dec_pic_buffering = 5;
  sps.max_num_reorder_pics = 2;
  return sps;
}

}  // namespace daedalus::test
