#include "test/decode_core/hardware/exporting_client.h"

#include <algorithm>
#include <utility>

#include "base/statistics.h"
#include "decode_core/picture.h"
#include "decode_core/session.h"
#include "test/catch.h"
#include "test/decode_core/stream/streams.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::core::test {
namespace {

std::shared_ptr<Picture> shown(const DecodeJob& job) {
  return job.display != nullptr ? job.display : job.target;
}

}  // namespace

ExportingClient::ExportingClient(std::shared_ptr<Core> core, const std::string& path)
    : core_(std::move(core)),
      path_(path),
      format_(path.find("10bit") == std::string::npos ? SurfaceFormat::kNv12
                                                      : SurfaceFormat::kP010) {
  const auto software = make_core(1);
  decode(*software, [&](DecodeJob job, Session& session) {
    const auto picture = shown(job);
    const bool half = job.field == FieldRole::kFirstField;
    REQUIRE(session.submit(std::move(job)).ok());
    if (half) return;
    picture->wait();
    expected_.push_back(hash_frame(picture->frame()->view));
  });
}

size_t ExportingClient::play(When when) {
  size_t wrong = 0;
  size_t index = 0;
  decode(*core_, [&](DecodeJob job, Session& session) {
    const uint32_t width = job.coded_width();
    const uint32_t height = job.coded_height();
    const bool half = job.field == FieldRole::kFirstField;
    const bool before = when == When::kMade || (when == When::kInTurn && index % 2 == 0);
    Surface& surface = free_surface(job);
    if (before && job.field != FieldRole::kSecondField) {
      REQUIRE(surface.export_memory(true).ok());
    }
    surface.set_picture(shown(job));
    REQUIRE(session.submit(std::move(job)).ok());
    if (half) return;
    const auto exported = surface.export_memory(true);
    REQUIRE(exported.ok());
    CHECK(exported->memory->dma_buf());
    const auto known = memories_.emplace(&surface, exported->memory).first;
    CHECK(known->second == exported->memory);
    wrong += seen(*exported, format_, width, height) == expected_[index++] ? 0 : 1;
  });
  CHECK(index == expected_.size());
  return wrong;
}

FrameHash ExportingClient::seen(const Surface::Export& exported, SurfaceFormat format,
                                uint32_t width, uint32_t height) {
  FrameView view{format == SurfaceFormat::kP010 ? SampleFormat::kP010 : SampleFormat::kNv12,
                 width,
                 height,
                 {}};
  for (size_t plane = 0; plane < 2; ++plane) {
    view.planes[plane] = {exported.memory->data() + exported.layout.offset[plane],
                          exported.layout.stride[plane]};
  }
  return hash_frame(view);
}

void ExportingClient::decode(Core& core, const Decode& each) {
  auto stream = parsed_stream::ParsedStream::open(path_);
  REQUIRE(stream.ok());
  std::shared_ptr<Session> session;
  for (;;) {
    parsed_stream::Event event;
    const auto more = (*stream)->next(event);
    REQUIRE(more.ok());
    if (!*more) break;
    auto* decode = std::get_if<parsed_stream::DecodeEvent>(&event);
    if (decode == nullptr) continue;
    DecodeJob job = std::move(decode->job);
    if (session == nullptr) {
      auto opened = core.open_session({*(*stream)->profile(), 0, 0, "replay"});
      REQUIRE(opened.ok());
      session = std::move(*opened);
    }
    each(std::move(job), *session);
  }
  session->drain();
}

Surface& ExportingClient::free_surface(const DecodeJob& job) {
  if (job.field == FieldRole::kSecondField) return *surfaces_.back();
  if (once_) {
    surfaces_.clear();
    memories_.clear();
  }
  for (size_t i = 0; i < surfaces_.size(); ++i) {
    std::rotate(surfaces_.begin(), surfaces_.begin() + 1, surfaces_.end());
    // Nobody but the surface holds the picture: it is no reference, and it was shown.
    if (surfaces_.back()->picture().use_count() == 2) return *surfaces_.back();
  }
  surfaces_.push_back(std::make_unique<Surface>(core_, format_, job.coded_width() + border_,
                                                job.coded_height() + border_));
  return *surfaces_.back();
}

uint64_t count_pictures(const std::string& folder, const std::string& stage_name,
                        const std::string& how) {
  const auto pages = read_statistics(folder);
  REQUIRE(pages.ok());
  uint64_t pictures = 0;
  for (const StatisticsSnapshot& page : *pages) {
    for (const auto& stage : page.stages) {
      const bool counts = stage.name == stage_name && (how.empty() || stage.substrate == how);
      if (counts) pictures += stage.pictures;
    }
  }
  return pictures;
}

}  // namespace daedalus::core::test
