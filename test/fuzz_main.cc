// Runs a fuzz target without a fuzzer, as an ordinary test: every file named on the command line (a
// folder stands for the files in it), shortened and damaged copies of each, and the empty input.
// Deterministic.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kDamagedCopies = 32;

using Bytes = std::vector<uint8_t>;

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// An allocation of exactly the input's size lets AddressSanitizer see a read one byte past it.
void run(const Bytes& input) {
  const Bytes exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void run_damaged_copies(const Bytes& input, std::mt19937& random) {
  if (input.empty()) return;
  for (int i = 0; i < kDamagedCopies; ++i) {
    Bytes copy = input;
    copy.resize(1 + random() % copy.size());
    const size_t damaged_bytes = std::min<size_t>(1 + random() % 8, copy.size());
    for (size_t n = 0; n < damaged_bytes; ++n) {
      copy[random() % copy.size()] = static_cast<uint8_t>(random());
    }
    run(copy);
  }
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  run({});
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& path : files_of(argv[i])) {
      const Bytes input = read_file(path);
      std::mt19937 random(static_cast<uint32_t>(input.size()));
      run(input);
      run_damaged_copies(input, random);
      ++inputs;
    }
  }
  std::printf("%d seeds and their damaged copies ran\n", inputs);
  return inputs > 0 ? 0 : 1;
}
