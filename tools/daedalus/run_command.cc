// daedalus run: starts a program that finds the V4L2 decoder in /dev.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tools/daedalus/commands.h"
#include "tools/daedalus/options.h"
#include "tools/daedalus/preload_library.h"

namespace daedalus::tool {
namespace {

constexpr const char* kUsage =
    "usage: daedalus run [--transport in-process|cuse] [--av1] [--] CMD [ARGUMENT…]\n"
    "Starts CMD with a V4L2 decoder in /dev (video10, or the next free number).\n"
    "  --transport in-process   the decoder runs inside CMD, and only it and what it starts see\n"
    "                           the node; no kernel module, no root (the default)\n"
    "  --transport cuse         daedalusd serves the node; CMD gets what CUSE cannot carry:\n"
    "                           mmap, EXPBUF, DMABUF, requests\n"
    "  --av1                    in-process: the stateful node also lists AV1 (with cuse:\n"
    "                           daedalusd --av1)\n"
    "Example: daedalus run -- ffmpeg -c:v h264_v4l2m2m -i movie.mp4 out.mkv\n"
    "What decoded is shown by daedalus stats.\n";

struct Request {
  bool help = false;
  bool av1 = false;
  std::string transport = "in-process";
  Arguments command;
};

// Options end with "--" or where the command begins; what follows is the command's own.
Request parse(const Arguments& arguments) {
  Request request;
  size_t i = 0;
  for (; i < arguments.size() && arguments[i].starts_with("-"); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      ++i;
      break;
    }
    if (argument == "--help") {
      request.help = true;
    } else if (argument == "--av1") {
      request.av1 = true;
    } else if (argument == "--transport" && i + 1 < arguments.size()) {
      request.transport = arguments[++i];
    } else if (argument.starts_with("--transport=")) {
      request.transport = argument.substr(std::strlen("--transport="));
    } else {
      request.transport.clear();
      request.command = {argument};
      return request;
    }
  }
  request.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
  return request;
}

// In front of what the user preloads already.
std::string preload_list(const std::string& library) {
  const char* before = std::getenv("LD_PRELOAD");
  return before != nullptr && *before != '\0' ? library + ":" + before : library;
}

}  // namespace

int run_run(Arguments arguments) {
  const Request request = parse(arguments);
  if (request.help) return std::fputs(kUsage, stdout) < 0;
  if (request.transport.empty()) return fail("unknown option " + request.command.front(), 2);
  if (request.transport != "in-process" && request.transport != "cuse") {
    return fail("transport " + request.transport + " is not one of: in-process, cuse", 2);
  }
  if (request.command.empty()) return fail("run needs a command; daedalus run --help says more", 2);
  const std::string library = find_preload_library();
  if (library.empty()) {
    return fail(std::string(kPreloadLibrary) +
                " lies neither in ../lib/daedalus beside this program " +
                "nor in its build: ./dev install puts it there");
  }
  ::setenv("DAEDALUS_TRANSPORT", request.transport.c_str(), 1);
  if (request.av1) ::setenv("DAEDALUS_AV1", "1", 1);
  ::setenv("LD_PRELOAD", preload_list(library).c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : request.command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  const int error = errno;
  return fail(request.command.front() + ": " + std::strerror(error), error == ENOENT ? 127 : 126);
}

}  // namespace daedalus::tool
