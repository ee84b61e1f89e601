// What the native engine keeps with pictures, and what it makes of others'.
#include "decode_core/software/h264/pictures.h"

#include <memory>
#include <vector>

#include "decode_core/picture.h"
#include "test/catch.h"
#include "test/decode_core/jobs.h"

namespace daedalus::core::h264 {
namespace {

using test::make_frame;
using test::make_job;
using test::sample_at;

DecodeJob make_field(const std::shared_ptr<Picture>& target, FieldRole role, bool bottom) {
  DecodeJob job = make_job(Codec::kH264, 32, 32);
  job.field = role;
  job.target = target;
  auto& flags = std::get<H264Parameters>(job.parameters).decode.flags;
  flags |= V4L2_H264_DECODE_PARAM_FLAG_FIELD_PIC;
  if (bottom) flags |= V4L2_H264_DECODE_PARAM_FLAG_BOTTOM_FIELD;
  return job;
}

TEST_CASE("a reference of another engine becomes NV12, once; an odd size is rounded up") {
  const FrameBuffer planar = make_frame(SampleFormat::kI420, 31, 17, 5);
  DecodeJob job = make_job(Codec::kH264, 32, 32);
  job.references.push_back(std::make_shared<Picture>(planar));
  Pictures pictures;
  const auto first = pictures.begin(job);
  REQUIRE(first.ok());
  REQUIRE(first->references.size() == 1);
  REQUIRE(first->references[0].has_value());
  const FrameView& view = *first->references[0];
  CHECK(view.format == SampleFormat::kNv12);
  CHECK(view.width == 32);
  CHECK(view.height == 18);
  for (int component = 0; component < 3; ++component) {
    const uint32_t shift = component == 0 ? 0 : 1;
    for (uint32_t y = 0; y < 18u >> shift; ++y) {
      for (uint32_t x = 0; x < 32u >> shift; ++x) {
        const uint32_t last_x = component == 0 ? 30 : 15;
        const uint32_t last_y = component == 0 ? 16 : 8;
        REQUIRE(sample_at(view, component, x, y) ==
                sample_at(planar.view, component, std::min(x, last_x), std::min(y, last_y)));
      }
    }
  }
  const auto second = pictures.begin(job);
  REQUIRE(second.ok());
  CHECK(second->references[0]->planes[0].data == view.planes[0].data);
  CHECK(second->contents == std::vector<uint64_t>{0});
}

TEST_CASE("references without 8-bit pixels are missing") {
  DecodeJob job = make_job(Codec::kH264, 32, 32);
  job.references = {nullptr, std::make_shared<Picture>(),
                    std::make_shared<Picture>(make_frame(SampleFormat::kI42010, 32, 32, 1)),
                    std::make_shared<Picture>(make_frame(SampleFormat::kP010, 32, 32, 2))};
  Pictures pictures;
  const auto found = pictures.begin(job);
  REQUIRE(found.ok());
  REQUIRE(found->references.size() == 4);
  REQUIRE(found->motions.size() == 4);
  for (const auto& reference : found->references) CHECK_FALSE(reference.has_value());
}

TEST_CASE("the second field goes where the first one went, and sees it as a reference") {
  const auto target = std::make_shared<Picture>();
  Pictures pictures;
  const DecodeJob first_job = make_field(target, FieldRole::kFirstField, /*bottom=*/true);
  CHECK(structure_of(first_job) == PictureStructure::kBottomField);
  const auto first = pictures.begin(first_job);
  REQUIRE(first.ok());
  CHECK(first->target.view.width == 32);
  const auto motion = std::make_shared<MotionField>();
  pictures.keep_motion(first_job, motion);

  DecodeJob second_job = make_field(target, FieldRole::kSecondField, /*bottom=*/false);
  second_job.references.push_back(target);
  const auto second = pictures.begin(second_job);
  REQUIRE(second.ok());
  CHECK(second->target.view.planes[0].data == first->target.view.planes[0].data);
  REQUIRE(second->references[0].has_value());
  CHECK(second->references[0]->planes[0].data == first->target.view.planes[0].data);
  CHECK(second->motions[0].bottom == motion);
  CHECK(second->motions[0].top == nullptr);
  CHECK(second->motions[0].frame == nullptr);

  // What is copied of the frame before its second field is no copy of it after.
  CHECK(second->contents[0] != 0);
  DecodeJob next = make_job(Codec::kH264, 32, 32);
  next.references = {target, nullptr, target};
  const auto both = pictures.begin(next);
  REQUIRE(both.ok());
  CHECK(both->contents[0] != second->contents[0]);
  CHECK(both->contents == std::vector<uint64_t>{both->contents[0], 0, both->contents[0]});

  // A frame with the same target begins anew.
  const auto again = pictures.begin(first_job);
  REQUIRE(again.ok());
  CHECK(again->target.view.planes[0].data != first->target.view.planes[0].data);
  const auto anew = pictures.begin(next);
  REQUIRE(anew.ok());
  CHECK(anew->contents[0] != both->contents[0]);
}

TEST_CASE("a second field of another size, or without its first, has memory of its own") {
  const auto target = std::make_shared<Picture>();
  Pictures pictures;
  DecodeJob orphan = make_field(target, FieldRole::kSecondField, /*bottom=*/true);
  REQUIRE(pictures.begin(orphan).ok());
  DecodeJob larger = make_job(Codec::kH264, 64, 64);
  larger.field = FieldRole::kSecondField;
  larger.target = target;
  const auto found = pictures.begin(larger);
  REQUIRE(found.ok());
  CHECK(found->target.view.width == 64);
  CHECK(found->target.view.height == 64);
}

TEST_CASE("motion is kept as long as jobs name the picture") {
  Pictures pictures;
  const DecodeJob first = make_job(Codec::kH264, 32, 32);
  std::weak_ptr<const MotionField> motion;
  {
    REQUIRE(pictures.begin(first).ok());
    const auto made = std::make_shared<MotionField>();
    motion = made;
    pictures.keep_motion(first, made);
  }
  DecodeJob second = make_job(Codec::kH264, 32, 32);
  second.references.push_back(first.target);
  {
    const auto found = pictures.begin(second);
    REQUIRE(found.ok());
    CHECK(found->motions[0].frame == motion.lock());
  }
  CHECK_FALSE(motion.expired());
  REQUIRE(pictures.begin(make_job(Codec::kH264, 32, 32)).ok());
  CHECK(motion.expired());
}

TEST_CASE("a picture that came to nothing is no reference, but a first field stays") {
  Pictures pictures;
  const DecodeJob failed = make_job(Codec::kH264, 32, 32);
  REQUIRE(pictures.begin(failed).ok());
  pictures.drop_target(failed);
  DecodeJob next = make_job(Codec::kH264, 32, 32);
  next.references.push_back(failed.target);
  const auto found = pictures.begin(next);
  REQUIRE(found.ok());
  CHECK_FALSE(found->references[0].has_value());

  const auto target = std::make_shared<Picture>();
  REQUIRE(pictures.begin(make_field(target, FieldRole::kFirstField, false)).ok());
  const DecodeJob second = make_field(target, FieldRole::kSecondField, true);
  REQUIRE(pictures.begin(second).ok());
  pictures.drop_target(second);
  next.references = {target};
  const auto kept = pictures.begin(next);
  REQUIRE(kept.ok());
  CHECK(kept->references[0].has_value());
}

}  // namespace
}  // namespace daedalus::core::h264
