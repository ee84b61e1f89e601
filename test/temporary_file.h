// TemporaryFile and TemporaryFolder: a file and a folder that go away with the object.
#ifndef DAEDALUS_TEST_TEMPORARY_FILE_H_
#define DAEDALUS_TEST_TEMPORARY_FILE_H_

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace daedalus::test {

// In the folder that bazel gives a test, or the system's.
class TemporaryFile {
 public:
  // Not there before somebody writes it.
  TemporaryFile() {
    const char* folder = std::getenv("TEST_TMPDIR");
    static int count = 0;
    path_ = (folder != nullptr ? std::filesystem::path(folder)
                               : std::filesystem::temp_directory_path()) /
            ("daedalus-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
  }
  explicit TemporaryFile(std::span<const uint8_t> bytes) : TemporaryFile() {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }
  std::vector<uint8_t> read() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  std::string path_;
};

// Empty at first.
class TemporaryFolder {
 public:
  TemporaryFolder() { std::filesystem::create_directory(name_.path()); }
  ~TemporaryFolder() { std::filesystem::remove_all(name_.path()); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return name_.path(); }

 private:
  const TemporaryFile name_;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_TEMPORARY_FILE_H_
