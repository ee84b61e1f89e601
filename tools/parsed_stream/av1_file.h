// Av1File: temporal units of the plain AV1 files: IVF, the low-overhead format (AV1 5.2, "Section
// 5") and the length-delimited format (annex B). libavformat refuses some of each.
#ifndef DAEDALUS_TOOLS_PARSED_STREAM_AV1_FILE_H_
#define DAEDALUS_TOOLS_PARSED_STREAM_AV1_FILE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/mapping.h"
#include "base/result.h"

namespace daedalus::parsed_stream {

// Not thread-safe.
class Av1File {
 public:
  // nullopt: the file is not there, or none of these.
  static std::optional<Av1File> open(const std::string& path);

  // The next temporal unit in the low-overhead format, valid until the next call; empty: the end.
  // After an error only the end comes.
  Result<std::span<const uint8_t>> next();

  double progress() const {
    return static_cast<double>(position_) / static_cast<double>(file_.size());
  }

 private:
  enum class Format : uint8_t { kIvf, kLowOverhead, kAnnexB };

  explicit Av1File(Mapping file) : file_(std::move(file)) {}
  bool recognise();
  std::span<const uint8_t> rest() const;
  Result<std::span<const uint8_t>> next_of_ivf();
  std::span<const uint8_t> next_of_low_overhead();
  Result<std::span<const uint8_t>> next_of_annex_b();
  Error fail();

  Mapping file_;
  Format format_ = Format::kIvf;
  size_t position_ = 0;        // bytes
  std::vector<uint8_t> unit_;  // annex B, rewritten
};

}  // namespace daedalus::parsed_stream

#endif  // DAEDALUS_TOOLS_PARSED_STREAM_AV1_FILE_H_
