#include "test/decode_core/h264_native/stream_jobs.h"

#include <utility>

#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {

std::vector<DecodeJob> jobs_of(const std::string& path, size_t most) {
  std::vector<DecodeJob> jobs;
  auto stream = parsed_stream::ParsedStream::open(path);
  if (!stream || !(*stream)->profile().has_value()) return jobs;
  parsed_stream::Event event;
  while (jobs.size() < most) {
    const Result<bool> more = (*stream)->next(event);
    if (!more) continue;
    if (!*more) break;
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode != nullptr) jobs.push_back(std::move(decode->job));
  }
  return jobs;
}

DecodeJob JobCopies::copy(const DecodeJob& job) {
  DecodeJob copy = job;
  copy.target = own(copy.target);
  for (auto& reference : copy.references) reference = own(reference);
  return copy;
}

std::shared_ptr<Picture> JobCopies::own(const std::shared_ptr<Picture>& original) {
  if (original == nullptr) return nullptr;
  auto& mine = pictures_[original.get()];
  if (mine == nullptr) mine = std::make_shared<Picture>();
  return mine;
}

std::vector<DecodeJob> copy_of(const std::vector<DecodeJob>& jobs) {
  JobCopies copies;
  std::vector<DecodeJob> all;
  all.reserve(jobs.size());
  for (const DecodeJob& job : jobs) all.push_back(copies.copy(job));
  return all;
}

}  // namespace daedalus::core::test
