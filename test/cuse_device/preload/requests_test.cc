// Media requests: descriptors of their own, from the media node, for the stateless decoder.
#include "cuse_device/preload/process.h"
#include "decode_core/uapi/media.h"
#include "test/catch.h"
#include "test/cuse_device/preload/testing.h"

namespace daedalus::test {
namespace {

UniqueFd open_role(preload::NodeRole role) {
  const preload::Node& node = preload::nodes()[static_cast<size_t>(role)];
  return UniqueFd(::open(node.path.c_str(), O_RDWR | O_CLOEXEC));
}

UniqueFd new_request(int media) {
  int fd = -1;
  REQUIRE(call(media, MEDIA_IOC_REQUEST_ALLOC, &fd) == 0);
  return UniqueFd(fd);
}

// VIDIOC_S_EXT_CTRLS of nothing, for a request: only whether the request is known there.
int touch(int video, int request) {
  v4l2_ext_controls controls{};
  controls.which = V4L2_CTRL_WHICH_REQUEST_VAL;
  controls.request_fd = request;
  return call(video, VIDIOC_S_EXT_CTRLS, &controls);
}

}  // namespace

TEST_CASE("three nodes of one device") {
  for (const auto role :
       {preload::NodeRole::kStateful, preload::NodeRole::kStateless, preload::NodeRole::kMedia}) {
    CHECK(open_role(role));
  }
  media_device_info info{};
  CHECK(call(open_role(preload::NodeRole::kMedia).get(), MEDIA_IOC_DEVICE_INFO, &info) == 0);
  v4l2_capability stateful{}, stateless{};
  CHECK(call(open_role(preload::NodeRole::kStateful).get(), VIDIOC_QUERYCAP, &stateful) == 0);
  CHECK(call(open_role(preload::NodeRole::kStateless).get(), VIDIOC_QUERYCAP, &stateless) == 0);
  CHECK(std::string(reinterpret_cast<char*>(stateful.card)) !=
        reinterpret_cast<char*>(stateless.card));
}

TEST_CASE("a request is a descriptor that queues, polls and duplicates as one") {
  const UniqueFd media = open_role(preload::NodeRole::kMedia);
  const UniqueFd video = open_role(preload::NodeRole::kStateless);
  UniqueFd request = new_request(media.get());
  CHECK((::fcntl(request.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(call<void>(request.get(), MEDIA_REQUEST_IOC_QUEUE, nullptr) == ENOENT);
  CHECK(call<void>(request.get(), MEDIA_REQUEST_IOC_REINIT, nullptr) == 0);
  v4l2_capability capability{};
  CHECK(call(request.get(), VIDIOC_QUERYCAP, &capability) == ENOTTY);
  // As media_request_poll: nobody has queued it.
  pollfd entry{request.get(), POLLPRI, 0};
  CHECK(::poll(&entry, 1, 20'000) == 1);
  CHECK(entry.revents == POLLERR);

  const UniqueFd copy(::dup(request.get()));
  request.reset();
  CHECK(call<void>(copy.get(), MEDIA_REQUEST_IOC_QUEUE, nullptr) == ENOENT);
}

TEST_CASE("the video node knows requests from other descriptors") {
  const UniqueFd media = open_role(preload::NodeRole::kMedia);
  const UniqueFd video = open_role(preload::NodeRole::kStateless);
  UniqueFd request = new_request(media.get());
  const int number = request.get();
  CHECK(touch(video.get(), number) == 0);
  CHECK(touch(video.get(), media.get()) == EINVAL);
  CHECK(touch(video.get(), video.get()) == EINVAL);
  CHECK(touch(video.get(), STDERR_FILENO) == EINVAL);
  request.reset();
  CHECK_FALSE(preload::descriptors.has(number));
  CHECK(touch(video.get(), number) == EINVAL);
}

}  // namespace daedalus::test
