#include "tools/daedalus/sink.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <utility>

extern "C" {
#include <libavutil/md5.h>
#include <libavutil/mem.h>
}

#include "tools/daedalus/png.h"

namespace daedalus::tool {
namespace {

class Md5 {
 public:
  Md5() : context_(av_md5_alloc()) { av_md5_init(context_.get()); }
  void add(const std::vector<uint8_t>& bytes) {
    av_md5_update(context_.get(), bytes.data(), bytes.size());
  }
  std::string hex() {
    std::array<uint8_t, 16> digest{};
    av_md5_final(context_.get(), digest.data());
    std::string text;
    for (const uint8_t byte : digest) {
      constexpr char kDigits[] = "0123456789abcdef";
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    return text;
  }

 private:
  struct Free {
    void operator()(AVMD5* context) const { av_free(context); }
  };
  std::unique_ptr<AVMD5, Free> context_;
};

class Md5Sink final : public Sink {
 public:
  Status write(const Frame& frame) override {
    md5_.add(frame.samples);
    ++frames_;
    return {};
  }
  Status finish() override {
    std::printf("md5 %s frames %" PRIu64 "\n", md5_.hex().c_str(), frames_);
    return {};
  }

 private:
  Md5 md5_;
  uint64_t frames_ = 0;
};

class FrameMd5Sink final : public Sink {
 public:
  Status write(const Frame& frame) override {
    Md5 md5;
    md5.add(frame.samples);
    std::printf("%" PRIu64 ",%u,%u,%s\n", index_++, frame.width, frame.height, md5.hex().c_str());
    return {};
  }
  Status finish() override { return {}; }

 private:
  uint64_t index_ = 0;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

Status write_bytes(std::FILE* file, const void* bytes, size_t size) {
  if (std::fwrite(bytes, 1, size, file) != size) return system_error("write");
  return {};
}

// Raw frames, or YUV4MPEG2 with its headers.
class RawSink final : public Sink {
 public:
  RawSink(File file, bool y4m) : file_(std::move(file)), y4m_(y4m) {}

  Status write(const Frame& frame) override {
    if (y4m_) {
      if (Status status = write_headers(frame); !status) return status;
    }
    return write_bytes(file_.get(), frame.samples.data(), frame.samples.size());
  }
  Status finish() override {
    if (std::fflush(file_.get()) != 0) return system_error("write");
    return {};
  }

 private:
  Status write_headers(const Frame& frame) {
    std::string header;
    if (width_ == 0) {
      width_ = frame.width;
      height_ = frame.height;
      header = "YUV4MPEG2 W" + std::to_string(width_) + " H" + std::to_string(height_) +
               " F25:1 Ip A1:1 " + (frame.bit_depth == 10 ? "C420p10 XYSCSS=420P10" : "C420jpeg") +
               "\n";
    } else if (frame.width != width_ || frame.height != height_) {
      return Error{ErrorCode::kUnsupported, "the size changes, which Y4M cannot hold; use .yuv"};
    }
    header += "FRAME\n";
    return write_bytes(file_.get(), header.data(), header.size());
  }

  File file_;
  const bool y4m_;
  uint32_t width_ = 0;
  uint32_t height_ = 0;
};

class PngSink final : public Sink {
 public:
  PngSink(std::string path, bool folder) : path_(std::move(path)), folder_(folder) {}

  Status write(const Frame& frame) override {
    const uint64_t index = frames_++;
    if (!folder_) return index == 0 ? write_png(frame, path_) : Status();
    std::array<char, 32> name;
    std::snprintf(name.data(), name.size(), "%06" PRIu64 ".png", index);
    return write_png(frame, path_ + name.data());
  }
  Status finish() override {
    if (frames_ == 0) return Error{ErrorCode::kNotFound, "there was no frame to write"};
    return {};
  }

 private:
  const std::string path_;
  const bool folder_;
  uint64_t frames_ = 0;
};

}  // namespace

std::unique_ptr<Sink> create_md5_sink() { return std::make_unique<Md5Sink>(); }

std::unique_ptr<Sink> create_frame_md5_sink() { return std::make_unique<FrameMd5Sink>(); }

Result<std::unique_ptr<Sink>> create_file_sink(const std::string& path) {
  if (path.ends_with('/')) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return Error{ErrorCode::kSystem, "cannot make " + path + ": " + error.message()};
    return std::unique_ptr<Sink>(std::make_unique<PngSink>(path, true));
  }
  if (path.ends_with(".png")) return std::unique_ptr<Sink>(std::make_unique<PngSink>(path, false));
  const bool y4m = path.ends_with(".y4m");
  if (!y4m && !path.ends_with(".yuv")) {
    return Error{ErrorCode::kInvalidArgument,
                 "the output's name ends in .yuv, .y4m, .png, or / for a folder of PNGs"};
  }
  File file(std::fopen(path.c_str(), "wbe"));
  if (file == nullptr) return system_error("open " + path);
  return std::unique_ptr<Sink>(std::make_unique<RawSink>(std::move(file), y4m));
}

}  // namespace daedalus::tool
