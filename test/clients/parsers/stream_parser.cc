#include "test/clients/parsers/stream_parser.h"

#include "test/clients/parsers/av1_stream.h"
#include "test/clients/parsers/h264_stream.h"
#include "test/clients/parsers/hevc_stream.h"
#include "test/clients/parsers/mpeg2_stream.h"
#include "test/clients/parsers/vp8_stream.h"
#include "test/clients/parsers/vp9_stream.h"

namespace daedalus::clients {

std::unique_ptr<StreamParser> create_parser(core::Codec codec) {
  switch (codec) {
    case core::Codec::kH264:
      return std::make_unique<H264Stream>();
    case core::Codec::kVp9:
      return std::make_unique<Vp9Stream>();
    case core::Codec::kVp8:
      return std::make_unique<Vp8Stream>();
    case core::Codec::kMpeg2:
      return std::make_unique<Mpeg2Stream>();
    case core::Codec::kHevc:
      return std::make_unique<HevcStream>();
    case core::Codec::kAv1:
      return std::make_unique<Av1Stream>();
  }
  return nullptr;
}

}  // namespace daedalus::clients
