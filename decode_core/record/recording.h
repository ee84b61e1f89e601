// Recordings: files of DecodeJobs, written at the core's door whatever the front, replayed with no
// client. Layout (host byte order, which is little endian wherever Daedalus runs): the magic, then
// entries of { uint32 payload bytes, payload }.
#ifndef DAEDALUS_DECODE_CORE_RECORD_RECORDING_H_
#define DAEDALUS_DECODE_CORE_RECORD_RECORDING_H_

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "decode_core/codec.h"
#include "decode_core/frame_buffer.h"
#include "decode_core/job.h"

namespace daedalus::core {

using FrameHash = std::array<uint8_t, 16>;

// MD5 over the samples of the decoded area: planes Y, U, V (of NV12 too), native depth, no padding.
FrameHash hash_frame(const FrameView& frame);

// One job as it was decoded.
struct RecordedJob {
  uint32_t session = 0;  // 1, 2, … in the recorded process
  Profile profile = Profile::kH264High;
  DecodeJob job;  // pictures are the reader's own, one for each recorded id
  // What the picture held once the job had ended; absent where it had no pixels.
  std::optional<FrameHash> hash;
  // Likewise of `job.display`.
  std::optional<FrameHash> display_hash;
};

// Appends to a file; any thread. An error closes the file and is logged once: recording never
// disturbs playback.
class RecordingWriter {
 public:
  static Result<std::unique_ptr<RecordingWriter>> create(const std::string& path);
  void write(uint32_t session, Profile profile, const DecodeJob& job,
             const std::optional<FrameHash>& hash,
             const std::optional<FrameHash>& display_hash = std::nullopt);

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit RecordingWriter(std::FILE* file) : file_(file) {}

  std::mutex mutex_;
  std::unique_ptr<std::FILE, Closer> file_;
};

// Reads a whole recording from memory, which must outlive the reader. Hostile files yield errors.
class RecordingReader {
 public:
  static Result<RecordingReader> open(std::span<const uint8_t> bytes);
  // The next job; nullopt at the end. After an error every call returns the same.
  Result<std::optional<RecordedJob>> next();
  // Bytes read so far, for progress.
  size_t position() const { return position_; }

 private:
  explicit RecordingReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  std::shared_ptr<Picture> picture(uint64_t id);

  struct KnownPicture {
    uint64_t id;
    std::shared_ptr<Picture> picture;
  };

  std::span<const uint8_t> bytes_;
  size_t position_ = 0;
  // Pictures live as long as somebody holds them: the jobs in flight, as with a client, and the
  // window of those that were named last, the latest at the end.
  std::vector<KnownPicture> pictures_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_RECORD_RECORDING_H_
