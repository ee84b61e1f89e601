#include "decode_core/software/h264/slice_data.h"

#include <algorithm>
#include <cstring>

namespace daedalus::core::h264 {
namespace {

static_assert(CabacEngine::kPadding == BitWindow::kPadding);
constexpr size_t kPadding = CabacEngine::kPadding;

// `nal` without emulation_prevention_three_byte into `rbsp`; the bytes written.
size_t extract(std::span<const uint8_t> nal, std::vector<uint8_t>& rbsp) {
  if (rbsp.size() < nal.size() + kPadding) rbsp.resize(nal.size() + kPadding);
  uint8_t* out = rbsp.data();
  const uint8_t* in = nal.data();
  const uint8_t* end = in + nal.size();
  const uint8_t* copied = in;
  while (true) {
    const auto* three =
        static_cast<const uint8_t*>(std::memchr(in, 3, static_cast<size_t>(end - in)));
    if (three == nullptr) break;
    in = three + 1;
    if (three - copied < 2 || three[-1] != 0 || three[-2] != 0) continue;
    const auto size = static_cast<size_t>(three - copied);
    std::memcpy(out, copied, size);
    out += size;
    copied = in;
  }
  const auto size = static_cast<size_t>(end - copied);
  std::memcpy(out, copied, size);
  out += size;
  std::memset(out, 0, kPadding);
  return static_cast<size_t>(out - rbsp.data());
}

}  // namespace

bool SliceData::begin(std::span<const uint8_t> nal, const Slice& slice, uint32_t index,
                      int initial_qp, const DirectPrediction& direct) {
  size_ = extract(nal, rbsp_);
  while (size_ > 0 && rbsp_[size_ - 1] == 0) --size_;
  const size_t first = slice.header.slice.header_bit_size;
  if (first >= size_ * 8) return false;
  const uint8_t* data = rbsp_.data();
  parser_.begin_slice(slice, index, initial_qp, direct);
  if (cabac_) {
    const size_t table =
        slice.header.is_intra() ? 0 : size_t{slice.header.slice.cabac_init_idc} + 1;
    cabac_syntax_.start(data + (first + 7) / 8, data + size_, initial_qp, table);
  } else {
    cavlc_syntax_.start(data, data + size_, first);
  }
  skip_run_ = 0;
  skip_run_known_ = false;
  return true;
}

SliceData::Outcome SliceData::parse(uint32_t x, uint32_t row) {
  if (picture_.list.mbaff) {
    return cabac_ ? parse_pair(cabac_syntax_, x, row) : parse_pair(cavlc_syntax_, x, row);
  }
  return cabac_ ? parse_one(cabac_syntax_, x, row) : parse_one(cavlc_syntax_, x, row);
}

bool SliceData::ends_cleanly() const {
  return cabac_ ? cabac_syntax_.ends_with_stop_bit() : cavlc_syntax_.ends_with_stop_bit();
}

// mb_skip_flag, or what mb_skip_run says, of the macroblock that was begun.
template <typename Syntax>
bool SliceData::read_skipped(Syntax& syntax) {
  if (parser_.is_i()) return false;
  if constexpr (Syntax::kIsCabac) {
    return syntax.skip_flag(parser_.neighbours(), parser_.is_b());
  } else {
    if (!skip_run_known_) {
      skip_run_ = syntax.skip_run();
      skip_run_known_ = true;
    }
    if (skip_run_ == 0) return false;
    --skip_run_;
    return true;
  }
}

template <typename Syntax>
bool SliceData::parse_macroblock(Syntax& syntax, bool skipped) {
  if (skipped) {
    parser_.skip();
    if constexpr (Syntax::kIsCabac) syntax.no_qp_delta();
    return true;
  }
  skip_run_known_ = false;
  return parser_.parse(syntax) && !syntax.overrun();
}

// What follows a macroblock or a pair whose last macroblock was skipped or not.
template <typename Syntax>
SliceData::Outcome SliceData::outcome(Syntax& syntax, bool valid, bool skipped) {
  if (!valid) return Outcome::kError;
  if constexpr (Syntax::kIsCabac) {
    return syntax.end_of_slice() ? Outcome::kLast : Outcome::kMore;
  } else {
    if (skipped && skip_run_ > 0) return Outcome::kMore;
    return syntax.more_data() ? Outcome::kMore : Outcome::kLast;
  }
}

template <typename Syntax>
SliceData::Outcome SliceData::parse_one(Syntax& syntax, uint32_t x, uint32_t row) {
  parser_.begin(x, row, false);
  const bool skipped = read_skipped(syntax);
  const bool valid = parse_macroblock(syntax, skipped);
  return outcome(syntax, valid, skipped);
}

bool SliceData::field_flag(CabacSyntax& syntax, uint32_t x, uint32_t y) {
  return syntax.field_flag(picture_.rows.left_pair(x, y, parser_.slice_index()),
                           picture_.rows.top_pair(x, y, parser_.slice_index()));
}

// Of a pair that does not say it (7.4.4).
bool SliceData::inferred_field(uint32_t x, uint32_t y) const {
  const MacroblockContext& left = picture_.rows.left_pair(x, y, parser_.slice_index());
  if (left.slice != MacroblockContext::kNoSlice) return left.has(MacroblockContext::kField);
  return picture_.rows.top_pair(x, y, parser_.slice_index()).has(MacroblockContext::kField);
}

template <typename Syntax>
SliceData::Outcome SliceData::parse_pair(Syntax& syntax, uint32_t x, uint32_t row) {
  const uint32_t y = 2 * row;
  bool field = inferred_field(x, y);
  parser_.begin(x, y, field);
  const bool upper_skipped = read_skipped(syntax);
  bool lower_skipped = false;
  if (!upper_skipped) {
    field = field_flag(syntax, x, y);
  } else if constexpr (Syntax::kIsCabac) {
    // Whether the lower one has a flag for both comes first.
    picture_.rows.at(x, y).flags |= MacroblockContext::kSkipped;
    parser_.begin(x, y + 1, field);
    lower_skipped = read_skipped(syntax);
    if (!lower_skipped) field = field_flag(syntax, x, y);
  } else if (skip_run_ == 0 && syntax.more_data()) {
    field = field_flag(syntax, x, y);
  }
  parser_.begin(x, y, field);
  if (!parse_macroblock(syntax, upper_skipped)) return Outcome::kError;
  if constexpr (!Syntax::kIsCabac) {
    if (outcome(syntax, true, upper_skipped) != Outcome::kMore) return Outcome::kError;
  }
  parser_.begin(x, y + 1, field);
  if (!Syntax::kIsCabac || !upper_skipped) lower_skipped = read_skipped(syntax);
  const bool valid = parse_macroblock(syntax, lower_skipped);
  return outcome(syntax, valid, lower_skipped);
}

}  // namespace daedalus::core::h264
