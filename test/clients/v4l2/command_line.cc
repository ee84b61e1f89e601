#include "test/clients/v4l2/command_line.h"

#include <algorithm>
#include <array>
#include <utility>

namespace daedalus::v4l2_client {
namespace {

template <typename Value, size_t kCount>
bool find(const std::array<std::pair<std::string_view, Value>, kCount>& names,
          std::string_view name, Value* value) {
  const auto found = std::ranges::find(names, name, &std::pair<std::string_view, Value>::first);
  if (found == names.end()) return false;
  *value = found->second;
  return true;
}

}  // namespace

bool parse_memory(std::string_view text, BufferMemory* memory) {
  constexpr std::array<std::pair<std::string_view, BufferMemory>, 3> kMemories = {
      {{"mmap", BufferMemory::kMmap},
       {"expbuf", BufferMemory::kExpbuf},
       {"dmabuf", BufferMemory::kDmabuf}}};
  return find(kMemories, text, memory);
}

bool parse_format(std::string_view text, uint32_t* fourcc) {
  constexpr std::array<std::pair<std::string_view, uint32_t>, 4> kFormats = {
      {{"NV12", V4L2_PIX_FMT_NV12},
       {"NV12M", V4L2_PIX_FMT_NV12M},
       {"YU12", V4L2_PIX_FMT_YUV420},
       {"P010", V4L2_PIX_FMT_P010}}};
  return find(kFormats, text, fourcc);
}

bool parse_command_line(int count, char** arguments, const ParseOption& option, CommandLine* line) {
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--md5") {
      line->form = Sink::Form::kMd5;
    } else if (argument == "--framemd5") {
      line->form = Sink::Form::kFrameMd5;
    } else if (argument == "--luma") {
      line->luma_only = true;
    } else if (argument.starts_with("--")) {
      if (i + 1 == count || !option(argument, arguments[i + 1])) return false;
      ++i;
    } else if (line->in.empty()) {
      line->in = argument;
    } else if (line->out.empty()) {
      line->out = argument;
    } else {
      return false;
    }
  }
  return !line->in.empty();
}

Result<std::unique_ptr<Sink>> open_sink(const CommandLine& line) {
  if (line.out.empty()) return std::make_unique<Sink>(line.form, line.luma_only);
  auto sink = Sink::to_file(line.out, line.luma_only);
  if (!sink) return system_error(line.out);
  return sink;
}

}  // namespace daedalus::v4l2_client
