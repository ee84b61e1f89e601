// compare_payloads STREAM CLIENT...: are the requests that the hardware backend would send for the
// recordings of clients (DAEDALUS_RECORD) those of the stream's? Prints what differs, a line each:
// first what VA-API cannot carry, with the reason, then what should not. Ends with 0 where there is
// none of the latter, 1 where there is, 2 where a recording cannot be read.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "test/decode_core/hardware/payloads.h"

namespace daedalus::core::test {
namespace {

Result<std::vector<Payload>> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in),
                                std::istreambuf_iterator<char>()};
  if (!in) return Error{ErrorCode::kInvalidArgument, path + ": cannot be read"};
  auto payloads = read_payloads({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  if (!payloads) return Error{payloads.error().code, path + ": " + payloads.error().message};
  return payloads;
}

void print(const Difference& difference) {
  std::printf("%s %s: %s in request %zu, %zu in all%s%s\n",
              difference.reason.empty() ? "DIFFERS" : "unknown", difference.where.c_str(),
              difference.values.c_str(), difference.first, difference.requests,
              difference.reason.empty() ? "" : ": ", difference.reason.c_str());
}

int run(const std::vector<std::string>& paths) {
  std::vector<std::vector<Payload>> recordings;
  for (const std::string& path : paths) {
    auto payloads = read_file(path);
    if (!payloads) {
      std::fprintf(stderr, "%s\n", payloads.error().message.c_str());
      return 2;
    }
    recordings.push_back(std::move(*payloads));
  }
  int status = 0;
  for (size_t i = 1; i < paths.size(); ++i) {
    std::printf("%s: %zu requests\n", paths[i].c_str(), recordings[i].size());
    const auto differences = compare_payloads(recordings[i], recordings[0]);
    for (const Difference& difference : differences) {
      if (!difference.reason.empty()) print(difference);
    }
    for (const Difference& difference : differences) {
      if (!difference.reason.empty()) continue;
      print(difference);
      status = 1;
    }
  }
  return status;
}

}  // namespace
}  // namespace daedalus::core::test

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: compare_payloads STREAM CLIENT...\n");
    return 2;
  }
  return daedalus::core::test::run({argv + 1, argv + argc});
}
