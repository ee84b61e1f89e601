// Garbage in every byte of every buffer: no crash, no hang, an error that VA knows, and the next
// good picture is exact. Deterministic.
#include <algorithm>
#include <random>

#include "test/catch.h"
#include "test/clients/va/raw_context.h"
#include "test/clients/va/testing.h"

namespace daedalus::va_client::testing {
namespace {

// What a decoder may answer to nonsense.
bool is_sensible(VAStatus status) {
  switch (status) {
    case VA_STATUS_SUCCESS:
    case VA_STATUS_ERROR_OPERATION_FAILED:
    case VA_STATUS_ERROR_ALLOCATION_FAILED:
    case VA_STATUS_ERROR_INVALID_BUFFER:
    case VA_STATUS_ERROR_INVALID_PARAMETER:
    case VA_STATUS_ERROR_INVALID_SURFACE:
    case VA_STATUS_ERROR_INVALID_VALUE:
    case VA_STATUS_ERROR_MAX_NUM_EXCEEDED:
    case VA_STATUS_ERROR_UNSUPPORTED_PROFILE:
    case VA_STATUS_ERROR_UNSUPPORTED_RT_FORMAT:
    case VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE:
    case VA_STATUS_ERROR_RESOLUTION_NOT_SUPPORTED:
    case VA_STATUS_ERROR_UNIMPLEMENTED:
    case VA_STATUS_ERROR_DECODING_ERROR:
      return true;
    default:
      return false;
  }
}

// A key picture and one that refers to it.
std::vector<const core::DecodeJob*> key_and_inter(const std::vector<core::DecodeJob>& jobs) {
  std::vector<const core::DecodeJob*> chosen = {&jobs[0]};
  for (size_t i = 1; i < jobs.size(); ++i) {
    const bool refers =
        std::any_of(jobs[i].references.begin(), jobs[i].references.end(),
                    [&](const auto& picture) { return picture && picture != jobs[i].target; });
    if (refers) {
      chosen.push_back(&jobs[i]);
      break;
    }
  }
  return chosen;
}

std::vector<ParameterBuffer*> all_buffers(PictureBuffers& buffers) {
  std::vector<ParameterBuffer*> all;
  for (ParameterBuffer& buffer : buffers.picture) all.push_back(&buffer);
  for (ParameterBuffer& buffer : buffers.slices) all.push_back(&buffer);
  return all;
}

}  // namespace

TEST_CASE("garbage in each byte of each parameter buffer") {
  for (const std::string& name : clip_names()) {
    const Subject s = subject(name, 6);
    const std::shared_ptr<Display> display = start_display();
    RawContext raw(display, s.jobs[0]);
    std::mt19937 random(1);
    size_t submissions = 0;
    for (const core::DecodeJob& job : s.jobs) {
      const PictureBuffers good = raw.translate(job);
      raw.submit(raw.surface_of(job), good);
      raw.finish(job);
    }
    for (const core::DecodeJob* job : key_and_inter(s.jobs)) {
      const PictureBuffers good = raw.translate(*job);
      const VASurfaceID target = raw.surface_of(*job);
      PictureBuffers bad = good;
      // The first slice's parameters stand for those of all.
      std::vector<ParameterBuffer*> parameters;
      for (ParameterBuffer& buffer : bad.picture) parameters.push_back(&buffer);
      parameters.push_back(&bad.slices[0]);
      for (ParameterBuffer* buffer : parameters) {
        // Small structures byte by byte; the tables of large ones by samples.
        const size_t step = buffer->bytes.size() > 400 ? 7 : 1;
        for (size_t at = 0; at < buffer->bytes.size(); at += step) {
          const uint8_t was = buffer->bytes[at];
          buffer->bytes[at] = static_cast<uint8_t>(was ^ (1 + random() % 255));
          const VAStatus status = raw.submit(target, bad);
          const VAStatus synced = raw.sync(target);
          if (!is_sensible(status) || !is_sensible(synced)) {
            FAIL_CHECK(name << ": byte " << at << " of type " << buffer->type << ": "
                            << status_name(status) << ", " << status_name(synced));
          }
          buffer->bytes[at] = was;
          ++submissions;
        }
      }
    }
    INFO(name << ": " << submissions << " submissions");
    CHECK(submissions > 100);
    CHECK(still_decodes(display, s.clip, s.expected));
  }
}

TEST_CASE("random damage to any buffer, parameters, bitstream and sizes alike") {
  constexpr int kRounds = 400;
  for (const std::string& name : clip_names()) {
    INFO(name);
    const Subject s = subject(name, 8);
    const std::shared_ptr<Display> display = start_display();
    RawContext raw(display, s.jobs[0]);
    std::mt19937 random(2);
    for (int round = 0; round < kRounds; ++round) {
      const core::DecodeJob& job = s.jobs[static_cast<size_t>(round) % s.jobs.size()];
      PictureBuffers bad = raw.translate(job);
      const std::vector<ParameterBuffer*> all = all_buffers(bad);
      const uint32_t damages = random() % 6;
      for (uint32_t i = 0; i < damages; ++i) {
        ParameterBuffer& buffer = *all[random() % all.size()];
        if (buffer.bytes.empty()) continue;
        if (random() % 8 == 0) {
          buffer.bytes.resize(1 + random() % (buffer.bytes.size() + 32));
          buffer.element_size = static_cast<uint32_t>(buffer.bytes.size());
        } else {
          buffer.bytes[random() % buffer.bytes.size()] = static_cast<uint8_t>(random());
        }
      }
      const VASurfaceID target = raw.surface_of(job);
      const VAStatus status = raw.submit(target, bad);
      if (!is_sensible(status)) FAIL_CHECK("round " << round << ": " << status_name(status));
      if (random() % 2) raw.sync(target);
      if (random() % 4) raw.finish(job);
    }
    CHECK(still_decodes(display, s.clip, s.expected));
  }
}

TEST_CASE("buffers of one codec for a context of another") {
  std::vector<Subject> subjects;
  for (const std::string& name : clip_names()) subjects.push_back(subject(name, 3));
  const std::shared_ptr<Display> display = start_display();
  for (const Subject& context : subjects) {
    RawContext raw(display, context.jobs[0]);
    const VASurfaceID target = raw.surfaces[0];
    for (const Subject& stranger : subjects) {
      if (stranger.clip.codec == context.clip.codec) continue;
      RawContext other(display, stranger.jobs[0]);
      const VAStatus status = raw.submit(target, other.translate(stranger.jobs[0]));
      CHECK(is_sensible(status));
      raw.sync(target);
    }
    CHECK(still_decodes(display, context.clip, context.expected));
  }
}

}  // namespace daedalus::va_client::testing
