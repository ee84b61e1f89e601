#include "decode_core/record/recording.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

extern "C" {
#include <libavutil/md5.h>
#include <libavutil/mem.h>
}

#include "base/log.h"
#include "decode_core/picture.h"
#include "decode_core/planar_frame.h"

namespace daedalus::core {
namespace {

constexpr std::array<char, 8> kMagic = {'D', 'A', 'E', 'D', 'R', 'E', 'C', '1'};
constexpr uint32_t kLargestEntry = 256u << 20;
constexpr size_t kMostReferences = V4L2_H264_NUM_DPB_ENTRIES;
// A DPB of 16 frames and the pictures a client may have in flight.
constexpr size_t kPictureWindow = 128;

class Writer {
 public:
  template <typename T>
  void value(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes({reinterpret_cast<const uint8_t*>(&value), sizeof(T)});
  }
  template <typename T>
  void list(const std::vector<T>& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    value(static_cast<uint32_t>(values.size()));
    bytes({reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)});
  }
  void bytes(std::span<const uint8_t> data) { out_.insert(out_.end(), data.begin(), data.end()); }
  const std::vector<uint8_t>& out() const { return out_; }

 private:
  std::vector<uint8_t> out_;
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  template <typename T>
  T value() {
    static_assert(std::is_trivially_copyable_v<T>);
    T result{};
    if (bytes_.size() < sizeof(T)) {
      failed_ = true;
      return result;
    }
    std::memcpy(&result, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return result;
  }
  template <typename T>
  std::vector<T> list() {
    const uint32_t count = value<uint32_t>();
    if (failed_ || count > bytes_.size() / sizeof(T)) {
      failed_ = true;
      return {};
    }
    std::vector<T> result(count);
    if (count != 0) std::memcpy(result.data(), bytes_.data(), count * sizeof(T));
    bytes_ = bytes_.subspan(count * sizeof(T));
    return result;
  }
  bool complete() const { return !failed_ && bytes_.empty(); }

 private:
  std::span<const uint8_t> bytes_;
  bool failed_ = false;
};

void write_parameters(Writer& writer, const JobParameters& parameters) {
  writer.value(static_cast<uint8_t>(parameters.index()));
  if (const auto* h264 = std::get_if<H264Parameters>(&parameters)) {
    writer.value(h264->sps);
    writer.value(h264->pps);
    writer.value(h264->scaling_matrix);
    writer.value(h264->decode);
    writer.value(h264->poc_offsets_known);
    writer.value(h264->default_reference_counts_known);
    writer.list(h264->slice_reference_counts_minus1);
  } else if (const auto* hevc = std::get_if<HevcParameters>(&parameters)) {
    writer.value(hevc->sps);
    writer.value(hevc->pps);
    writer.value(hevc->scaling_matrix);
    writer.value(hevc->decode);
    writer.list(hevc->slices);
  } else if (const auto* av1 = std::get_if<Av1Parameters>(&parameters)) {
    writer.value(av1->sequence);
    writer.value(av1->frame);
    writer.value(av1->film_grain);
    writer.list(av1->tiles);
  } else if (const auto* vp9 = std::get_if<Vp9Parameters>(&parameters)) {
    writer.value(vp9->frame);
  } else if (const auto* vp8 = std::get_if<Vp8Parameters>(&parameters)) {
    writer.value(vp8->frame);
  } else {
    const auto& mpeg2 = std::get<Mpeg2Parameters>(parameters);
    writer.value(mpeg2.sequence);
    writer.value(mpeg2.picture);
    writer.value(mpeg2.quantisation);
  }
}

std::optional<JobParameters> read_parameters(Reader& reader) {
  switch (static_cast<Codec>(reader.value<uint8_t>())) {
    case Codec::kH264: {
      H264Parameters h264;
      h264.sps = reader.value<v4l2_ctrl_h264_sps>();
      h264.pps = reader.value<v4l2_ctrl_h264_pps>();
      h264.scaling_matrix = reader.value<v4l2_ctrl_h264_scaling_matrix>();
      h264.decode = reader.value<v4l2_ctrl_h264_decode_params>();
      h264.poc_offsets_known = reader.value<uint8_t>() != 0;
      h264.default_reference_counts_known = reader.value<uint8_t>() != 0;
      h264.slice_reference_counts_minus1 = reader.list<std::array<uint8_t, 2>>();
      return h264;
    }
    case Codec::kVp9:
      return Vp9Parameters{reader.value<v4l2_ctrl_vp9_frame>()};
    case Codec::kVp8:
      return Vp8Parameters{reader.value<v4l2_ctrl_vp8_frame>()};
    case Codec::kMpeg2: {
      Mpeg2Parameters mpeg2;
      mpeg2.sequence = reader.value<v4l2_ctrl_mpeg2_sequence>();
      mpeg2.picture = reader.value<v4l2_ctrl_mpeg2_picture>();
      mpeg2.quantisation = reader.value<v4l2_ctrl_mpeg2_quantisation>();
      return mpeg2;
    }
    case Codec::kHevc: {
      HevcParameters hevc;
      hevc.sps = reader.value<v4l2_ctrl_hevc_sps>();
      hevc.pps = reader.value<v4l2_ctrl_hevc_pps>();
      hevc.scaling_matrix = reader.value<v4l2_ctrl_hevc_scaling_matrix>();
      hevc.decode = reader.value<v4l2_ctrl_hevc_decode_params>();
      hevc.slices = reader.list<HevcSliceParameters>();
      return hevc;
    }
    case Codec::kAv1: {
      Av1Parameters av1;
      av1.sequence = reader.value<v4l2_ctrl_av1_sequence>();
      av1.frame = reader.value<v4l2_ctrl_av1_frame>();
      av1.film_grain = reader.value<v4l2_ctrl_av1_film_grain>();
      av1.tiles = reader.list<v4l2_ctrl_av1_tile_group_entry>();
      return av1;
    }
  }
  return std::nullopt;
}

Error damaged(size_t position) {
  return {ErrorCode::kCorrupt, "the recording is damaged at byte " + std::to_string(position)};
}

}  // namespace

FrameHash hash_frame(const FrameView& frame) {
  if (frame.film_grain != nullptr) {
    const auto grained = add_film_grain({frame, nullptr});
    return grained.ok() ? hash_frame(grained->view) : FrameHash{};
  }
  struct Free {
    void operator()(AVMD5* context) const { av_free(context); }
  };
  const std::unique_ptr<AVMD5, Free> md5(av_md5_alloc());
  FrameHash hash{};
  if (md5 == nullptr) return hash;
  av_md5_init(md5.get());
  std::vector<uint8_t> row(frame.width * (is_wide(frame.format) ? 2 : 1));
  for (size_t component = 0; component < 3; ++component) {
    if (frame.planes[component == 0 ? 0 : 1].data == nullptr) continue;
    const uint32_t width = component == 0 ? frame.width : (frame.width + 1) / 2;
    const uint32_t height = component == 0 ? frame.height : (frame.height + 1) / 2;
    for (uint32_t y = 0; y < height; ++y) {
      read_samples(frame, component, 0, y, width, row.data());
      av_md5_update(md5.get(), row.data(), width * (is_wide(frame.format) ? 2 : 1));
    }
  }
  av_md5_final(md5.get(), hash.data());
  return hash;
}

Result<std::unique_ptr<RecordingWriter>> RecordingWriter::create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return system_error("open " + path);
  std::unique_ptr<RecordingWriter> writer(new RecordingWriter(file));
  if (std::fwrite(kMagic.data(), kMagic.size(), 1, file) != 1) return system_error("write " + path);
  return writer;
}

void RecordingWriter::write(uint32_t session, Profile profile, const DecodeJob& job,
                            const std::optional<FrameHash>& hash,
                            const std::optional<FrameHash>& display_hash) {
  Writer entry;
  entry.value(session);
  entry.value(static_cast<uint8_t>(profile));
  entry.value(static_cast<uint8_t>(job.field));
  entry.value(job.target->id());
  std::vector<uint64_t> references;
  for (const auto& picture : job.references) {
    references.push_back(picture != nullptr ? picture->id() : 0);
  }
  entry.list(references);
  entry.value(static_cast<uint8_t>(job.refresh_frame_flags.has_value()));
  entry.value(job.refresh_frame_flags.value_or(0));
  entry.value(static_cast<uint8_t>(hash.has_value()));
  entry.value(hash.value_or(FrameHash{}));
  write_parameters(entry, job.parameters);
  entry.list(job.slices);
  entry.list(job.bitstream);
  if (job.codec() == Codec::kAv1) {
    entry.value(job.display != nullptr ? job.display->id() : uint64_t{0});
    entry.value(static_cast<uint8_t>(display_hash.has_value()));
    entry.value(display_hash.value_or(FrameHash{}));
  }

  std::lock_guard lock(mutex_);
  if (file_ == nullptr) return;
  const auto size = static_cast<uint32_t>(entry.out().size());
  if (std::fwrite(&size, sizeof(size), 1, file_.get()) != 1 ||
      std::fwrite(entry.out().data(), size, 1, file_.get()) != 1 || std::fflush(file_.get()) != 0) {
    log(LogLevel::kError, "%s; recording ends here", system_error("recording").message.c_str());
    file_.reset();
  }
}

Result<RecordingReader> RecordingReader::open(std::span<const uint8_t> bytes) {
  if (bytes.size() < kMagic.size() ||
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return Error{ErrorCode::kInvalidArgument, "not a recording of decode jobs"};
  }
  RecordingReader reader(bytes);
  reader.position_ = kMagic.size();
  return reader;
}

std::shared_ptr<Picture> RecordingReader::picture(uint64_t id) {
  if (id == 0) return nullptr;
  const auto found = std::find_if(pictures_.begin(), pictures_.end(),
                                  [id](const KnownPicture& known) { return known.id == id; });
  if (found != pictures_.end()) {
    std::rotate(found, found + 1, pictures_.end());
    return pictures_.back().picture;
  }
  if (pictures_.size() >= kPictureWindow) pictures_.erase(pictures_.begin());
  pictures_.push_back({id, std::make_shared<Picture>()});
  return pictures_.back().picture;
}

Result<std::optional<RecordedJob>> RecordingReader::next() {
  if (position_ == bytes_.size()) return std::optional<RecordedJob>();
  uint32_t size = 0;
  if (bytes_.size() - position_ < sizeof(size)) return damaged(position_);
  std::memcpy(&size, bytes_.data() + position_, sizeof(size));
  if (size > kLargestEntry || size > bytes_.size() - position_ - sizeof(size)) {
    return damaged(position_);
  }
  Reader entry(bytes_.subspan(position_ + sizeof(size), size));
  RecordedJob recorded;
  recorded.session = entry.value<uint32_t>();
  const auto profile = entry.value<uint8_t>();
  const auto field = entry.value<uint8_t>();
  const auto target = entry.value<uint64_t>();
  const auto references = entry.list<uint64_t>();
  const bool has_refresh = entry.value<uint8_t>() != 0;
  const auto refresh = entry.value<uint32_t>();
  if (has_refresh) recorded.job.refresh_frame_flags = refresh;
  const bool has_hash = entry.value<uint8_t>() != 0;
  const auto hash = entry.value<FrameHash>();
  if (has_hash) recorded.hash = hash;
  auto parameters = read_parameters(entry);
  recorded.job.slices = entry.list<ByteRange>();
  recorded.job.bitstream = entry.list<uint8_t>();
  uint64_t display = 0;
  if (parameters.has_value() && std::holds_alternative<Av1Parameters>(*parameters)) {
    display = entry.value<uint64_t>();
    const bool has_display_hash = entry.value<uint8_t>() != 0;
    const auto display_hash = entry.value<FrameHash>();
    if (has_display_hash) recorded.display_hash = display_hash;
  }
  if (!parameters.has_value() || !entry.complete() || target == 0 ||
      references.size() > kMostReferences || profile > static_cast<uint8_t>(Profile::kAv1Main) ||
      field > static_cast<uint8_t>(FieldRole::kSecondField)) {
    return damaged(position_);
  }
  recorded.profile = static_cast<Profile>(profile);
  recorded.job.field = static_cast<FieldRole>(field);
  recorded.job.parameters = std::move(*parameters);
  if (codec_of(recorded.profile) != recorded.job.codec()) return damaged(position_);
  recorded.job.target = picture(target);
  for (const uint64_t id : references) recorded.job.references.push_back(picture(id));
  recorded.job.display = picture(display);
  position_ += sizeof(size) + size;
  return std::optional<RecordedJob>(std::move(recorded));
}

}  // namespace daedalus::core
