#include "base/statistics.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <new>

#include "base/log.h"
#include "base/unique_fd.h"

namespace daedalus {
namespace {

constexpr std::string_view kSuffix = ".stats";

template <size_t N>
void set_text(std::array<char, N>& field, std::string_view text) {
  field.fill('\0');
  std::copy_n(text.data(), std::min(text.size(), N - 1), field.data());
}

template <size_t N>
std::string get_text(const std::array<char, N>& field) {
  return {field.data(), ::strnlen(field.data(), N)};
}

std::string program_name() {
  std::ifstream file("/proc/self/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

// The pid in a page's file name "PID-SESSION.stats"; 0 if it is none.
int pid_of(const std::string& name) {
  if (!name.ends_with(kSuffix)) return 0;
  int pid = 0;
  std::from_chars(name.data(), name.data() + name.size(), pid);
  return pid;
}

void remove_pages_of_ended_processes(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const int pid = pid_of(entry.path().filename().string());
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
      std::filesystem::remove(entry.path(), error);
    }
  }
}

// Of this copy of the library; a process may have several (a plug-in brings its own).
uint32_t next_session() {
  static std::atomic<uint32_t> sessions{0};
  return ++sessions;
}

// A new file, so that no two pages share one: numbers that another copy has taken are passed over.
Result<Mapping> make_page_file(const std::string& folder, uint32_t* session) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  constexpr int kMostTries = 1000;
  std::string path;
  UniqueFd fd;
  for (int tried = 0; tried < kMostTries; ++tried) {
    path = folder + "/" + std::to_string(::getpid()) + "-" + std::to_string(*session) +
           std::string(kSuffix);
    fd.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (fd || errno != EEXIST) break;
    *session = next_session();
  }
  if (!fd) return system_error("open " + path);
  // Blocks are reserved now: a full file system must not become SIGBUS at the first count.
  if (const int failure = ::posix_fallocate(fd.get(), 0, sizeof(StatisticsPage)); failure != 0) {
    errno = failure;
    return system_error("reserve " + path);
  }
  return Mapping::map(fd.get(), sizeof(StatisticsPage), 0, true);
}

}  // namespace

Statistics::Statistics(const std::string& folder, const Identity& identity, bool sweep) {
  uint32_t session = next_session();
  if (!folder.empty()) {
    if (sweep) remove_pages_of_ended_processes(folder);
    auto mapping = make_page_file(folder, &session);
    if (mapping) {
      mapping_ = std::move(*mapping);
    } else {
      log(LogLevel::kInfo, "no statistics page: %s", mapping.error().message.c_str());
    }
  }
  if (mapping_) {
    page_ = new (mapping_.data()) StatisticsPage{};
  } else {
    private_page_ = std::make_unique<StatisticsPage>();
    page_ = private_page_.get();
  }
  page_->pid = static_cast<uint32_t>(::getpid());
  page_->session = session;
  set_text(page_->program, program_name());
  set_text(page_->front, identity.front);
  set_text(page_->codec, identity.codec);
  set_text(page_->profile, identity.profile);
  set_text(page_->engine, identity.engine);
  set_text(page_->backend, identity.backend);
  page_->width = identity.width;
  page_->height = identity.height;
  page_->magic = StatisticsPage::kMagic;
}

Statistics::~Statistics() = default;

void Statistics::count_stage(std::string_view stage, std::string_view substrate) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  for (auto& entry : page_->stages) {
    if (entry.name[0] == '\0') {
      set_text(entry.substrate, substrate);
      set_text(entry.name, stage);
    }
    if (get_text(entry.name) == stage && get_text(entry.substrate) == substrate) {
      ++entry.pictures;
      return;
    }
  }
}

Result<std::vector<StatisticsSnapshot>> read_statistics(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) {
    return Error{ErrorCode::kNotFound, "no statistics in " + folder + ": " + error.message()};
  }
  std::vector<StatisticsSnapshot> snapshots;
  for (const auto& entry : entries) {
    const std::string path = entry.path().string();
    if (pid_of(entry.path().filename().string()) == 0) continue;
    auto mapping = Mapping::map_file(path);
    if (!mapping || mapping->size() != sizeof(StatisticsPage)) continue;
    const auto& page = *reinterpret_cast<const StatisticsPage*>(mapping->data());
    if (page.magic != StatisticsPage::kMagic) continue;
    StatisticsSnapshot snapshot{page.pid,
                                page.session,
                                page.width,
                                page.height,
                                get_text(page.program),
                                get_text(page.front),
                                get_text(page.codec),
                                get_text(page.profile),
                                get_text(page.engine),
                                get_text(page.backend),
                                page.pictures,
                                page.concealed,
                                page.errors,
                                page.redecodes,
                                page.gpu_failures,
                                page.queue_depth,
                                page.calls,
                                page.trips,
                                page.polls,
                                page.bytes,
                                {}};
    for (const auto& stage : page.stages) {
      if (stage.name[0] == '\0') break;
      snapshot.stages.push_back(
          {get_text(stage.name), get_text(stage.substrate), stage.pictures.load()});
    }
    snapshots.push_back(std::move(snapshot));
  }
  std::sort(snapshots.begin(), snapshots.end(), [](const auto& a, const auto& b) {
    return std::pair(a.pid, a.session) < std::pair(b.pid, b.session);
  });
  return snapshots;
}

std::string default_statistics_folder() {
  const char* runtime = ::secure_getenv("XDG_RUNTIME_DIR");
  return runtime != nullptr && runtime[0] == '/' ? std::string(runtime) + "/daedalus" : "";
}

}  // namespace daedalus
