#include "decode_core/codec.h"

namespace daedalus::core {

std::string_view to_string(Codec codec) {
  switch (codec) {
    case Codec::kH264:
      return "h264";
    case Codec::kVp9:
      return "vp9";
    case Codec::kVp8:
      return "vp8";
    case Codec::kMpeg2:
      return "mpeg2";
    case Codec::kHevc:
      return "hevc";
    case Codec::kAv1:
      return "av1";
  }
  return "unknown";
}

std::string_view to_string(Profile profile) {
  switch (profile) {
    case Profile::kH264ConstrainedBaseline:
      return "Constrained Baseline";
    case Profile::kH264Main:
      return "Main";
    case Profile::kH264High:
      return "High";
    case Profile::kVp9Profile0:
      return "Profile 0";
    case Profile::kVp9Profile2:
      return "Profile 2";
    case Profile::kVp8:
      return "VP8";
    case Profile::kMpeg2Simple:
      return "Simple";
    case Profile::kMpeg2Main:
      return "Main";
    case Profile::kHevcMain:
      return "Main";
    case Profile::kHevcMainStillPicture:
      return "Main Still Picture";
    case Profile::kHevcMain10:
      return "Main 10";
    case Profile::kAv1Main:
      return "Main";
  }
  return "unknown";
}

Codec codec_of(Profile profile) {
  switch (profile) {
    case Profile::kH264ConstrainedBaseline:
    case Profile::kH264Main:
    case Profile::kH264High:
      return Codec::kH264;
    case Profile::kVp9Profile0:
    case Profile::kVp9Profile2:
      return Codec::kVp9;
    case Profile::kVp8:
      return Codec::kVp8;
    case Profile::kMpeg2Simple:
    case Profile::kMpeg2Main:
      break;
    case Profile::kHevcMain:
    case Profile::kHevcMainStillPicture:
    case Profile::kHevcMain10:
      return Codec::kHevc;
    case Profile::kAv1Main:
      return Codec::kAv1;
  }
  return Codec::kMpeg2;
}

}  // namespace daedalus::core
