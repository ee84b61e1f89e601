// What the command lines of our V4L2 clients have in common.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_COMMAND_LINE_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_COMMAND_LINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "test/clients/v4l2/buffers.h"
#include "test/clients/v4l2/sink.h"

namespace daedalus::v4l2_client {

// False, and nothing is written: no such name.
bool parse_memory(std::string_view text, BufferMemory* memory);  // mmap, expbuf, dmabuf
bool parse_format(std::string_view text, uint32_t* fourcc);      // NV12, NV12M, YU12, P010

// [--md5 | --framemd5] [--luma] [NAME VALUE…] IN [OUT]
struct CommandLine {
  std::string in, out;
  Sink::Form form = Sink::Form::kNone;
  bool luma_only = false;
};
// `option` gets every other NAME, which begins with --, and its VALUE. False: `option` said so, or
// a word is missing or too many.
using ParseOption = std::function<bool(std::string_view name, const std::string& value)>;
bool parse_command_line(int count, char** arguments, const ParseOption& option, CommandLine* line);

// Where the frames of that command line go.
Result<std::unique_ptr<Sink>> open_sink(const CommandLine& line);

}  // namespace daedalus::v4l2_client

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_COMMAND_LINE_H_
