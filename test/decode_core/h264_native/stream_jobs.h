// The jobs of a stream, to be decoded any number of times.
#ifndef DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_STREAM_JOBS_H_
#define DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_STREAM_JOBS_H_

#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "decode_core/job.h"
#include "decode_core/picture.h"

namespace daedalus::core::test {

// The first jobs of a stream, in order; they share their pictures. Empty: no profile that is
// offered.
std::vector<DecodeJob> jobs_of(const std::string& path,
                               size_t most = std::numeric_limits<size_t>::max());

// Jobs' copies with pictures of their own, one for each of theirs.
class JobCopies {
 public:
  DecodeJob copy(const DecodeJob& job);
  // Later copies have another picture in this one's place.
  void forget(const Picture* original) { pictures_.erase(original); }

 private:
  std::shared_ptr<Picture> own(const std::shared_ptr<Picture>& original);

  std::map<const Picture*, std::shared_ptr<Picture>> pictures_;
};

std::vector<DecodeJob> copy_of(const std::vector<DecodeJob>& jobs);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_H264_NATIVE_STREAM_JOBS_H_
