#include "test/decode_core/h264_native/parsed_pictures.h"

#include <vector>

#include "decode_core/picture.h"
#include "test/catch.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::h264 {

bool ParsedPictures::parse(const DecodeJob& job) {
  std::vector<ReferenceMotion> motions;
  for (const auto& reference : job.references) {
    motions.push_back(reference != nullptr ? motions_[reference->id()] : ReferenceMotion{});
  }
  auto decoder = EntropyDecoder::create(job, motions, list_);
  if (!decoder) return false;
  for (uint32_t row = 0; row < (*decoder)->rows(); ++row) (*decoder)->parse_row(row);
  damaged_ = (*decoder)->damaged();
  ReferenceMotion& kept = motions_[job.target->id()];
  switch (list_.structure) {
    case PictureStructure::kFrame:
      kept.frame = list_.motion;
      break;
    case PictureStructure::kTopField:
      kept.top = list_.motion;
      break;
    case PictureStructure::kBottomField:
      kept.bottom = list_.motion;
      break;
  }
  constexpr size_t kMostKept = 64;
  if (motions_.size() > kMostKept) motions_.erase(motions_.begin());
  return true;
}

void for_each_event(const std::string& path, const StreamCallbacks& callbacks) {
  auto stream = parsed_stream::ParsedStream::open(path);
  REQUIRE(stream.ok());
  parsed_stream::Event event;
  while (true) {
    const auto more = (*stream)->next(event);
    if (!more) continue;
    if (!*more) return;
    if (auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event)) {
      callbacks.on_decode(decode->job);
    } else {
      const auto& picture = std::get<parsed_stream::OutputEvent>(event).picture;
      callbacks.on_output(picture != nullptr ? picture->id() : 0);
    }
  }
}

}  // namespace daedalus::core::h264
