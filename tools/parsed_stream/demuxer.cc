#include "tools/parsed_stream/demuxer.h"

#include <algorithm>
#include <array>
#include <optional>

extern "C" {
#include <libavcodec/bsf.h>
#include <libavcodec/packet.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/error.h>
}

namespace daedalus::parsed_stream {
namespace {

Error libav_error(const std::string& what, int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  ErrorCode kind = ErrorCode::kCorrupt;
  if (code == AVERROR(ENOENT)) kind = ErrorCode::kNotFound;
  if (code == AVERROR(ENOMEM)) kind = ErrorCode::kOutOfMemory;
  if (code == AVERROR(EACCES) || code == AVERROR(EIO)) kind = ErrorCode::kSystem;
  return {kind, what + ": " + text.data()};
}

std::optional<core::Codec> codec_of(AVCodecID id) {
  switch (id) {
    case AV_CODEC_ID_H264:
      return core::Codec::kH264;
    case AV_CODEC_ID_VP9:
      return core::Codec::kVp9;
    case AV_CODEC_ID_VP8:
      return core::Codec::kVp8;
    case AV_CODEC_ID_MPEG2VIDEO:
      return core::Codec::kMpeg2;
    case AV_CODEC_ID_HEVC:
      return core::Codec::kHevc;
    case AV_CODEC_ID_AV1:
      return core::Codec::kAv1;
    default:
      return std::nullopt;
  }
}

}  // namespace

void Demuxer::FormatDeleter::operator()(AVFormatContext* context) const {
  avformat_close_input(&context);
}

void Demuxer::FilterDeleter::operator()(AVBSFContext* context) const { av_bsf_free(&context); }

void Demuxer::PacketDeleter::operator()(AVPacket* packet) const { av_packet_free(&packet); }

Result<std::unique_ptr<Demuxer>> Demuxer::open(const std::string& path) {
  std::unique_ptr<Demuxer> demuxer(new Demuxer);
  if (auto av1_file = Av1File::open(path)) {
    demuxer->av1_file_ = std::move(av1_file);
    demuxer->codec_ = core::Codec::kAv1;
    return demuxer;
  }
  // The prefix and the list keep names and playlists from reaching beyond local files.
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "file", 0);
  AVFormatContext* format = nullptr;
  int code = avformat_open_input(&format, ("file:" + path).c_str(), nullptr, &options);
  av_dict_free(&options);
  if (code < 0) return libav_error(path, code);
  demuxer->format_.reset(format);
  code = avformat_find_stream_info(format, nullptr);
  if (code < 0) return libav_error(path, code);
  if (Status status = demuxer->choose_stream(path); !status.ok()) return status.error();
  if (Status status = demuxer->open_filter(); !status.ok()) return status.error();
  demuxer->packet_.reset(av_packet_alloc());
  if (demuxer->packet_ == nullptr) return Error{ErrorCode::kOutOfMemory, "a packet"};
  demuxer->size_ = format->pb != nullptr ? std::max<int64_t>(avio_size(format->pb), 0) : 0;
  return demuxer;
}

Status Demuxer::choose_stream(const std::string& path) {
  std::string found;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream& stream = *format_->streams[i];
    stream.discard = AVDISCARD_ALL;
    if (stream.codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
    if (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) continue;
    const auto codec = codec_of(stream.codecpar->codec_id);
    if (!codec) found += std::string(" ") + avcodec_get_name(stream.codecpar->codec_id);
    if (!codec || stream_ >= 0) continue;
    stream_ = static_cast<int>(i);
    codec_ = *codec;
    stream.discard = AVDISCARD_DEFAULT;
  }
  if (stream_ >= 0) return {};
  return Error{ErrorCode::kUnsupported,
               path + ": no H.264, HEVC, AV1, VP9, VP8 or MPEG-2 video; video found:" +
                   (found.empty() ? " none" : found)};
}

Status Demuxer::open_filter() {
  AVBSFContext* filter = nullptr;
  const char* const name = codec_ == core::Codec::kH264   ? "h264_mp4toannexb"
                           : codec_ == core::Codec::kHevc ? "hevc_mp4toannexb"
                                                          : "null";
  int code = av_bsf_list_parse_str(name, &filter);
  if (code < 0) return libav_error(name, code);
  filter_.reset(filter);
  code = avcodec_parameters_copy(filter->par_in, format_->streams[stream_]->codecpar);
  if (code >= 0) code = av_bsf_init(filter);
  if (code < 0) return libav_error(name, code);
  return {};
}

std::span<const uint8_t> Demuxer::headers() const {
  if (filter_ == nullptr) return {};
  if (codec_ != core::Codec::kH264 && codec_ != core::Codec::kMpeg2 &&
      codec_ != core::Codec::kAv1) {
    return {};
  }
  const AVCodecParameters& parameters = *filter_->par_out;
  if (parameters.extradata == nullptr || parameters.extradata_size <= 0) return {};
  const std::span<const uint8_t> data(parameters.extradata,
                                      static_cast<size_t>(parameters.extradata_size));
  if (codec_ != core::Codec::kAv1) return data;
  // av1C of ISO-BMFF and Matroska has four bytes before its units.
  constexpr size_t kConfiguration = 4;
  constexpr uint8_t kMarkerAndVersion = 0x81;
  return data[0] == kMarkerAndVersion ? data.subspan(std::min(kConfiguration, data.size())) : data;
}

Result<bool> Demuxer::next_of_av1_file(Packet& packet) {
  const auto unit = av1_file_->next();
  if (!unit.ok()) return unit.error();
  packet.data = *unit;
  packet.discard = false;
  return !unit->empty();
}

Result<bool> Demuxer::next(Packet& packet) {
  if (av1_file_) return next_of_av1_file(packet);
  av_packet_unref(packet_.get());
  while (true) {
    const int code = av_bsf_receive_packet(filter_.get(), packet_.get());
    if (code == AVERROR(EAGAIN)) {
      if (Status status = feed_filter(); !status.ok()) return status.error();
      continue;
    }
    if (code == AVERROR_EOF) return false;
    if (code < 0) {
      if (ended_) return false;
      return libav_error("a packet is skipped", code);
    }
    if (packet_->size <= 0) {
      av_packet_unref(packet_.get());
      continue;
    }
    if (packet_->pos >= 0) position_ = packet_->pos + packet_->size;
    packet.data = {packet_->data, static_cast<size_t>(packet_->size)};
    packet.discard = (packet_->flags & AV_PKT_FLAG_DISCARD) != 0;
    return true;
  }
}

Status Demuxer::feed_filter() {
  Status result;
  int code = 0;
  do {
    av_packet_unref(packet_.get());
    code = ended_ ? AVERROR_EOF : av_read_frame(format_.get(), packet_.get());
  } while (code >= 0 && packet_->stream_index != stream_);
  if (code < 0) {
    if (code != AVERROR_EOF) result = libav_error("the file cannot be read on", code);
    ended_ = true;
    av_packet_unref(packet_.get());
  }
  code = av_bsf_send_packet(filter_.get(), packet_.get());  // takes it; empty: the end
  if (code < 0 && result.ok()) result = libav_error("a packet is skipped", code);
  return result;
}

double Demuxer::progress() const {
  if (av1_file_) return av1_file_->progress();
  if (size_ == 0) return 0;
  return std::clamp(static_cast<double>(position_) / static_cast<double>(size_), 0.0, 1.0);
}

}  // namespace daedalus::parsed_stream
