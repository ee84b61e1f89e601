// record_calls CLIP JOBS OUT: writes the VA calls that decode the clip's first JOBS pictures.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "test/clients/va/call_sequence.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::va_client {
namespace {

Result<std::vector<core::DecodeJob>> first_jobs(const std::string& path, size_t count) {
  Result<std::unique_ptr<parsed_stream::ParsedStream>> stream =
      parsed_stream::ParsedStream::open(path);
  if (!stream) return stream.error();
  std::vector<core::DecodeJob> jobs;
  parsed_stream::Event event;
  while (jobs.size() < count) {
    const Result<bool> more = (*stream)->next(event);
    if (!more) return more.error();
    if (!*more) break;
    if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event))
      jobs.push_back(std::move(decode->job));
  }
  return jobs;
}

Status record(const std::string& clip, size_t count, const std::string& path) {
  const Result<std::vector<core::DecodeJob>> jobs = first_jobs(clip, count);
  if (!jobs) return jobs.error();
  const Result<std::vector<uint8_t>> calls = record_call_sequence(*jobs);
  if (!calls) return calls.error();
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(calls->data()),
            static_cast<std::streamsize>(calls->size()));
  out.close();
  if (!out) return Error{ErrorCode::kSystem, path + ": cannot be written"};
  return {};
}

}  // namespace
}  // namespace daedalus::va_client

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: record_calls CLIP JOBS OUT\n");
    return 2;
  }
  const daedalus::Status recorded = daedalus::va_client::record(
      argv[1], static_cast<size_t>(std::strtoul(argv[2], nullptr, 10)), argv[3]);
  if (recorded) return 0;
  std::fprintf(stderr, "record_calls: %s\n", recorded.error().message.c_str());
  return 1;
}
