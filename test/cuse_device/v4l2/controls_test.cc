// Controls: what v4l2-ctrls gives, and values that belong to a request.
#include "cuse_device/v4l2/controls.h"

#include <cerrno>
#include <string>

#include "test/catch.h"
#include "test/cuse_device/v4l2/fake_stream_decoder.h"
#include "test/cuse_device/v4l2/test_client.h"

namespace daedalus::test {
namespace {

using v4l2::ControlHandler;
using v4l2::ControlInfo;
using v4l2::ControlValues;

constexpr uint32_t kNumber = V4L2_CID_CODEC_BASE + 900;
constexpr uint32_t kWide = V4L2_CID_CODEC_BASE + 901;
constexpr uint32_t kMenu = V4L2_CID_CODEC_BASE + 902;
constexpr uint32_t kReadOnly = V4L2_CID_CODEC_BASE + 903;
constexpr uint32_t kStructure = V4L2_CID_CODEC_STATELESS_BASE + 900;
constexpr const char* kItems[] = {"a", "b", "c"};

struct Pair {
  uint32_t low, high;
};
constexpr Pair kDefaultPair{3, 9};

int validate_pair(std::span<std::byte> element) {
  Pair pair;
  std::memcpy(&pair, element.data(), sizeof pair);
  return pair.low <= pair.high ? 0 : EINVAL;
}

ControlHandler handler(ControlHandler::Changed changed = nullptr) {
  ControlHandler controls(std::move(changed));
  ControlInfo info;
  info.id = kNumber;
  info.name = "Number";
  info.minimum = -10;
  info.maximum = 10;
  info.step = 4;
  info.default_value = 2;
  controls.add(info);
  info.id = kReadOnly;
  info.flags = V4L2_CTRL_FLAG_READ_ONLY;
  controls.add(info);
  info = {};
  info.id = kWide;
  info.type = V4L2_CTRL_TYPE_INTEGER64;
  info.maximum = int64_t{1} << 40;
  controls.add(info);
  info = {};
  info.id = kMenu;
  info.type = V4L2_CTRL_TYPE_MENU;
  info.menu = kItems;
  info.maximum = 2;
  info.skipped_items = 2;
  controls.add(info);
  info = {};
  info.id = kStructure;
  info.type = V4L2_CTRL_TYPE_VP8_FRAME;
  info.name = "Structure";
  info.element_size = sizeof(Pair);
  info.dimensions = {2};
  info.default_element = std::as_bytes(std::span(&kDefaultPair, 1));
  info.validate = validate_pair;
  controls.add(info);
  return controls;
}

v4l2_ext_controls arguments(std::span<v4l2_ext_control> array, uint32_t which = 0) {
  v4l2_ext_controls controls{};
  controls.which = which;
  controls.count = static_cast<uint32_t>(array.size());
  controls.controls = array.data();
  return controls;
}

v4l2_ext_control structure(Pair* pairs, uint32_t size = 2 * sizeof(Pair)) {
  v4l2_ext_control control{};
  control.id = kStructure;
  control.size = size;
  control.ptr = pairs;
  return control;
}

}  // namespace

TEST_CASE("QUERYCTRL walks every control in order, classes among them") {
  const auto device = fake_device();
  TestFile file(*device);
  std::vector<uint32_t> ids;
  v4l2_queryctrl query{};
  for (query.id = V4L2_CTRL_FLAG_NEXT_CTRL; file.ioctl(VIDIOC_QUERYCTRL, query) == 0;
       query.id |= V4L2_CTRL_FLAG_NEXT_CTRL) {
    CHECK((ids.empty() || query.id > ids.back()));
    CHECK(query.name[0] != 0);
    ids.push_back(query.id);
  }
  REQUIRE(ids.size() > 4);
  CHECK(ids[0] == V4L2_CID_USER_CLASS);
  CHECK(ids[1] == V4L2_CID_MIN_BUFFERS_FOR_CAPTURE);
  CHECK(std::count(ids.begin(), ids.end(), uint32_t{V4L2_CID_CODEC_CLASS}) == 1);
  query.id = V4L2_CID_BRIGHTNESS;
  CHECK(file.ioctl(VIDIOC_QUERYCTRL, query) == EINVAL);
  v4l2_query_ext_ctrl extended{};
  extended.id = V4L2_CTRL_FLAG_NEXT_COMPOUND;
  CHECK(file.ioctl(VIDIOC_QUERY_EXT_CTRL, extended) == EINVAL);
}

TEST_CASE("QUERYMENU leaves out what is not there") {
  const bool av1 = GENERATE(false, true);
  const auto device = fake_device(2, av1);
  TestFile file(*device);
  v4l2_querymenu menu{};
  menu.id = V4L2_CID_MPEG_VIDEO_H264_PROFILE;
  menu.index = V4L2_MPEG_VIDEO_H264_PROFILE_HIGH;
  REQUIRE(file.ioctl(VIDIOC_QUERYMENU, menu) == 0);
  CHECK(std::string(reinterpret_cast<char*>(menu.name)) == "High");
  menu.index = V4L2_MPEG_VIDEO_H264_PROFILE_EXTENDED;
  CHECK(file.ioctl(VIDIOC_QUERYMENU, menu) == EINVAL);
  menu.index = 0xffffffff;
  CHECK(file.ioctl(VIDIOC_QUERYMENU, menu) == EINVAL);
  // The kernel's words (v4l2_ctrl_get_menu).
  const auto word = [&](uint32_t id, uint32_t index) {
    menu.id = id;
    menu.index = index;
    return file.ioctl(VIDIOC_QUERYMENU, menu) == 0 ? std::string(reinterpret_cast<char*>(menu.name))
                                                   : std::string();
  };
  constexpr uint32_t kHevcProfile = V4L2_CID_MPEG_VIDEO_HEVC_PROFILE;
  CHECK(word(kHevcProfile, V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN) == "Main");
  CHECK(word(kHevcProfile, V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN_STILL_PICTURE) ==
        "Main Still Picture");
  CHECK(word(kHevcProfile, V4L2_MPEG_VIDEO_HEVC_PROFILE_MAIN_10) == "Main 10");
  CHECK(word(kHevcProfile, 3) == "");
  CHECK(word(V4L2_CID_MPEG_VIDEO_HEVC_LEVEL, V4L2_MPEG_VIDEO_HEVC_LEVEL_5_1) == "5.1");
  CHECK(word(V4L2_CID_MPEG_VIDEO_HEVC_LEVEL, V4L2_MPEG_VIDEO_HEVC_LEVEL_6_2) == "6.2");
  constexpr uint32_t kAv1Profile = V4L2_CID_MPEG_VIDEO_AV1_PROFILE;
  CHECK(word(kAv1Profile, V4L2_MPEG_VIDEO_AV1_PROFILE_MAIN) == (av1 ? "Main" : ""));
  CHECK(word(kAv1Profile, V4L2_MPEG_VIDEO_AV1_PROFILE_HIGH) == "");
  CHECK(word(V4L2_CID_MPEG_VIDEO_AV1_LEVEL, 0) == (av1 ? "2.0" : ""));
  CHECK(word(V4L2_CID_MPEG_VIDEO_AV1_LEVEL, 23) == (av1 ? "7.3" : ""));
  menu.id = V4L2_CID_MIN_BUFFERS_FOR_CAPTURE;
  menu.index = 0;
  CHECK(file.ioctl(VIDIOC_QUERYMENU, menu) == EINVAL);
}

TEST_CASE("G_CTRL and S_CTRL through a file") {
  const auto device = fake_device();
  TestFile file(*device);
  v4l2_control control{V4L2_CID_MIN_BUFFERS_FOR_CAPTURE, 0};
  REQUIRE(file.ioctl(VIDIOC_G_CTRL, control) == 0);
  CHECK(control.value >= 1);
  CHECK(file.ioctl(VIDIOC_S_CTRL, control) == EACCES);
  control = {V4L2_CID_MPEG_VIDEO_VP9_PROFILE, V4L2_MPEG_VIDEO_VP9_PROFILE_1};
  CHECK(file.ioctl(VIDIOC_S_CTRL, control) == EINVAL);
  control.value = 99;
  CHECK(file.ioctl(VIDIOC_S_CTRL, control) == ERANGE);
  control.value = V4L2_MPEG_VIDEO_VP9_PROFILE_0;
  CHECK(file.ioctl(VIDIOC_S_CTRL, control) == 0);
  control = {V4L2_CID_CODEC_CLASS, 0};
  CHECK(file.ioctl(VIDIOC_G_CTRL, control) == EACCES);
  CHECK(file.ioctl(VIDIOC_S_CTRL, control) == EACCES);
  control.id = 0;
  CHECK(file.ioctl(VIDIOC_G_CTRL, control) == EINVAL);
  v4l2_ext_controls none{};
  CHECK(file.ioctl(VIDIOC_G_EXT_CTRLS, none) == 0);
  none.which = V4L2_CTRL_CLASS_CODEC;
  CHECK(file.ioctl(VIDIOC_S_EXT_CTRLS, none) == 0);
  none.which = V4L2_CTRL_CLASS_JPEG;
  CHECK(file.ioctl(VIDIOC_S_EXT_CTRLS, none) == EINVAL);
  none.which = V4L2_CTRL_WHICH_REQUEST_VAL;
  CHECK(file.ioctl(VIDIOC_G_EXT_CTRLS, none) == EINVAL);
  CHECK(file.ioctl(VIDIOC_S_EXT_CTRLS, none) == EINVAL);
  CHECK(file.ioctl(VIDIOC_TRY_EXT_CTRLS, none) == EINVAL);
}

TEST_CASE("values are brought into range: rounding, menus, 64 bits") {
  ControlHandler controls = handler();
  const auto set = [&](int32_t value) {
    v4l2_control control{kNumber, value};
    REQUIRE(controls.set(control) == 0);
    return control.value;
  };
  CHECK(set(1000) == 10);
  CHECK(set(-1000) == -10);
  CHECK(set(-9) == -10);
  CHECK(set(-8) == -6);
  CHECK(set(0) == 2);
  v4l2_control control{kMenu, 1};
  CHECK(controls.set(control) == EINVAL);
  control.value = -1;
  CHECK(controls.set(control) == ERANGE);
  control = {kWide, 0};
  CHECK(controls.get(control) == EINVAL);
  control = {kStructure, 0};
  CHECK(controls.get(control) == EINVAL);

  TestClient client;
  v4l2_ext_control array[2]{};
  array[0].id = kWide;
  array[0].value64 = int64_t{1} << 50;
  array[1].id = kNumber;
  array[1].value = 6;
  auto argument = arguments(array);
  REQUIRE(controls.set_ext(argument, client) == 0);
  CHECK((array[0].value64 == int64_t{1} << 40));  // packed: Catch must not refer to it
  CHECK(controls.values().integer(kWide) == int64_t{1} << 40);
  CHECK(controls.values().integer(kNumber) == 6);
}

TEST_CASE("EXT_CTRLS: error_idx and errnos") {
  ControlHandler controls = handler();
  TestClient client;
  v4l2_ext_control array[2]{};
  array[0].id = kNumber;
  array[0].value = 6;
  array[1].id = kReadOnly;
  auto argument = arguments(array);
  CHECK(controls.set_ext(argument, client) == EACCES);
  CHECK(argument.error_idx == 2);  // nothing was touched
  CHECK(controls.values().integer(kNumber) == 2);
  CHECK(controls.try_ext(argument, client) == EACCES);
  CHECK(argument.error_idx == 1);
  array[1].id = 12345;
  CHECK(controls.get_ext(argument, client) == EINVAL);
  CHECK(argument.error_idx == 2);
  CHECK(controls.try_ext(argument, client) == EINVAL);
  CHECK(argument.error_idx == 1);
  array[1].id = kMenu;
  argument = arguments(array, V4L2_CTRL_CLASS_USER);
  CHECK(controls.try_ext(argument, client) == EINVAL);
  CHECK(argument.error_idx == 0);
  argument.which = V4L2_CTRL_WHICH_DEF_VAL;
  CHECK(controls.set_ext(argument, client) == EINVAL);
  array[0].value = 0;
  REQUIRE(controls.get_ext(argument, client) == 0);
  CHECK(array[0].value == 2);

  argument = arguments(array);
  argument.count = 1025;
  CHECK(controls.get_ext(argument, client) == EINVAL);
  argument.count = 2;
  argument.controls = static_cast<v4l2_ext_control*>(bad_pointer());
  CHECK(controls.get_ext(argument, client) == EFAULT);
  CHECK(controls.set_ext(argument, client) == EFAULT);
  CHECK(controls.values().integer(kNumber) == 2);
}

TEST_CASE("compound controls: sizes, validation, defaults, bad payloads") {
  ControlHandler controls = handler();
  TestClient client;
  Pair pairs[2]{{1, 2}, {5, 4}};
  v4l2_ext_control control = structure(pairs, 3);
  auto argument = arguments({&control, 1});
  CHECK(controls.get_ext(argument, client) == ENOSPC);
  CHECK(control.size == sizeof pairs);
  CHECK(controls.set_ext(argument, client) == EINVAL);  // the second pair is upside down
  CHECK(controls.values().structure<Pair>(kStructure).low == kDefaultPair.low);
  pairs[1].high = 6;
  REQUIRE(controls.set_ext(argument, client) == 0);
  CHECK(controls.values().structure<Pair>(kStructure).low == 1);
  pairs[0] = {};
  REQUIRE(controls.get_ext(argument, client) == 0);
  CHECK(pairs[0].high == 2);
  argument.which = V4L2_CTRL_WHICH_DEF_VAL;
  REQUIRE(controls.get_ext(argument, client) == 0);
  CHECK(pairs[1].high == kDefaultPair.high);
  control = structure(pairs, 3);
  argument.which = 0;
  CHECK(controls.set_ext(argument, client) == EFAULT);
  control = structure(static_cast<Pair*>(bad_pointer()));
  CHECK(controls.set_ext(argument, client) == EFAULT);
  CHECK(controls.get_ext(argument, client) == EFAULT);

  v4l2_query_ext_ctrl query{};
  query.id = V4L2_CTRL_FLAG_NEXT_COMPOUND;
  REQUIRE(controls.query_ext(query) == 0);
  CHECK(query.id == kStructure);
  CHECK(query.elems == 2);
  CHECK(query.nr_of_dims == 1);
  CHECK((query.flags & V4L2_CTRL_FLAG_HAS_PAYLOAD) != 0);
}

TEST_CASE("a request's values are its own until they are applied") {
  ControlHandler controls = handler();
  TestClient client;
  ControlValues request;
  Pair pairs[2]{{7, 8}, {7, 8}};
  v4l2_ext_control array[2]{structure(pairs), {}};
  array[1].id = kNumber;
  array[1].value = 6;
  auto argument = arguments(array, V4L2_CTRL_WHICH_REQUEST_VAL);
  CHECK(controls.set_ext(argument, client) == EINVAL);  // there is none
  REQUIRE(controls.set_ext(argument, client, &request) == 0);
  CHECK(request.contains(kStructure));
  CHECK_FALSE(request.contains(kWide));
  CHECK(controls.values().integer(kNumber) == 2);
  array[1].value = 0;
  REQUIRE(controls.get_ext(argument, client, &request) == 0);
  CHECK(array[1].value == 6);
  controls.apply(request);
  CHECK(controls.values().integer(kNumber) == 6);
  CHECK(controls.values().structure<Pair>(kStructure).low == 7);
}

TEST_CASE("payloads that must be fetched first: nothing changes before all are there") {
  ControlHandler controls = handler();
  TestClient client;
  client.fetch_first = true;
  Pair pairs[2]{{7, 8}, {7, 8}};
  v4l2_ext_control array[2]{structure(pairs), {}};
  array[1].id = kNumber;
  array[1].value = 6;
  auto argument = arguments(array);
  CHECK(controls.set_ext(argument, client) == EFAULT);
  CHECK(controls.set_ext(argument, client) == EFAULT);
  CHECK(controls.values().integer(kNumber) == 2);
  CHECK(controls.set_ext(argument, client) == 0);
  CHECK(controls.values().integer(kNumber) == 6);
  CHECK_FALSE(client.wrote_unread);
}

TEST_CASE("changes are told, to whom they concern") {
  int by_client = 0;
  int by_device = 0;
  ControlHandler controls = handler(
      [&](const ControlInfo&, uint32_t, bool client) { ++(client ? by_client : by_device); });
  v4l2_control control{kNumber, 6};
  REQUIRE(controls.set(control) == 0);
  REQUIRE(controls.set(control) == 0);  // no change
  CHECK(by_client == 1);
  controls.set_by_device(kReadOnly, 6);
  controls.set_by_device(kReadOnly, 6);
  CHECK(by_device == 1);
}

TEST_CASE("control events: initial value, feedback only when asked for") {
  const auto device = fake_device();
  TestFile file(*device);
  constexpr uint32_t kProfile = V4L2_CID_MPEG_VIDEO_VP8_PROFILE;
  CHECK(file.subscribe(V4L2_EVENT_CTRL, 4242) == EINVAL);
  // A class has no value that could come first.
  CHECK(file.subscribe(V4L2_EVENT_CTRL, V4L2_CID_CODEC_CLASS, V4L2_EVENT_SUB_FL_SEND_INITIAL) == 0);
  CHECK(file.next_event() == 0);
  REQUIRE(file.subscribe(V4L2_EVENT_CTRL, kProfile, V4L2_EVENT_SUB_FL_SEND_INITIAL) == 0);
  v4l2_event event{};
  REQUIRE(file.ioctl(VIDIOC_DQEVENT, event) == 0);
  CHECK(event.u.ctrl.value == 3);
  v4l2_control control{kProfile, 1};
  REQUIRE(file.ioctl(VIDIOC_S_CTRL, control) == 0);
  CHECK(file.next_event() == 0);
  v4l2_event_subscription all{};
  all.type = V4L2_EVENT_ALL;
  REQUIRE(file.ioctl(VIDIOC_UNSUBSCRIBE_EVENT, all) == 0);
  REQUIRE(file.subscribe(V4L2_EVENT_CTRL, kProfile, V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK) == 0);
  control.value = 2;
  REQUIRE(file.ioctl(VIDIOC_S_CTRL, control) == 0);
  REQUIRE(file.ioctl(VIDIOC_DQEVENT, event) == 0);
  CHECK(event.u.ctrl.changes == V4L2_EVENT_CTRL_CH_VALUE);
  CHECK(event.u.ctrl.value == 2);
}

}  // namespace daedalus::test
