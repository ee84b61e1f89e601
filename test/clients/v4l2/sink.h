// Where frames go: one hash, a hash for each, or a raw file.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_SINK_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_SINK_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "test/clients/v4l2/picture_reader.h"

struct AVMD5;

namespace daedalus::v4l2_client {

// MD5 of bytes, by libavutil.
class Md5 {
 public:
  Md5();
  void add(std::span<const uint8_t> bytes);
  std::string hex();

 private:
  struct Free {
    void operator()(AVMD5* context) const;
  };
  std::unique_ptr<AVMD5, Free> context_;
};

// What it prints is what `daedalus decode` prints.
class Sink {
 public:
  enum class Form : uint8_t { kNone, kMd5, kFrameMd5 };
  // `luma_only`: the first plane alone, what a monochrome stream codes.
  explicit Sink(Form form, bool luma_only = false) : form_(form), luma_only_(luma_only) {}
  // Samples of all frames into a file, one after the other. Null: errno says why not.
  static std::unique_ptr<Sink> to_file(const std::string& path, bool luma_only = false);

  Status write(const Frame& frame);
  // Prints the sum or closes the file.
  Status finish();
  uint64_t frames() const { return frames_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const Form form_;
  const bool luma_only_;
  Md5 md5_;
  std::unique_ptr<std::FILE, Close> file_;
  uint64_t frames_ = 0;
};

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_SINK_H_
