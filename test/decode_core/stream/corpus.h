// The corpus of streams (DAEDALUS_CORPUS): its manifest, and the comparison of decoded pictures
// with it.
#ifndef DAEDALUS_TEST_DECODE_CORE_STREAM_CORPUS_H_
#define DAEDALUS_TEST_DECODE_CORE_STREAM_CORPUS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "decode_core/frame_buffer.h"
#include "decode_core/record/recording.h"

struct AVMD5;

namespace daedalus::core::test {

// A line of the manifest: column → cell.
using CorpusRow = std::map<std::string, std::string>;

// Calls `check` with each 4:2:0 stream of a codec of 8 or 10 bits and its path; `check` says
// whether it decoded it. Skips the running test where there is no corpus, fails it where nothing
// was decoded.
void for_each_corpus_stream(
    const std::string& codec,
    const std::function<bool(const std::string& path, const CorpusRow& row)>& check);

// The pictures of one stream, as they come.
class CorpusPictures {
 public:
  CorpusPictures();
  void add(const FrameView& visible);
  // Fails the running test where they are not those of the manifest. MPEG-2's inverse transform may
  // be rounded in more than one right way (ISO/IEC 13818-2 annex A), and is by libavcodec on
  // another processor: its pictures may also be those of plain libavcodec here.
  void check(const std::string& path, const CorpusRow& row);

 private:
  struct Free {
    void operator()(AVMD5* context) const;
  };
  const std::unique_ptr<AVMD5, Free> md5_;
  std::vector<FrameHash> hashes_;
};

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_STREAM_CORPUS_H_
