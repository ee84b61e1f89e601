// Under `bazel test --config=fuzz` the seed files on the command line start a short fuzzing run;
// libFuzzer by itself would only repeat them unchanged. Started by hand, a program keeps
// libFuzzer's own meaning of its arguments.
#include <cstdlib>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (std::getenv("TEST_TARGET") == nullptr) return 0;
  // libFuzzer keeps the pointers for as long as the program runs.
  static std::string seeds = "-seed_inputs=";
  static std::vector<char*> arguments;
  const size_t prefix = seeds.size();
  for (int i = 0; i < *argc; ++i) {
    char* argument = (*argv)[i];
    if (i == 0 || argument[0] == '-') {
      arguments.push_back(argument);
    } else {
      if (seeds.size() > prefix) seeds += ',';
      seeds += argument;
    }
  }
  arguments.push_back(seeds.data());
  *argc = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  *argv = arguments.data();
  return 0;
}
