// Whole pictures on the device on the CPU against the reference, and against it when calls fail.
#include "gpu_kernels/mc/h264_vulkan.h"

#include <array>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include "gpu_kernels/harness.h"
#include "gpu_kernels/idct/h264_test_residuals.h"
#include "gpu_kernels/mc/h264_test_pictures.h"
#include "gpu_kernels/vulkan/failing_twin.h"
#include "gpu_kernels/vulkan/late_work.h"
#include "gpu_kernels/vulkan/test_device.h"
#include "test/catch.h"

namespace daedalus::gpu_kernels {
namespace {

using harness::Fill;
using harness::kFills;
using mc_test::draw;
using mc_test::Frame;
using mc_test::Random;
using std::chrono::milliseconds;
using vulkan::Faults;
using vulkan::LateWork;
using vulkan::open_test_device;

using Clock = std::chrono::steady_clock;

struct Shape {
  uint32_t width;
  uint32_t height;  // of the frame
  bool fields;
  bool macroblocks;  // with residual, and no other blocks
};

// A frame, or its top field, and what is made of it from other pictures of other sizes and, of a
// field, from the frame's bottom one.
class TestPicture {
 public:
  TestPicture(const Shape& shape, Random& random, Fill fill)
      : fields_(shape.fields),
        height_(shape.fields ? shape.height / 2 : shape.height),
        before_(random, shape.width, shape.height),
        weights_(mc_test::draw_weights(random)) {
    before_.fill(fill, random);
    others_.emplace_back(random, shape.width, shape.height);
    others_.emplace_back(random, shape.width + 2 * static_cast<uint32_t>(draw(random, 0, 9)), 16);
    for (Frame& other : others_) other.fill(fill, random);
    if (shape.macroblocks) {
      draw_macroblocks(random);
    } else {
      blocks_ = mc_test::draw_blocks(random, static_cast<int>(shape.width),
                                     static_cast<int>(height_), 3, 6);
    }
  }

  Frame made_by(Substrate substrate) const {
    Frame to = before_;
    const auto references = references_of(to);
    const H264McPictures pictures = pictures_of(to, references);
    h264_mc_functions(substrate).predict(pictures, blocks_.data(), blocks_.size());
    std::vector<H264ResidualMacroblock> macroblocks;
    for (const H264PlacedResidual& placed : residuals_) {
      macroblocks.push_back(
          {placed.residual,
           {pictures.luma + static_cast<ptrdiff_t>(placed.y) * 16 * pictures.luma_stride +
                placed.x * 16,
            pictures.chroma + static_cast<ptrdiff_t>(placed.y) * 8 * pictures.chroma_stride +
                placed.x * 16,
            pictures.luma_stride, pictures.chroma_stride}});
    }
    h264_idct_functions(substrate).add_macroblocks(macroblocks.data(), macroblocks.size());
    return to;
  }

  Status run(VulkanH264Inter& inter, Frame& to,
             vulkan::Deadline deadline = vulkan::kNoDeadline) const {
    to = before_;
    const auto references = references_of(to);
    return inter.run({pictures_of(to, references), before_.width, height_, blocks_, residuals_},
                     deadline);
  }

  const Frame& before() const { return before_; }
  // Other references.
  void refill(Random& random) {
    for (Frame& other : others_) other.fill(Fill::kRandom, random);
  }
  void swap_others() { std::swap(others_[0], others_[1]); }

  // Of the references from other frames.
  std::array<uint64_t, 2> contents{};

  // Where nothing is predicted anything goes: as `expected` has it.
  void forget_unpredicted(const Frame& expected, Frame& made) const {
    const size_t step = fields_ ? 2 : 1;
    for (uint32_t y = 0; y < height_; y += 4) {
      for (uint32_t x = 0; x < before_.width; x += 4) {
        if (is_predicted(x, y)) continue;
        for (size_t row = 0; row < 4; ++row) {
          std::copy_n(expected.luma.row((y + row) * step) + x, 4,
                      made.luma.row((y + row) * step) + x);
        }
        for (size_t row = 0; row < 2; ++row) {
          const size_t at = (y / 2 + row) * step;
          std::copy_n(expected.chroma.row(at) + x, 4, made.chroma.row(at) + x);
        }
      }
    }
  }

 private:
  // Whole macroblocks from two references, with residual.
  void draw_macroblocks(Random& random) {
    residual_values_.reserve(size_t{before_.width} * height_ / 256);
    for (uint32_t y = 0; y < height_ / 16; ++y) {
      for (uint32_t x = 0; x < before_.width / 16; ++x) {
        H264Prediction& prediction = blocks_.emplace_back();
        prediction.x = static_cast<uint16_t>(x * 16);
        prediction.y = static_cast<uint16_t>(y * 16);
        prediction.width = prediction.height = 16;
        prediction.reference = {0, 1};
        for (auto& vector : prediction.vector) {
          for (int16_t& value : vector) value = mc_test::draw_vector(random, 40);
        }
        const bool transform_8x8 = draw(random, 0, 1) != 0;
        residuals_.push_back({idct_test::residual_of(idct_test::Values::kSmall, transform_8x8,
                                                     random, residual_values_.emplace_back()),
                              x, y});
      }
    }
  }

  std::array<H264McReference, 3> references_of(const Frame& frame) const {
    std::array<H264McReference, 3> references = {
        others_[0].reference(fields_ ? 0 : -1, 0), others_[1].reference(-1, fields_ ? 2 : 0),
        fields_ ? frame.reference(1, -2) : others_[0].reference(-1, 0)};
    for (size_t i = 0; i < contents.size(); ++i) references[i].content = contents[i];
    return references;
  }
  H264McPictures pictures_of(Frame& frame, const std::array<H264McReference, 3>& references) const {
    const int step = fields_ ? 2 : 1;
    return {frame.luma.row(0),
            frame.chroma.row(0),
            step * frame.luma.stride(),
            step * frame.chroma.stride(),
            references,
            weights_};
  }
  bool is_predicted(uint32_t x, uint32_t y) const {
    return std::any_of(blocks_.begin(), blocks_.end(), [&](const H264Prediction& block) {
      return x >= block.x && x < block.x + uint32_t{block.width} && y >= block.y &&
             y < block.y + uint32_t{block.height};
    });
  }

  bool fields_;
  uint32_t height_;
  Frame before_;
  std::vector<Frame> others_;
  std::vector<H264McWeights> weights_;
  std::vector<H264Prediction> blocks_;
  std::vector<H264PlacedResidual> residuals_;
  std::vector<std::vector<int16_t>> residual_values_;
};

bool equal(const Frame& a, const Frame& b) { return a.luma == b.luma && a.chroma == b.chroma; }

Frame expected_of(const TestPicture& test) {
  Frame expected = test.made_by(Substrate::kScalar);
  CHECK(equal(test.made_by(Substrate::kSimd), expected));
  return expected;
}

// Whether the GPU makes what it should.
bool makes(VulkanH264Inter& inter, const TestPicture& test) {
  const Frame expected = expected_of(test);
  Frame made = test.before();
  REQUIRE(test.run(inter, made).ok());
  test.forget_unpredicted(expected, made);
  return equal(made, expected);
}

TEST_CASE("Vulkan predicts what the reference and SIMD predict", "[mc]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  Random random(31);
  for (int round = 0; round < 200; ++round) {
    const Shape shape{16 * static_cast<uint32_t>(draw(random, 1, 5)),
                      32 * static_cast<uint32_t>(draw(random, 1, 3)), round % 2 != 0,
                      round % 3 == 0};
    const TestPicture test(shape, random, kFills[round % std::size(kFills)]);
    if (!makes(**inter, test)) FAIL("round " << round);
  }
}

// Copies of every kind of name: of none, of one that is the GPU's already, of another size, and of
// more than it has room for at first.
TEST_CASE("references that the GPU has are not copied again, all others are", "[mc]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  Random random(37);
  TestPicture test({64, 64, false, true}, random, Fill::kRandom);
  uint64_t before = 0;
  const auto copied = [&] {
    CHECK(makes(**inter, test));
    const uint64_t now = (*inter)->references_copied();
    return now - std::exchange(before, now);
  };
  const uint64_t first = new_h264_content();
  const uint64_t second = new_h264_content();
  test.contents = {first, second};
  CHECK(copied() == 2);
  CHECK(copied() == 0);
  test.contents = {0, second};
  CHECK(copied() == 1);
  CHECK(copied() == 1);
  // There was room for those of no name, till now.
  test.contents = {first, second};
  CHECK(copied() == 0);
  test.contents = {0, second};
  for (int i = 0; i < 3; ++i) CHECK(copied() == 1);
  test.contents = {first, second};
  CHECK(copied() == 1);
  test.refill(random);
  test.contents = {new_h264_content(), new_h264_content()};
  CHECK(copied() == 2);
  test.contents = {test.contents[1], test.contents[0]};
  test.swap_others();
  CHECK(copied() == 0);
}

TEST_CASE("the GPU holds the references that were used last", "[mc]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  Random random(38);
  // Of frames and fields by turns, as of a stream that has both.
  std::vector<TestPicture> tests;
  for (const bool fields : {false, true, false, true, false}) {
    TestPicture& test = tests.emplace_back(Shape{64, 64, fields, true}, random, Fill::kRandom);
    test.contents = {new_h264_content(), new_h264_content()};
  }
  for (const TestPicture& test : tests) CHECK(makes(**inter, test));
  const uint64_t all = (*inter)->references_copied();
  CHECK(all == 2 * tests.size());
  // Two pictures' references find room.
  CHECK(makes(**inter, tests[4]));
  CHECK(makes(**inter, tests[3]));
  CHECK((*inter)->references_copied() == all);
  CHECK(makes(**inter, tests[2]));
  CHECK((*inter)->references_copied() == all + 2);
  CHECK(makes(**inter, tests[3]));
  CHECK((*inter)->references_copied() == all + 2);
  // Larger ones: nothing is left of what was there.
  const TestPicture larger({256, 64, false, true}, random, Fill::kRandom);
  CHECK(makes(**inter, larger));
  CHECK(makes(**inter, tests[3]));
  CHECK((*inter)->references_copied() == all + 6);
  CHECK(makes(**inter, tests[3]));
  CHECK((*inter)->references_copied() == all + 6);
}

TEST_CASE("large pictures are predicted too", "[mc]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  Random random(32);
  CHECK(makes(**inter, TestPicture({1920, 1088, false, true}, random, Fill::kRandom)));
  CHECK(makes(**inter, TestPicture({720, 576, true, false}, random, Fill::kTaps)));
}

TEST_CASE("what the GPU cannot take is refused, and nothing is written", "[mc]") {
  const auto device = open_test_device();
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  std::vector<uint8_t> samples(384, 7);
  // No sample is looked at before the size is known to fit.
  const H264McReference large{samples.data(), samples.data(), 0, 0, 16384, 16384};
  const H264McReference wide{samples.data(), samples.data(), 0, 0, 0x10000, 2};
  H264Prediction block{0, 0, 16, 16};
  block.reference[0] = 0;
  const std::vector<H264McWeights> many(H264Prediction::kUnweighted);
  const H264McReference small{samples.data(), samples.data(), 16, 16, 16, 16};
  for (const auto& [reference, weights] : {std::pair{large, std::span<const H264McWeights>{}},
                                           {wide, {}},
                                           {small, std::span<const H264McWeights>(many)}}) {
    const Status refused = (*inter)->run(
        {{samples.data(), samples.data() + 256, 16, 16, std::span(&reference, 1), weights},
         16,
         16,
         {&block, 1},
         {}});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kUnsupported);
    CHECK(samples == std::vector<uint8_t>(384, 7));
  }
}

// A device whose calls can fail, and its inter prediction.
using Failing = vulkan::FailingTwin<VulkanH264Inter>;

TEST_CASE("a failure of any call is an error, and nothing is written, or is worked around",
          "[mc]") {
  Faults faults;
  Failing failing;
  if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
  REQUIRE(failing.twin != nullptr);
  Random random(33);
  uint32_t width = 0;
  const auto use = [&] {
    // Larger than all before: memory is allocated anew.
    width += 32;
    TestPicture test({width, 32, false, true}, random, Fill::kNear);
    test.contents = {new_h264_content(), new_h264_content()};  // is what was copied whole?
    Frame made = test.before();
    const bool predicted = test.run(*failing.twin, made).ok();
    // Without memory for more references than it names, a picture is predicted all the same.
    if (!predicted) CHECK(faults.happened());
    CHECK(equal(made, predicted ? expected_of(test) : test.before()));
    if (!failing.device().usable()) return;
    faults.withdraw();
    CHECK(makes(*failing.twin, test));
  };
  failing.fail_each_call(faults, use, /*imports=*/false);
}

TEST_CASE("a device that is lost is not asked again", "[mc]") {
  Faults faults;
  const Failing failing;
  if (failing.opened.device == nullptr) DAEDALUS_SKIP(failing.opened.reason);
  REQUIRE(failing.twin != nullptr);
  Random random(34);
  const TestPicture test({32, 32, false, false}, random, Fill::kRandom);
  Frame made = test.before();
  faults.order("vkQueueSubmit", 0, VK_ERROR_DEVICE_LOST);
  CHECK_FALSE(test.run(*failing.twin, made).ok());
  CHECK_FALSE(failing.device().usable());
  const Status again = test.run(*failing.twin, made);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::kNotFound);
}

TEST_CASE("a late picture is not waited for, and harms neither itself nor the next one", "[mc]") {
  LateWork late;
  const auto device = open_test_device(LateWork::options());
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  Random random(35);
  const TestPicture test({64, 64, false, true}, random, Fill::kRandom);
  TestPicture larger({256, 256, false, true}, random, Fill::kRandom);
  larger.contents = {new_h264_content(), new_h264_content()};
  CHECK(makes(**inter, test));
  late.hold();
  Frame made = test.before();
  const Status too_late = test.run(**inter, made, Clock::now() + milliseconds(20));
  CHECK(late.holds());  // so it was not waited for
  REQUIRE_FALSE(too_late.ok());
  CHECK(too_late.error().code == ErrorCode::kTimeout);
  CHECK(device.device->usable());
  Frame next = larger.before();
  const Status busy = larger.run(**inter, next);
  CHECK(late.holds());
  REQUIRE_FALSE(busy.ok());
  CHECK(busy.error().code == ErrorCode::kBusy);
  CHECK(equal(next, larger.before()));
  late.release();
  REQUIRE(vulkan::ends_being_busy([&] { return larger.run(**inter, next); }).ok());
  CHECK(equal(next, expected_of(larger)));
  CHECK(makes(**inter, larger));
  CHECK(equal(made, test.before()));
}

TEST_CASE("inter prediction that is late is destroyed once it has ended", "[mc]") {
  LateWork late;
  const auto device = open_test_device(LateWork::options());
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  Random random(36);
  const TestPicture test({64, 64, false, true}, random, Fill::kRandom);
  Frame made = test.before();
  late.hold();
  CHECK_FALSE(test.run(**inter, made, Clock::now() + milliseconds(20)).ok());
  CHECK(late.holds());
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(50));
    late.release();
  });
  inter->reset();
  CHECK_FALSE(late.holds());
  later.join();
  CHECK(device.device->usable());
  CHECK(equal(made, test.before()));
}

TEST_CASE("nothing is begun when it is too late already", "[mc]") {
  LateWork late;
  const auto device = open_test_device(LateWork::options());
  if (device.device == nullptr) DAEDALUS_SKIP(device.reason);
  const auto inter = VulkanH264Inter::create(device.device);
  REQUIRE(inter.ok());
  Random random(37);
  const TestPicture test({64, 64, false, true}, random, Fill::kRandom);
  Frame made = test.before();
  late.hold();
  const Status refused = test.run(**inter, made, Clock::now() - milliseconds(1));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kBusy);
  CHECK_FALSE(late.holds());
}

}  // namespace
}  // namespace daedalus::gpu_kernels
