// Writes AV1 sequence headers bit by bit, for tests: the inverse of
// decode_core/headers/av1_sequence_header, written from the syntax tables alone.
#ifndef DAEDALUS_TEST_DECODE_CORE_HEADERS_AV1_WRITER_H_
#define DAEDALUS_TEST_DECODE_CORE_HEADERS_AV1_WRITER_H_

#include <cstdint>
#include <vector>

#include "decode_core/headers/av1_sequence_header.h"
#include "test/decode_core/headers/h264_writer.h"

namespace daedalus::test {

// What an Av1SequenceHeader does not hold, but its syntax does.
struct Av1SequenceSyntax {
  bool reduced = false;  // reduced_still_picture_header: nothing of the rest is there
  bool timing = false;
  bool decoder_model = false;  // only with timing
  unsigned operating_points = 1;
  bool display_delays = false;
  bool frame_ids = false;
  bool order_hint = true;
  unsigned screen_content = 2;  // seq_force_screen_content_tools; 2: chosen by each frame
  bool choose_integer_mv = true;
};

inline void write_av1_operating_points(BitWriter& out, const Av1SequenceSyntax& syntax) {
  out.flag(syntax.timing);
  if (syntax.timing) {
    out.u(1, 32);
    out.u(25, 32);
    out.flag(true);
    out.ue(6);  // uvlc() has the same code
    out.flag(syntax.decoder_model);
    if (syntax.decoder_model) {
      out.u(9, 5);
      out.u(90000, 32);
      out.u(0x155, 10);
    }
  }
  out.flag(syntax.display_delays);
  out.u(syntax.operating_points - 1, 5);
  for (unsigned i = 0; i < syntax.operating_points; ++i) {
    out.u(i, 12);
    const unsigned level = i % 2 == 0 ? 9 : 7;
    out.u(level, 5);
    if (level > 7) out.flag(true);
    if (syntax.decoder_model) {
      out.flag(i % 3 == 0);
      if (i % 3 == 0) out.u(0x12345, 21);  // two delays of 10 bits and a flag
    }
    if (syntax.display_delays) {
      out.flag(i % 3 != 0);
      if (i % 3 != 0) out.u(5, 4);
    }
  }
}

inline void write_av1_tools(BitWriter& out, const Av1SequenceSyntax& syntax) {
  out.u(5, 3);
  if (!syntax.reduced) {
    out.u(10, 4);
    out.flag(syntax.order_hint);
    if (syntax.order_hint) out.u(1, 2);
    out.flag(syntax.screen_content == 2);
    if (syntax.screen_content != 2) out.flag(syntax.screen_content == 1);
    if (syntax.screen_content != 0) {
      out.flag(syntax.choose_integer_mv);
      if (!syntax.choose_integer_mv) out.flag(true);
    }
    if (syntax.order_hint) out.u(6, 3);
  }
  out.u(2, 3);
}

inline void write_av1_colour(BitWriter& out, const headers::Av1SequenceHeader& header) {
  out.flag(header.bit_depth > 8);
  if (header.profile == 2 && header.bit_depth > 8) out.flag(header.bit_depth == 12);
  if (header.profile != 1) out.flag(header.monochrome);
  const bool described = header.primaries != 2 || header.transfer != 2 || header.matrix != 2;
  out.flag(described);
  if (described) {
    for (const uint8_t point : {header.primaries, header.transfer, header.matrix}) out.u(point, 8);
  }
  if (header.monochrome) {
    out.flag(header.full_range);
    return;
  }
  if (header.primaries != 1 || header.transfer != 13 || header.matrix != 0) {
    out.flag(header.full_range);
    if (header.profile == 2 && header.bit_depth == 12) {
      out.flag(header.subsampled_x);
      if (header.subsampled_x) out.flag(header.subsampled_y);
    }
    if (header.subsampled_x && header.subsampled_y) out.u(1, 2);  // chroma_sample_position
  }
  out.flag(false);  // separate_uv_delta_q
}

// The payload of its unit.
inline std::vector<uint8_t> write_av1_sequence(const headers::Av1SequenceHeader& header,
                                               const Av1SequenceSyntax& syntax) {
  BitWriter out;
  out.u(header.profile, 3);
  out.flag(syntax.reduced);
  out.flag(syntax.reduced);
  if (syntax.reduced) {
    out.u(8, 5);
  } else {
    write_av1_operating_points(out, syntax);
  }
  out.u(15, 4);
  out.u(15, 4);
  out.u(header.max_width - 1, 16);
  out.u(header.max_height - 1, 16);
  if (!syntax.reduced) {
    out.flag(syntax.frame_ids);
    if (syntax.frame_ids) out.u(0x55, 7);
  }
  write_av1_tools(out, syntax);
  write_av1_colour(out, header);
  out.flag(true);  // film_grain_params_present
  return out.finish();
}

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HEADERS_AV1_WRITER_H_
