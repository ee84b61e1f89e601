// A sequence of VA calls as bytes: written from a well-behaved client's, played to a driver after
// anybody has damaged it. The fuzzer's format.
#ifndef DAEDALUS_TEST_CLIENTS_VA_CALL_SEQUENCE_H_
#define DAEDALUS_TEST_CLIENTS_VA_CALL_SEQUENCE_H_

#include <va/va.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "decode_core/job.h"
#include "test/clients/va/display.h"
#include "test/clients/va/picture_buffers.h"

namespace daedalus::va_client {

// What follows the header (profile, width, height); one byte each, then its operands.
enum class Call : uint8_t {
  kBegin,           // surface
  kRender,          // type, element size (3 bytes), elements, size of data (3 bytes), data
  kEnd,             // -
  kSync,            // surface
  kGetImage,        // surface, x, y
  kDeriveImage,     // surface
  kReplaceSurface,  // surface: destroyed, another one made
  kReplaceContext,  // -
  kDestroyBuffers,  // all that were rendered
  kRenderId,        // 4 bytes of id
  kCount,
};

// A driver's display with the surfaces and the context that the sequence refers to by index. Inside
// parameter buffers surface i is kSurfaceName + i, at a multiple of four bytes.
class CallPlayer {
 public:
  static constexpr size_t kSurfaces = 8;
  static constexpr VASurfaceID kSurfaceName = 0x5afece00;
  // Largest buffer that is created, in bytes.
  static constexpr size_t kMaxBuffer = size_t{1} << 20;

  CallPlayer(std::shared_ptr<Display> display, VAProfile profile, unsigned int rt_format,
             uint32_t width, uint32_t height);
  ~CallPlayer();
  CallPlayer(const CallPlayer&) = delete;
  CallPlayer& operator=(const CallPlayer&) = delete;

  // Plays as many calls as `bytes` hold; returns how many pictures the driver accepted.
  size_t play(std::span<const uint8_t> bytes);

 private:
  class Reader;
  VASurfaceID surface(size_t index) const { return surfaces_[index % kSurfaces]; }
  void insert_surface_ids(std::span<uint8_t> parameters) const;
  void play_one(Reader& reader);
  void create_context();
  void create_surface(size_t index);
  void render(Reader& reader);
  void get_image(VASurfaceID surface, uint32_t x, uint32_t y);
  void derive_image(VASurfaceID surface);
  void destroy_buffers();

  std::shared_ptr<Display> display_;
  VAProfile profile_;
  unsigned int rt_format_;
  uint32_t width_, height_;
  VAConfigID config_ = VA_INVALID_ID;
  VAContextID context_ = VA_INVALID_ID;
  std::vector<VASurfaceID> surfaces_;
  std::vector<VABufferID> buffers_;
  size_t pictures_ = 0;
};

// Starts a display by `init` and plays a whole sequence, header included; returns how many pictures
// the driver accepted.
size_t play_call_sequence(VADriverInit init, std::span<const uint8_t> bytes);

// The calls of a client that decodes and reads back `jobs`, header included.
Result<std::vector<uint8_t>> record_call_sequence(std::span<const core::DecodeJob> jobs);

}  // namespace daedalus::va_client

#endif  // DAEDALUS_TEST_CLIENTS_VA_CALL_SEQUENCE_H_
