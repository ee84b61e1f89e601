// Directories: listings of /dev have our nodes behind the kernel's entries.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_DIRECTORIES_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_DIRECTORIES_H_

#include <dirent.h>

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>

namespace daedalus::preload {

// Thread-safe; one stream is used by one thread at a time, as readdir(3) asks. Never destroyed.
class Directories {
 public:
  constexpr Directories() = default;

  // A stream that was opened; remembered where it lists /dev.
  DIR* opened(DIR* stream);
  // The next of our entries, null after the last and for every other stream. For when the kernel's
  // are through.
  dirent* next(DIR* stream);
  void rewound(DIR* stream);
  void closed(DIR* stream);

  void before_fork() { mutex_.lock(); }
  void after_fork() { mutex_.unlock(); }

 private:
  struct Listing {
    size_t next = 0;
    dirent entry{};
  };
  std::atomic<size_t> count_{0};
  std::mutex mutex_;
  std::map<DIR*, Listing>* listings_ = nullptr;
};

extern constinit Directories directories;

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_DIRECTORIES_H_
