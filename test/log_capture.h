// LogCapture: what this process logs while the object lives, infos too.
#ifndef DAEDALUS_TEST_LOG_CAPTURE_H_
#define DAEDALUS_TEST_LOG_CAPTURE_H_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string>

namespace daedalus::test {

// Programs that include this log infos: the level is read once, before any test begins.
inline const int kLogsInfos = ::setenv("DAEDALUS_LOG", "info", 1);

class LogCapture {
 public:
  LogCapture() : file_(::memfd_create("log", 0)), former_(::dup(STDERR_FILENO)) {
    ::dup2(file_, STDERR_FILENO);
  }
  ~LogCapture() {
    ::dup2(former_, STDERR_FILENO);
    ::close(former_);
    ::close(file_);
  }
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  // Its first 64 KiB.
  std::string text() const {
    std::string text(1 << 16, '\0');
    const ssize_t size = ::pread(file_, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }
  // How often the words stand in that.
  size_t count(const std::string& words) const {
    const std::string text = this->text();
    size_t found = 0;
    for (size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
      ++found;
    }
    return found;
  }

 private:
  int file_;
  int former_;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_LOG_CAPTURE_H_
