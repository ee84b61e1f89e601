#include "test/clients/va/call_sequence.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>

#include "test/clients/va/va_client.h"

namespace daedalus::va_client {
namespace {

// A profile and the surfaces of its pictures.
struct Choice {
  core::Profile profile;
  unsigned int rt_format;
  bool operator==(const Choice&) const = default;
};

constexpr Choice kChoices[] = {
    {core::Profile::kH264ConstrainedBaseline, VA_RT_FORMAT_YUV420},
    {core::Profile::kH264Main, VA_RT_FORMAT_YUV420},
    {core::Profile::kH264High, VA_RT_FORMAT_YUV420},
    {core::Profile::kVp9Profile0, VA_RT_FORMAT_YUV420},
    {core::Profile::kVp9Profile2, VA_RT_FORMAT_YUV420_10},
    {core::Profile::kVp8, VA_RT_FORMAT_YUV420},
    {core::Profile::kMpeg2Main, VA_RT_FORMAT_YUV420},
    {core::Profile::kHevcMain, VA_RT_FORMAT_YUV420},
    {core::Profile::kHevcMain10, VA_RT_FORMAT_YUV420_10},
    {core::Profile::kAv1Main, VA_RT_FORMAT_YUV420},
    {core::Profile::kAv1Main, VA_RT_FORMAT_YUV420_10},
};

// The buffer types that a decoder's client creates; an enumeration has no other values to try.
constexpr VABufferType kTypes[] = {
    VAPictureParameterBufferType, VAIQMatrixBufferType,    VASliceParameterBufferType,
    VASliceDataBufferType,        VAProbabilityBufferType, VAImageBufferType,
};

class Writer {
 public:
  void byte(size_t value) { bytes_.push_back(static_cast<uint8_t>(value)); }
  void call(Call call) { byte(static_cast<size_t>(call)); }
  void number(size_t value, int count) {
    for (int i = 0; i < count; ++i) byte(value >> (8 * i));
  }
  void render(const ParameterBuffer& buffer) {
    call(Call::kRender);
    byte(static_cast<size_t>(std::find(std::begin(kTypes), std::end(kTypes), buffer.type) -
                             std::begin(kTypes)));
    number(buffer.element_size, 3);
    byte(buffer.elements);
    number(buffer.bytes.size(), 3);
    bytes_.insert(bytes_.end(), buffer.bytes.begin(), buffer.bytes.end());
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace

// Past the end it reads zeros.
class CallPlayer::Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool at_end() const { return next_ >= bytes_.size(); }
  uint8_t byte() { return at_end() ? 0 : bytes_[next_++]; }
  uint32_t number(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) value |= uint32_t{byte()} << (8 * i);
    return value;
  }
  std::span<const uint8_t> data(size_t size) {
    const std::span<const uint8_t> taken =
        bytes_.subspan(next_, std::min(size, bytes_.size() - next_));
    next_ += taken.size();
    return taken;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t next_ = 0;
};

CallPlayer::CallPlayer(std::shared_ptr<Display> display, VAProfile profile, unsigned int rt_format,
                       uint32_t width, uint32_t height)
    : display_(std::move(display)),
      profile_(profile),
      rt_format_(rt_format),
      width_(width),
      height_(height),
      surfaces_(kSurfaces, VA_INVALID_SURFACE) {
  for (size_t i = 0; i < kSurfaces; ++i) create_surface(i);
  display_->call(&VADriverVTable::vaCreateConfig, profile_, VAEntrypointVLD,
                 static_cast<VAConfigAttrib*>(nullptr), 0, &config_);
  create_context();
}

CallPlayer::~CallPlayer() {
  destroy_buffers();
  display_->call(&VADriverVTable::vaDestroyContext, context_);
  display_->call(&VADriverVTable::vaDestroyConfig, config_);
  for (VASurfaceID& surface : surfaces_)
    display_->call(&VADriverVTable::vaDestroySurfaces, &surface, 1);
}

void CallPlayer::create_surface(size_t index) {
  surfaces_[index] = VA_INVALID_SURFACE;
  display_->call(&VADriverVTable::vaCreateSurfaces2, rt_format_, width_, height_, &surfaces_[index],
                 1U, static_cast<VASurfaceAttrib*>(nullptr), 0U);
}

void CallPlayer::create_context() {
  context_ = VA_INVALID_ID;
  display_->call(&VADriverVTable::vaCreateContext, config_, static_cast<int>(width_),
                 static_cast<int>(height_), VA_PROGRESSIVE, static_cast<VASurfaceID*>(nullptr), 0,
                 &context_);
}

void CallPlayer::destroy_buffers() {
  for (VABufferID buffer : buffers_) display_->call(&VADriverVTable::vaDestroyBuffer, buffer);
  buffers_.clear();
}

void CallPlayer::insert_surface_ids(std::span<uint8_t> parameters) const {
  for (size_t at = 0; at + sizeof(VASurfaceID) <= parameters.size(); at += sizeof(VASurfaceID)) {
    VASurfaceID name = 0;
    std::memcpy(&name, parameters.data() + at, sizeof(name));
    if (name < kSurfaceName || name >= kSurfaceName + kSurfaces) continue;
    std::memcpy(parameters.data() + at, &surfaces_[name - kSurfaceName], sizeof(name));
  }
}

void CallPlayer::render(Reader& reader) {
  const VABufferType type = kTypes[reader.byte() % std::size(kTypes)];
  const size_t element_size = reader.number(3);
  const size_t elements = reader.byte();
  const std::span<const uint8_t> data = reader.data(reader.number(3));
  const size_t size = element_size * elements;
  if (size > kMaxBuffer) return;
  std::vector<uint8_t> bytes(size);
  std::copy_n(data.begin(), std::min(size, data.size()), bytes.begin());
  if (type != VASliceDataBufferType) insert_surface_ids(bytes);
  VABufferID id = VA_INVALID_ID;
  if (display_->call(&VADriverVTable::vaCreateBuffer, context_, type,
                     static_cast<unsigned>(element_size), static_cast<unsigned>(elements),
                     static_cast<void*>(bytes.data()), &id) != VA_STATUS_SUCCESS)
    return;
  buffers_.push_back(id);
  display_->call(&VADriverVTable::vaRenderPicture, context_, &id, 1);
}

void CallPlayer::get_image(VASurfaceID surface, uint32_t x, uint32_t y) {
  VAImageFormat format{};
  format.fourcc = rt_format_ == VA_RT_FORMAT_YUV420 ? VA_FOURCC_I420 : VA_FOURCC_P010;
  VAImage image{};
  if (display_->call(&VADriverVTable::vaCreateImage, &format, static_cast<int>(width_),
                     static_cast<int>(height_), &image) != VA_STATUS_SUCCESS)
    return;
  display_->call(&VADriverVTable::vaGetImage, surface, static_cast<int>(x), static_cast<int>(y),
                 width_ - std::min(width_, x), height_ - std::min(height_, y), image.image_id);
  display_->call(&VADriverVTable::vaDestroyImage, image.image_id);
}

void CallPlayer::derive_image(VASurfaceID surface) {
  VAImage image{};
  if (display_->call(&VADriverVTable::vaDeriveImage, surface, &image) != VA_STATUS_SUCCESS) return;
  void* data = nullptr;
  display_->call(&VADriverVTable::vaMapBuffer, image.buf, &data);
  display_->call(&VADriverVTable::vaUnmapBuffer, image.buf);
  display_->call(&VADriverVTable::vaDestroyImage, image.image_id);
}

void CallPlayer::play_one(Reader& reader) {
  switch (static_cast<Call>(reader.byte() % static_cast<uint8_t>(Call::kCount))) {
    case Call::kBegin:
      display_->call(&VADriverVTable::vaBeginPicture, context_, surface(reader.byte()));
      break;
    case Call::kRender:
      render(reader);
      break;
    case Call::kEnd:
      if (display_->call(&VADriverVTable::vaEndPicture, context_) == VA_STATUS_SUCCESS) ++pictures_;
      break;
    case Call::kSync:
      display_->call(&VADriverVTable::vaSyncSurface, surface(reader.byte()));
      break;
    case Call::kGetImage: {
      const VASurfaceID from = surface(reader.byte());
      const uint32_t x = reader.byte();
      get_image(from, x, reader.byte());
      break;
    }
    case Call::kDeriveImage:
      derive_image(surface(reader.byte()));
      break;
    case Call::kReplaceSurface: {
      const size_t index = reader.byte() % kSurfaces;
      display_->call(&VADriverVTable::vaDestroySurfaces, &surfaces_[index], 1);
      create_surface(index);
      break;
    }
    case Call::kReplaceContext:
      destroy_buffers();
      display_->call(&VADriverVTable::vaDestroyContext, context_);
      create_context();
      break;
    case Call::kDestroyBuffers:
      destroy_buffers();
      break;
    case Call::kRenderId: {
      VABufferID id = reader.number(4);
      display_->call(&VADriverVTable::vaRenderPicture, context_, &id, 1);
      break;
    }
    case Call::kCount:
      break;
  }
}

size_t CallPlayer::play(std::span<const uint8_t> bytes) {
  if (context_ == VA_INVALID_ID) return 0;
  Reader reader(bytes);
  while (!reader.at_end()) play_one(reader);
  return pictures_;
}

size_t play_call_sequence(VADriverInit init, std::span<const uint8_t> bytes) {
  constexpr size_t kHeader = 5;
  if (bytes.size() < kHeader) return 0;
  const Choice& choice = kChoices[bytes[0] % std::size(kChoices)];
  // Surfaces stay small: only the bitstream may be large.
  const uint32_t width = (bytes[1] | uint32_t{bytes[2]} << 8) % 1024;
  const uint32_t height = (bytes[3] | uint32_t{bytes[4]} << 8) % 1024;
  Result<std::shared_ptr<Display>> display = Display::start(init);
  if (!display) return 0;
  CallPlayer player(*display, va_profile(choice.profile), choice.rt_format, width, height);
  return player.play(bytes.subspan(kHeader));
}

Result<std::vector<uint8_t>> record_call_sequence(std::span<const core::DecodeJob> jobs) {
  if (jobs.empty()) return Error{ErrorCode::kInvalidArgument, "no jobs"};
  const Result<core::Profile> profile = profile_of(jobs[0]);
  if (!profile) return profile.error();
  std::map<uint64_t, size_t> index;  // of a picture's surface
  const auto index_of = [&](const core::Picture& picture) {
    return index.try_emplace(picture.id(), index.size() % CallPlayer::kSurfaces).first->second;
  };
  const SurfaceOf surface_of = [&](const std::shared_ptr<core::Picture>& picture) {
    return picture ? CallPlayer::kSurfaceName + static_cast<VASurfaceID>(index_of(*picture))
                   : VASurfaceID{VA_INVALID_SURFACE};
  };
  Writer writer;
  const Choice choice{*profile, rt_format_of(jobs[0])};
  writer.byte(static_cast<size_t>(std::find(std::begin(kChoices), std::end(kChoices), choice) -
                                  std::begin(kChoices)));
  writer.number(jobs[0].coded_width(), 2);
  writer.number(jobs[0].coded_height(), 2);
  BufferBuilder builder;
  for (const core::DecodeJob& job : jobs) {
    const size_t target = index_of(*job.target);
    const Result<PictureBuffers> buffers = builder.build(job, surface_of, ClientStyle{});
    if (!buffers) return buffers.error();
    builder.finish(job);
    writer.call(Call::kBegin);
    writer.byte(target);
    for (const ParameterBuffer& buffer : buffers->picture) writer.render(buffer);
    for (const ParameterBuffer& buffer : buffers->slices) writer.render(buffer);
    writer.call(Call::kEnd);
    writer.call(Call::kDestroyBuffers);
  }
  writer.call(Call::kSync);
  writer.byte(index_of(*jobs.back().target));
  writer.call(Call::kGetImage);
  writer.byte(index_of(*jobs.back().target));
  writer.number(0, 2);
  return writer.take();
}

}  // namespace daedalus::va_client
