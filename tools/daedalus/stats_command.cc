// daedalus stats: the statistics pages of a folder, as a table or as JSON.
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "base/statistics.h"
#include "decode_core/settings.h"
#include "tools/daedalus/commands.h"
#include "tools/daedalus/options.h"

namespace daedalus::tool {
namespace {

constexpr const char* kUsage =
    "usage: daedalus stats [--json] [FOLDER]\n"
    "Prints what each decoder session did: FOLDER is DAEDALUS_STATS, else\n"
    "$XDG_RUNTIME_DIR/daedalus.\n";

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += '?';
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// How many pictures each stage wrote: "pack": 60.
std::string stage_pictures(const StatisticsSnapshot& page) {
  std::map<std::string, uint64_t> counts;
  for (const auto& stage : page.stages) counts[stage.name] += stage.pictures;
  std::string out;
  for (const auto& [name, count] : counts) {
    out += (out.empty() ? "" : ",") + quoted(name) + ":" + std::to_string(count);
  }
  return "{" + out + "}";
}

// The stages as "pack": "AVX2"; a stage that ran on several substrates joins them by "+".
std::string substrates(const StatisticsSnapshot& page) {
  std::string out;
  for (size_t i = 0; i < page.stages.size(); ++i) {
    bool first = true;
    for (size_t j = 0; j < i; ++j) first = first && page.stages[j].name != page.stages[i].name;
    if (!first) continue;
    std::string names = page.stages[i].substrate;
    for (size_t j = i + 1; j < page.stages.size(); ++j) {
      if (page.stages[j].name == page.stages[i].name) names += "+" + page.stages[j].substrate;
    }
    out += (out.empty() ? "" : ",") + quoted(page.stages[i].name) + ":" + quoted(names);
  }
  return "{" + out + "}";
}

void print_json(const std::vector<StatisticsSnapshot>& pages) {
  std::fputs("[", stdout);
  const char* separator = "\n";
  for (const StatisticsSnapshot& page : pages) {
    std::printf(
        "%s{\"pid\":%u,\"session\":%u,\"program\":%s,\"front\":%s,\"codec\":%s,\"profile\":%s,"
        "\"width\":%u,\"height\":%u,\"engine\":%s,\"backend\":%s,\"pictures\":%llu,"
        "\"concealed\":%llu,\"errors\":%llu,\"redecodes\":%llu,\"gpu_failures\":%llu,"
        "\"queue_depth\":%llu,"
        "\"calls\":%llu,\"trips\":%llu,\"polls\":%llu,\"bytes\":%llu,\"substrate\":%s,"
        "\"stage_pictures\":%s}",
        separator, page.pid, page.session, quoted(page.program).c_str(), quoted(page.front).c_str(),
        quoted(page.codec).c_str(), quoted(page.profile).c_str(), page.width, page.height,
        quoted(page.engine).c_str(), quoted(page.backend).c_str(),
        static_cast<unsigned long long>(page.pictures),
        static_cast<unsigned long long>(page.concealed),
        static_cast<unsigned long long>(page.errors),
        static_cast<unsigned long long>(page.redecodes),
        static_cast<unsigned long long>(page.gpu_failures),
        static_cast<unsigned long long>(page.queue_depth),
        static_cast<unsigned long long>(page.calls), static_cast<unsigned long long>(page.trips),
        static_cast<unsigned long long>(page.polls), static_cast<unsigned long long>(page.bytes),
        substrates(page).c_str(), stage_pictures(page).c_str());
    separator = ",\n";
  }
  std::fputs("\n]\n", stdout);
}

void print_table(const std::vector<StatisticsSnapshot>& pages) {
  std::printf("%-16s %7s %-6s %-6s %-20s %10s %-12s %-9s %9s %9s %7s %9s\n", "PROGRAM", "PID",
              "FRONT", "CODEC", "PROFILE", "SIZE", "ENGINE", "BACKEND", "PICTURES", "CONCEALED",
              "ERRORS", "TRIPS");
  for (const StatisticsSnapshot& page : pages) {
    const std::string size = std::to_string(page.width) + "x" + std::to_string(page.height);
    std::printf(
        "%-16s %7u %-6s %-6s %-20s %10s %-12s %-9s %9llu %9llu %7llu %9llu\n", page.program.c_str(),
        page.pid, page.front.c_str(), page.codec.c_str(), page.profile.c_str(), size.c_str(),
        page.engine.c_str(), page.backend.c_str(), static_cast<unsigned long long>(page.pictures),
        static_cast<unsigned long long>(page.concealed),
        static_cast<unsigned long long>(page.errors), static_cast<unsigned long long>(page.trips));
  }
}

}  // namespace

int run_stats(Arguments arguments) {
  Options options(std::move(arguments));
  if (options.flag("help")) return std::fputs(kUsage, stdout) < 0;
  const bool json = options.flag("json");
  const auto operands = options.operands();
  if (!operands) return fail(operands.error().message, 2);
  if (operands->size() > 1) return fail("stats takes one folder", 2);
  const std::string folder =
      operands->empty() ? core::Settings::from_environment().statistics_folder : operands->front();
  if (folder.empty())
    return fail("no folder given, and neither DAEDALUS_STATS nor XDG_RUNTIME_DIR");
  const auto pages = read_statistics(folder);
  if (!pages) return fail(pages.error().message);
  json ? print_json(*pages) : print_table(*pages);
  return 0;
}

}  // namespace daedalus::tool
