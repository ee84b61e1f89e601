// The node as paths and directories show it.
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "test/catch.h"
#include "test/cuse_device/preload/testing.h"

namespace daedalus::test {
namespace {

const std::string& name() { return preload::nodes().front().name; }

bool is_node(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == preload::nodes().front().number;
}

}  // namespace

TEST_CASE("every call of the stat family shows a character device of video4linux") {
  CHECK(major(preload::nodes().front().number) == 81);
  struct stat status {};
  REQUIRE(::stat(node_path().c_str(), &status) == 0);
  CHECK(is_node(status));
  status = {};
  REQUIRE(::lstat(node_path().c_str(), &status) == 0);
  CHECK(is_node(status));
  status = {};
  REQUIRE(::fstatat(AT_FDCWD, node_path().c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0);
  CHECK(is_node(status));
  const UniqueFd fd = open_node();
  REQUIRE(fd);
  status = {};
  REQUIRE(::fstat(fd.get(), &status) == 0);
  CHECK(is_node(status));
  status = {};
  REQUIRE(::fstatat(fd.get(), "", &status, AT_EMPTY_PATH) == 0);
  CHECK(is_node(status));
  struct statx extended {};
  REQUIRE(::statx(AT_FDCWD, node_path().c_str(), 0, STATX_BASIC_STATS, &extended) == 0);
  CHECK(S_ISCHR(extended.stx_mode));
  CHECK(makedev(extended.stx_rdev_major, extended.stx_rdev_minor) == status.st_rdev);
  CHECK(std::filesystem::is_character_file(node_path()));
}

TEST_CASE("the node is found by other ways to write its path, and nowhere else") {
  const UniqueFd dev(::open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd tmp(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE((dev && tmp));
  CHECK(UniqueFd(::openat(dev.get(), name().c_str(), O_RDWR)));
  CHECK(UniqueFd(::open(("/dev/../dev//" + name()).c_str(), O_RDWR)));
  CHECK_FALSE(UniqueFd(::openat(tmp.get(), name().c_str(), O_RDWR)));
  CHECK(errno == ENOENT);
  CHECK_FALSE(UniqueFd(::open(("/tmp/" + name()).c_str(), O_RDWR)));
  CHECK_FALSE(UniqueFd(::open((node_path() + "0").c_str(), O_RDWR)));
  CHECK_FALSE(UniqueFd(::open(node_path().c_str(), O_RDONLY | O_DIRECTORY)));
  CHECK(errno == ENOTDIR);
}

TEST_CASE("it may be read and written, is no link and has its own name") {
  CHECK(::access(node_path().c_str(), R_OK | W_OK) == 0);
  CHECK(::access(node_path().c_str(), X_OK) == -1);
  CHECK(errno == EACCES);
  CHECK(::faccessat(AT_FDCWD, node_path().c_str(), R_OK, 0) == 0);
  char text[PATH_MAX]{};
  CHECK(::readlink(node_path().c_str(), text, sizeof text) == -1);
  CHECK(errno == EINVAL);
  REQUIRE(::realpath(node_path().c_str(), text) != nullptr);
  CHECK(text == node_path());
  CHECK(std::filesystem::canonical("/dev/null") == "/dev/null");

  CHECK(::getxattr(node_path().c_str(), "system.posix_acl_access", text, sizeof text) == -1);
  CHECK(errno == EOPNOTSUPP);

  const UniqueFd fd = open_node();
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  std::memset(text, 0, sizeof text);
  CHECK(::readlink(link.c_str(), text, sizeof text) == static_cast<ssize_t>(node_path().size()));
  CHECK(text == node_path());
}

TEST_CASE("listings of /dev have it once, behind what the kernel has") {
  DIR* const stream = ::opendir("/dev");
  REQUIRE(stream != nullptr);
  for (int round = 0; round < 2; ++round) {
    int seen = 0, others = 0;
    while (const dirent* entry = ::readdir(stream)) {
      if (entry->d_name == name()) {
        ++seen;
        CHECK(entry->d_type == DT_CHR);
      } else {
        ++others;
      }
    }
    CHECK(seen == 1);
    CHECK(others > 2);
    CHECK(::readdir(stream) == nullptr);
    ::rewinddir(stream);
  }
  ::closedir(stream);

  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/dev")) {
    seen += entry.path() == node_path() ? 1 : 0;
  }
  CHECK(seen == 1);
  for (const auto& entry : std::filesystem::directory_iterator("/")) {
    CHECK(entry.path().filename() != name());
  }
}

TEST_CASE("scandir filters and sorts it among the others") {
  dirent** list = nullptr;
  const auto wanted = [](const dirent* entry) {
    return std::strncmp(entry->d_name, "video", 5) == 0 || std::strcmp(entry->d_name, "zero") == 0
               ? 1
               : 0;
  };
  const int count = ::scandir("/dev", &list, wanted, alphasort);
  REQUIRE(count >= 2);
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    names.emplace_back(list[i]->d_name);
    std::free(list[i]);
  }
  std::free(static_cast<void*>(list));
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::count(names.begin(), names.end(), name()) == 1);
}

TEST_CASE("sysfs says the node's kind") {
  const dev_t number = preload::nodes().front().number;
  std::ifstream file("/sys/dev/char/" + std::to_string(major(number)) + ":" +
                     std::to_string(minor(number)) + "/uevent");
  bool named = false;
  for (std::string line; std::getline(file, line);) named = named || line == "DEVNAME=" + name();
  CHECK(named);
}

}  // namespace daedalus::test
