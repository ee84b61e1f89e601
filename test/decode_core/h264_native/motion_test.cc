// The motion vectors of a clip of frames are those that libavcodec tells of.
#include <map>
#include <memory>
#include <vector>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/motion_vector.h>
}

#include "decode_core/picture.h"
#include "test/catch.h"
#include "test/decode_core/h264_native/parsed_pictures.h"
#include "tools/parsed_stream/demuxer.h"

namespace daedalus::core::h264 {
namespace {

struct CodecDeleter {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FrameDeleter {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct PacketDeleter {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

using Vectors = std::vector<AVMotionVector>;

// By picture in display order.
std::vector<Vectors> libavcodec_vectors(const std::string& path) {
  std::unique_ptr<AVCodecContext, CodecDeleter> context(
      avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264)));
  context->flags2 |= AV_CODEC_FLAG2_EXPORT_MVS;
  context->thread_count = 1;
  REQUIRE(avcodec_open2(context.get(), nullptr, nullptr) == 0);
  std::unique_ptr<AVFrame, FrameDeleter> frame(av_frame_alloc());
  std::vector<Vectors> pictures;
  const auto receive = [&] {
    while (avcodec_receive_frame(context.get(), frame.get()) == 0) {
      Vectors& vectors = pictures.emplace_back();
      const AVFrameSideData* data =
          av_frame_get_side_data(frame.get(), AV_FRAME_DATA_MOTION_VECTORS);
      if (data == nullptr) continue;
      const auto* first = reinterpret_cast<const AVMotionVector*>(data->data);
      vectors.assign(first, first + data->size / sizeof(AVMotionVector));
    }
  };
  auto demuxer = parsed_stream::Demuxer::open(path);
  REQUIRE(demuxer.ok());
  std::vector<uint8_t> bytes((*demuxer)->headers().begin(), (*demuxer)->headers().end());
  parsed_stream::Demuxer::Packet demuxed;
  for (auto more = (*demuxer)->next(demuxed); more.ok() && *more;
       more = (*demuxer)->next(demuxed)) {
    bytes.insert(bytes.end(), demuxed.data.begin(), demuxed.data.end());
    std::unique_ptr<AVPacket, PacketDeleter> packet(av_packet_alloc());
    REQUIRE(av_new_packet(packet.get(), static_cast<int>(bytes.size())) == 0);
    std::copy(bytes.begin(), bytes.end(), packet->data);
    REQUIRE(avcodec_send_packet(context.get(), packet.get()) == 0);
    receive();
    bytes.clear();
  }
  avcodec_send_packet(context.get(), nullptr);
  receive();
  return pictures;
}

struct Motion {
  std::shared_ptr<const MotionField> field;
  uint32_t width = 0;
};

// libavcodec tells one vector for each part down to 8x8, that of its first 4x4 block; of
// macroblocks that use both lists also zeros for parts that use one of them.
void compare(const Motion& motion, const Vectors& vectors, size_t& compared, size_t& differences) {
  std::array<std::vector<std::array<bool, 4>>, 2> told;
  for (size_t list = 0; list < 2; ++list) told[list].resize(motion.field->slice.size());
  for (const AVMotionVector& vector : vectors) {
    const auto x = static_cast<uint32_t>(vector.dst_x - vector.w / 2);
    const auto y = static_cast<uint32_t>(vector.dst_y - vector.h / 2);
    const size_t list = vector.source < 0 ? 0 : 1;
    const size_t number = size_t{y / 16} * motion.width + x / 16;
    REQUIRE(number < motion.field->slice.size());
    const size_t block = y % 16 / 4 * 4 + x % 16 / 4;
    const MotionVector ours = motion.field->vectors[list][number][block];
    differences += ours.x != vector.motion_x || ours.y != vector.motion_y;
    ++compared;
    for (size_t quarter = 0; quarter < 4; ++quarter) {
      const uint32_t quarter_x = quarter % 2 * 8;
      const uint32_t quarter_y = static_cast<uint32_t>(quarter / 2 * 8);
      if (quarter_x >= x % 16 && quarter_x < x % 16 + vector.w && quarter_y >= y % 16 &&
          quarter_y < y % 16 + vector.h) {
        told[list][number][quarter] = true;
      }
    }
  }
  for (size_t list = 0; list < 2; ++list) {
    for (size_t number = 0; number < told[list].size(); ++number) {
      for (size_t quarter = 0; quarter < 4; ++quarter) {
        const bool used = motion.field->references[list][number][quarter] >= 0;
        differences += used && !told[list][number][quarter];
      }
    }
  }
}

}  // namespace

TEST_CASE("vectors and the lists they belong to are libavcodec's") {
  const std::string path = "test/data/h264.mp4";
  const std::vector<Vectors> expected = libavcodec_vectors(path);
  ParsedPictures pictures;
  std::map<uint64_t, Motion> motions;
  size_t shown = 0;
  size_t compared = 0;
  size_t differences = 0;
  for_each_event(path,
                 {[&](DecodeJob& job) {
                    REQUIRE(pictures.parse(job));
                    motions[job.target->id()] = {pictures.list().motion, pictures.list().width};
                  },
                  [&](uint64_t picture) {
                    REQUIRE(motions.contains(picture));
                    REQUIRE(shown < expected.size());
                    compare(motions[picture], expected[shown++], compared, differences);
                  }});
  CHECK(shown == expected.size());
  CHECK(compared > 10000);
  CHECK(differences == 0);
}

}  // namespace daedalus::core::h264
