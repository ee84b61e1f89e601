#include "cuse_device/cuse/options.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>

namespace daedalus::cuse {

const char* const kUsage =
    "usage: daedalusd [OPTION…]\n"
    "\n"
    "Serves V4L2 decoder nodes by way of CUSE. Needs root to make them, and is nobody afterwards.\n"
    "\n"
    "  --stateful NAME   the stateful decoder's node (default: video10, or the next free number)\n"
    "  --stateless NAME  the stateless decoder's (default: the next free number)\n"
    "  --media NAME      the media controller's (default: the first free media number)\n"
    "  --requests NAME   that of clients' request handles (default: daedalus-request and a "
    "number)\n"
    "  --direct-qbuf     the stateless node also takes self-contained frames without request\n"
    "  --av1             the stateful node also lists AV1, which puzzles programs that are older\n"
    "  --user-pointers   V4L2_MEMORY_USERPTR: the daemon reads and writes the memory of its "
    "clients\n"
    "                    and keeps the right to (CAP_SYS_PTRACE)\n"
    "  --user USER       whom to become (default: daedalus, where there is such a user, or "
    "nobody)\n"
    "  --background      return once the nodes are there\n"
    "  --kill            a system call that decoding does not need ends the daemon (for tests)\n";

namespace {

bool is_name(std::string_view name, std::string_view prefix) {
  if (name.substr(0, prefix.size()) != prefix) return false;
  const std::string_view number = name.substr(prefix.size());
  return !number.empty() && number.size() <= 3 &&
         std::all_of(number.begin(), number.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

Error misused(const std::string& what) {
  return {ErrorCode::kInvalidArgument, what + "; daedalusd --help tells more"};
}

}  // namespace

Result<Options> parse_options(int count, const char* const* words) {
  Options options;
  struct Flag {
    std::string_view word;
    bool* value;
  };
  struct Text {
    std::string_view word;
    std::string* value;
    std::string_view prefix;  // of a node's name
  };
  const Flag flags[] = {
      {"--help", &options.help},
      {"-h", &options.help},
      {"--user-pointers", &options.user_pointers},
      {"--direct-qbuf", &options.direct_qbuf},
      {"--av1", &options.av1},
      {"--background", &options.background},
      {"--kill", &options.sandbox.kill},
  };
  const Text texts[] = {
      {"--stateful", &options.stateful, "video"}, {"--stateless", &options.stateless, "video"},
      {"--media", &options.media, "media"},       {"--requests", &options.requests, kRequestPrefix},
      {"--user", &options.sandbox.user, ""},
  };
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const auto* flag = std::find_if(std::begin(flags), std::end(flags),
                                    [&](const Flag& known) { return known.word == word; });
    if (flag != std::end(flags)) {
      *flag->value = true;
      continue;
    }
    const auto* text = std::find_if(std::begin(texts), std::end(texts),
                                    [&](const Text& known) { return known.word == word; });
    if (text == std::end(texts)) return misused("unknown option " + std::string(word));
    if (++i == count) return misused(std::string(word) + " needs a value");
    *text->value = words[i];
    if (!text->prefix.empty() && !is_name(words[i], text->prefix)) {
      return misused(std::string(word) + " " + words[i] + ": a name like " +
                     std::string(text->prefix) + "10 is wanted, by which programs find it");
    }
  }
  options.sandbox.keep_ptrace = options.user_pointers;
  return options;
}

std::string free_name(std::string_view prefix, int first) {
  for (int number = first;; ++number) {
    std::string name = std::string(prefix) + std::to_string(number);
    const bool taken = ::access(("/dev/" + name).c_str(), F_OK) == 0 ||
                       ::access(("/sys/class/video4linux/" + name).c_str(), F_OK) == 0 ||
                       ::access(("/sys/class/cuse/" + name).c_str(), F_OK) == 0;
    if (!taken) return name;
  }
}

}  // namespace daedalus::cuse
