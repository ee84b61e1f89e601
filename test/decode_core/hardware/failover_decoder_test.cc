// What stands between a session and the two decoders behind it.
#include "decode_core/hardware/failover_decoder.h"

#include <memory>
#include <optional>
#include <utility>

#include "test/catch.h"
#include "test/decode_core/fake_decoder.h"

namespace daedalus::core::test {
namespace {

// Keeps what it was last told.
class ExpectingDecoder final : public Decoder {
 public:
  explicit ExpectingDecoder(std::optional<bool>& more) : more_(more) {}
  DecodeOutcome decode(const DecodeJob& /*job*/) override { return {}; }
  void expect(bool more) override { more_ = more; }

 private:
  std::optional<bool>& more_;
};

TEST_CASE("the software behind hardware learns whether more jobs are there") {
  std::optional<bool> more;
  const auto decoder = create_failover_decoder(
      std::make_unique<FakeDecoder>([](const DecodeJob&) {
        DecodeOutcome outcome;
        outcome.error = {ErrorCode::kUnsupported, "not this one"};
        return outcome;
      }),
      [&]() -> Result<std::unique_ptr<Decoder>> {
        return std::unique_ptr<Decoder>(std::make_unique<ExpectingDecoder>(more));
      });
  decoder->expect(true);
  CHECK_FALSE(more.has_value());
  DecodeJob key = make_job(Codec::kVp8);
  std::get<Vp8Parameters>(key.parameters).frame.flags |= V4L2_VP8_FRAME_FLAG_KEY_FRAME;
  decoder->decode(key);
  CHECK(more == true);
  decoder->expect(false);
  CHECK(more == false);
}

}  // namespace
}  // namespace daedalus::core::test
