#include "base/cache_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <iterator>

#include "test/catch.h"
#include "test/temporary_file.h"

namespace daedalus {
namespace {

using test::TemporaryFolder;

size_t files_in(const std::string& folder) {
  const std::filesystem::directory_iterator files(folder);
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

TEST_CASE("what was written is read, in a folder that was not there") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/a/b/file";
  CHECK(read_cache_file(path, 100).empty());
  const std::string bytes("one\0two", 7);
  CHECK(write_cache_file(path, bytes));
  CHECK(read_cache_file(path, 7) == bytes);
  CHECK(write_cache_file(path, "three"));
  CHECK(read_cache_file(path, 7) == "three");
  CHECK(files_in(folder.path() + "/a/b") == 1);
}

TEST_CASE("what is too large or no regular file is not read") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  CHECK(write_cache_file(path, "four"));
  CHECK(read_cache_file(path, 3).empty());
  CHECK(read_cache_file(folder.path(), 1 << 20).empty());
  REQUIRE(::mkfifo((folder.path() + "/pipe").c_str(), 0600) == 0);
  CHECK(read_cache_file(folder.path() + "/pipe", 100).empty());
}

TEST_CASE("where nothing can be written nothing changes") {
  const TemporaryFolder folder;
  const std::string file = folder.path() + "/file";
  CHECK(write_cache_file(file, "five"));
  CHECK_FALSE(write_cache_file(file + "/below", "six"));
  std::filesystem::create_directories(folder.path() + "/folder/full");
  CHECK_FALSE(write_cache_file(folder.path() + "/folder", "six"));
  CHECK(read_cache_file(file, 100) == "five");
  CHECK(files_in(folder.path()) == 2);
}

}  // namespace
}  // namespace daedalus
