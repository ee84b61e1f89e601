// Progress: a bar on standard error for work of more than two seconds, on a terminal only.
#ifndef DAEDALUS_TOOLS_DAEDALUS_PROGRESS_H_
#define DAEDALUS_TOOLS_DAEDALUS_PROGRESS_H_

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace daedalus::tool {

class Progress {
 public:
  Progress() : terminal_(::isatty(STDERR_FILENO) == 1), start_(Clock::now()), last_(start_) {}
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of the work, 0 to 1, and the pictures so far.
  void update(double done, uint64_t pictures) {
    const auto now = Clock::now();
    using std::chrono::milliseconds;
    if (!terminal_ || now - start_ < milliseconds(2000) || now - last_ < milliseconds(100)) return;
    last_ = now;
    shown_ = true;
    constexpr int kWidth = 40;
    const int filled = static_cast<int>(std::clamp(done, 0.0, 1.0) * kWidth);
    const std::string bar = std::string(static_cast<size_t>(filled), '#') +
                            std::string(static_cast<size_t>(kWidth - filled), '.');
    const double seconds = std::chrono::duration<double>(now - start_).count();
    std::fprintf(stderr, "\r[%s] %3.0f %%  %llu pictures, %.1f a second", bar.c_str(), done * 100,
                 static_cast<unsigned long long>(pictures),
                 static_cast<double>(pictures) / seconds);
    std::fflush(stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const bool terminal_;
  const Clock::time_point start_;
  Clock::time_point last_;
  bool shown_ = false;
};

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_PROGRESS_H_
