// The stateless decoder's part of requests: their controls and buffers, as v4l2-ctrls-request,
// videobuf2-v4l2 and the drivers' req_validate and req_queue do.
#include <algorithm>
#include <cerrno>

#include "cuse_device/v4l2/stateless_file.h"

namespace daedalus::v4l2 {

std::shared_ptr<Request> StatelessFile::find_request(int request_fd, Client& client) const {
  if (request_fd < 0 || !options_.requests) return nullptr;
  auto request = client.find_request(request_fd);
  return request && request->made_by(options_.requests) ? request : nullptr;
}

int StatelessFile::g_ext_ctrls(v4l2_ext_controls& controls, Client& client) {
  if (controls.which != V4L2_CTRL_WHICH_REQUEST_VAL) {
    return VideoFile::g_ext_ctrls(controls, client);
  }
  controls.error_idx = controls.count;
  const auto request = find_request(controls.request_fd, client);
  if (!request) return EINVAL;
  return request->read(handle_, [&](const ControlValues& values) {
    return controls_.get_ext(controls, client, &values);
  });
}

int StatelessFile::s_ext_ctrls(v4l2_ext_controls& controls, Client& client) {
  if (controls.which == V4L2_CTRL_WHICH_REQUEST_VAL) {
    controls.error_idx = controls.count;
    const auto request = find_request(controls.request_fd, client);
    if (!request) return EINVAL;
    return request->update(handle_, [&](ControlValues& values) {
      return controls_.set_ext(controls, client, &values);
    });
  }
  const int error = VideoFile::s_ext_ctrls(controls, client);
  // The sample depth may be known now.
  if (error == 0 && !capture_.busy()) {
    capture_.set_format(capture_format(capture_.format().fourcc));
  }
  return error;
}

int StatelessFile::try_ext_ctrls(v4l2_ext_controls& controls, Client& client) {
  if (controls.which != V4L2_CTRL_WHICH_REQUEST_VAL) {
    return VideoFile::try_ext_ctrls(controls, client);
  }
  controls.error_idx = controls.count;
  const auto request = find_request(controls.request_fd, client);
  if (!request) return EINVAL;
  return request->update(handle_,
                         [&](ControlValues&) { return controls_.try_ext(controls, client); });
}

bool StatelessFile::has_controls(const ControlValues& request) const {
  const StatelessFormat& format = coded_format();
  return request.contains(format.picture_control) &&
         std::all_of(
             format.sequence_controls.begin(), format.sequence_controls.end(), [&](uint32_t id) {
               return request.contains(id) || controls_.was_set(id) || promised_.count(id) != 0;
             });
}

int StatelessFile::queue_request(const std::shared_ptr<Request>& request) {
  Locked locked(*this);
  const auto buffer = request->buffer();
  if (!buffer) return ENOENT;
  const ControlValues values = request->values(handle_);
  if (!has_controls(values)) return ENOENT;
  for (const uint32_t id : values.ids()) promised_.insert(id);
  request->set_queued();
  output_.queue_of_request(buffer);
  pump();
  return 0;
}

void StatelessFile::unbind(const std::shared_ptr<Buffer>& buffer) {
  Locked locked(*this);
  output_.unbind(buffer);
}

void StatelessFile::take_out(const std::shared_ptr<Request>& request,
                             const std::shared_ptr<Buffer>& buffer) {
  request->take_out(buffer);
  after_unlock([request] { request->notify(); });
}

}  // namespace daedalus::v4l2
