#include <utility>

#include "test/clients/va/va_client.h"
#include "tools/daedalus/front.h"

namespace daedalus::tool {
namespace {

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
    convert_p010(frame);
    return {};
  }

  Status pack(const core::Picture& picture, const core::Rect& /*visible*/) override {
    if (client_->get_image(picture, format_)) return {};
    using core::ImageFormat;
    format_ = format_ == ImageFormat::kNv12 ? ImageFormat::kP010 : ImageFormat::kNv12;
    return client_->get_image(picture, format_);
  }

 private:
  std::unique_ptr<va_client::VaClient> client_;
  core::ImageFormat format_ = core::ImageFormat::kNv12;  // of the last packed picture
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
