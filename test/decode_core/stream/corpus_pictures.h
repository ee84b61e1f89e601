// The comparison of decoded pictures with the corpus's manifest.
#ifndef DAEDALUS_TEST_DECODE_CORE_STREAM_CORPUS_PICTURES_H_
#define DAEDALUS_TEST_DECODE_CORE_STREAM_CORPUS_PICTURES_H_

#include <memory>
#include <string>
#include <vector>

#include "decode_core/frame_buffer.h"
#include "decode_core/record/recording.h"
#include "test/corpus.h"

struct AVMD5;

namespace daedalus::core::test {

// The pictures of one stream, as they come.
class CorpusPictures {
 public:
  CorpusPictures();
  void add(const FrameView& visible);
  // Fails the running test where they are not those of the manifest. MPEG-2's inverse transform may
  // be rounded in more than one right way (ISO/IEC 13818-2 annex A), and is by libavcodec on
  // another processor: its pictures may also be those of plain libavcodec here.
  void check(const std::string& path, const daedalus::test::CorpusRow& row);

 private:
  struct Free {
    void operator()(AVMD5* context) const;
  };
  const std::unique_ptr<AVMD5, Free> md5_;
  std::vector<FrameHash> hashes_;
};

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_STREAM_CORPUS_PICTURES_H_
