// daedalus: the user's command.
#include <array>
#include <cstdio>
#include <string_view>

#include "tools/daedalus/commands.h"

namespace {

struct Command {
  std::string_view name;
  int (*run)(daedalus::tool::Arguments arguments);
  const char* summary;
};

constexpr std::array<Command, 7> kCommands = {{
    {"info", daedalus::tool::run_info, "what this build decodes, with what, and where pixels go"},
    {"doctor", daedalus::tool::run_doctor, "will programs here find the driver? what to mend"},
    {"decode", daedalus::tool::run_decode, "decode a file through a front: raw, Y4M, PNG or MD5"},
    {"replay", daedalus::tool::run_replay, "decode a recording and compare its hashes"},
    {"run", daedalus::tool::run_run, "start a program that finds the V4L2 decoder in /dev"},
    {"gpu", daedalus::tool::run_gpu, "which stages run on a GPU, on which, and why"},
    {"stats", daedalus::tool::run_stats, "what running programs really decoded"},
}};

int usage(std::FILE* out) {
  std::fputs("usage: daedalus COMMAND [OPTION…] [FILE…]\n\n", out);
  for (const Command& command : kCommands) {
    std::fprintf(out, "  %-8s %s\n", command.name.data(), command.summary);
  }
  std::fputs("\ndaedalus COMMAND --help says more.\n", out);
  return out == stderr ? 2 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return usage(stderr);
  const std::string_view name = argv[1];
  if (name == "--help" || name == "-h" || name == "help") return usage(stdout);
  for (const Command& command : kCommands) {
    if (command.name == name) return command.run({argv + 2, argv + argc});
  }
  std::fprintf(stderr, "daedalus: there is no command \"%s\"\n", argv[1]);
  return usage(stderr);
}
