#include <utility>

#include "test/clients/va/va_client.h"
#include "tools/daedalus/front.h"

namespace daedalus::tool {
namespace {

// P010's words hold the value in the high bits.
void high_to_low(std::vector<uint8_t>& samples) {
  for (size_t i = 0; i + 1 < samples.size(); i += 2) {
    const unsigned value = (samples[i] | unsigned{samples[i + 1]} << 8) >> 6;
    samples[i] = static_cast<uint8_t>(value);
    samples[i + 1] = static_cast<uint8_t>(value >> 8);
  }
}

// The second plane's pairs as two planes, in place; a sample has `size` bytes.
void split_chroma(std::vector<uint8_t>& samples, size_t luma, size_t size) {
  const std::vector<uint8_t> pairs(samples.begin() + static_cast<ptrdiff_t>(luma), samples.end());
  const size_t count = pairs.size() / 2 / size;
  for (size_t i = 0; i < count; ++i) {
    for (size_t byte = 0; byte < size; ++byte) {
      samples[luma + i * size + byte] = pairs[2 * i * size + byte];
      samples[luma + (count + i) * size + byte] = pairs[(2 * i + 1) * size + byte];
    }
  }
}

class VaFront final : public Front {
 public:
  explicit VaFront(std::unique_ptr<va_client::VaClient> client) : client_(std::move(client)) {}

  Status decode(core::DecodeJob job) override { return client_->decode(job); }
  Status wait(const core::Picture& picture) override { return client_->sync(picture); }

  Status read(const core::Picture& picture, const core::Rect& visible, Frame& frame) override {
    // The driver knows the depth; a picture has only one that reads.
    frame.width = visible.width;
    frame.height = visible.height;
    frame.bit_depth = 8;
    if (client_->read(picture, visible, core::ImageFormat::kI420, frame.samples)) return {};
    frame.bit_depth = 10;
    Status status = client_->read(picture, visible, core::ImageFormat::kP010, frame.samples);
    if (!status) return status;
    high_to_low(frame.samples);
    split_chroma(frame.samples, size_t{visible.width} * visible.height * 2, 2);
    return {};
  }

 private:
  std::unique_ptr<va_client::VaClient> client_;
};

}  // namespace

Result<std::unique_ptr<Front>> create_va_front(const std::string& driver_path,
                                               const std::string& style) {
  const va_client::ClientStyle& known = va_client::client_style(style);
  if (known.name != style) {
    return Error{ErrorCode::kInvalidArgument, "--style: no client is called " + style};
  }
  auto client = va_client::VaClient::open(driver_path, known);
  if (!client) return client.error();
  return std::unique_ptr<Front>(std::make_unique<VaFront>(std::move(*client)));
}

}  // namespace daedalus::tool
