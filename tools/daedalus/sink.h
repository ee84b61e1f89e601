// Sink: where decoded frames go.
#ifndef DAEDALUS_TOOLS_DAEDALUS_SINK_H_
#define DAEDALUS_TOOLS_DAEDALUS_SINK_H_

#include <memory>
#include <string>

#include "base/result.h"
#include "tools/daedalus/front.h"

namespace daedalus::tool {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual Status write(const Frame& frame) = 0;
  virtual Status finish() = 0;
};

// Standard output: "md5 HEX frames N" over all frames, or a line "INDEX,WIDTH,HEIGHT,MD5" for each.
std::unique_ptr<Sink> create_md5_sink();
std::unique_ptr<Sink> create_frame_md5_sink();
// By the name's ending: .yuv raw frames, .y4m YUV4MPEG2 at 25 pictures a second, .png the first
// frame; a name that ends in "/" is a folder of numbered PNGs.
Result<std::unique_ptr<Sink>> create_file_sink(const std::string& path);

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_SINK_H_
