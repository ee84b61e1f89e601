#include "base/statistics.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "test/catch.h"

namespace daedalus {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* base = std::getenv("TEST_TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/statistics_XXXXXX";
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Statistics::Identity identity() {
  return {"replay",     "h264",     "a profile name that is longer than its field",
          "libavcodec", "software", 1920,
          1080};
}

TEST_CASE("a page that another copy of the library has in this process is left alone") {
  TemporaryFolder folder;
  const Statistics first(folder.path(), identity(), false);
  const uint32_t number = read_statistics(folder.path())->front().session;
  const std::string taken = folder.path() + "/" + std::to_string(::getpid()) + "-" +
                            std::to_string(number + 1) + ".stats";
  std::ofstream(taken) << "another's";
  Statistics second(folder.path(), identity(), false);
  second.page().pictures += 1;
  std::string text;
  std::getline(std::ifstream(taken), text);
  CHECK(text == "another's");
  const auto pages = read_statistics(folder.path());
  REQUIRE(pages.ok());
  REQUIRE(pages->size() == 2);
  CHECK(pages->back().session == number + 2);
  CHECK(pages->back().pictures == 1);
}

TEST_CASE("a page is read back by another opener while its writer lives") {
  TemporaryFolder folder;
  Statistics statistics(folder.path() + "/made/on/demand", identity(), false);
  statistics.page().pictures += 3;
  statistics.page().concealed += 1;
  statistics.page().gpu_failures += 4;
  statistics.page().calls += 5;
  statistics.page().trips += 8;
  statistics.page().polls += 2;
  statistics.page().bytes += 1 << 20;
  statistics.count_stage("pack", "AVX2");
  statistics.count_stage("pack", "AVX2");
  statistics.count_stage("pack", "scalar");

  const auto pages = read_statistics(folder.path() + "/made/on/demand");
  REQUIRE(pages.ok());
  REQUIRE(pages->size() == 1);
  const StatisticsSnapshot& page = pages->front();
  CHECK(page.pid == static_cast<uint32_t>(::getpid()));
  CHECK(page.front == "replay");
  CHECK(page.profile == "a profile name that is longer t");  // cut, still terminated
  CHECK(page.width == 1920);
  CHECK(page.pictures == 3);
  CHECK(page.concealed == 1);
  CHECK(page.gpu_failures == 4);
  CHECK(page.calls == 5);
  CHECK(page.trips == 8);
  CHECK(page.polls == 2);
  CHECK(page.bytes == 1 << 20);
  REQUIRE(page.stages.size() == 2);
  CHECK(page.stages[0].substrate == "AVX2");
  CHECK(page.stages[0].pictures == 2);
  CHECK(page.stages[1].pictures == 1);
}

TEST_CASE("more stages than the page holds are dropped, not written beyond it") {
  Statistics statistics("", identity(), false);
  for (size_t i = 0; i < StatisticsPage::kStages + 3; ++i) {
    statistics.count_stage("stage" + std::to_string(i), "scalar");
  }
  CHECK(statistics.page().stages.back().pictures == 1);
}

TEST_CASE("a folder that cannot be made is no error") {
  Statistics statistics("/proc/nowhere", identity(), true);
  statistics.page().pictures += 1;
  CHECK(statistics.page().pictures == 1);
  CHECK_FALSE(read_statistics("/proc/nowhere").ok());
}

TEST_CASE("pages survive a crash, and a sweep removes those of ended processes only") {
  TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    Statistics statistics(folder.path(), identity(), false);
    statistics.page().pictures += 7;
    ::_exit(9);  // no destructor runs
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  const auto before = read_statistics(folder.path());
  REQUIRE(before.ok());
  REQUIRE(before->size() == 1);
  CHECK(before->front().pictures == 7);

  Statistics mine(folder.path(), identity(), true);
  const auto after = read_statistics(folder.path());
  REQUIRE(after.ok());
  REQUIRE(after->size() == 1);
  CHECK(after->front().pid == static_cast<uint32_t>(::getpid()));
}

TEST_CASE("foreign and short files in the folder are passed over") {
  TemporaryFolder folder;
  std::ofstream(folder.path() + "/12-1.stats") << "short";
  std::ofstream(folder.path() + "/notes.txt") << std::string(sizeof(StatisticsPage), 'x');
  std::ofstream(folder.path() + "/13-1.stats") << std::string(sizeof(StatisticsPage), 'x');
  const auto pages = read_statistics(folder.path());
  REQUIRE(pages.ok());
  CHECK(pages->empty());
}

}  // namespace
}  // namespace daedalus
