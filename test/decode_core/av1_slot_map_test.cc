#include "decode_core/av1_slot_map.h"

#include <memory>
#include <optional>
#include <vector>

#include "decode_core/picture.h"
#include "test/catch.h"
#include "test/decode_core/jobs.h"

namespace daedalus::core::test {
namespace {

using Pictures = std::vector<std::shared_ptr<Picture>>;

DecodeJob make(v4l2_av1_frame_type type, const Pictures& references,
               std::optional<uint32_t> flags = std::nullopt) {
  DecodeJob job = make_job(Codec::kAv1);
  auto& frame = std::get<Av1Parameters>(job.parameters).frame;
  frame.frame_type = type;
  for (int8_t i = 0; i < V4L2_AV1_REFS_PER_FRAME; ++i) frame.ref_frame_idx[i] = i;
  job.references = references;
  job.refresh_frame_flags = flags;
  return job;
}

DecodeJob make_inter(const Pictures& references, std::optional<uint32_t> flags = std::nullopt) {
  return make(V4L2_AV1_INTER_FRAME, references, flags);
}

Av1SlotMap::Plan plan_of(Av1SlotMap& slots, const DecodeJob& job) {
  return slots.plan(job, refresh_flags_of(job));
}

// As the engine does where nothing fails.
Av1SlotMap::Plan decode(Av1SlotMap& slots, const DecodeJob& job) {
  const Av1SlotMap::Plan plan = slots.plan(job, refresh_flags_of(job));
  if (plan.slot.has_value()) slots.store(*plan.slot, job.target->id());
  return plan;
}

// A map whose slots hold eight pictures, those of the client's slots.
struct Full {
  Av1SlotMap slots;
  Pictures pictures;

  Full() {
    DecodeJob key = make(V4L2_AV1_KEY_FRAME, {}, 0xff);
    decode(slots, key);
    pictures.assign(8, key.target);
    for (size_t i = 1; i < 8; ++i) {
      const DecodeJob job = make_inter(pictures, 1u << i);
      REQUIRE(decode(slots, job).slot.has_value());
      pictures[i] = job.target;
    }
  }
};

TEST_CASE("a picture takes one slot, and references are found in it") {
  Av1SlotMap slots;
  const DecodeJob key = make(V4L2_AV1_KEY_FRAME, {}, 0xff);
  const Av1SlotMap::Plan first = decode(slots, key);
  REQUIRE(first.slot.has_value());
  const Pictures all(8, key.target);
  const Av1SlotMap::Plan plan = plan_of(slots, make_inter(all, 1));
  for (const uint8_t index : plan.ref_frame_idx) CHECK(index == *first.slot);
  CHECK(plan.slot != first.slot);
  CHECK_FALSE(plan.substituted);
  CHECK_FALSE(plan.lost);
  CHECK_FALSE(plan.undecided);
}

TEST_CASE("with known flags there is always room, and no reference is overwritten") {
  Full full;
  for (uint32_t flags = 1; flags < 256; flags += 37) {
    const DecodeJob job = make_inter(full.pictures, flags);
    const Av1SlotMap::Plan plan = decode(full.slots, job);
    CHECK(plan.slot.has_value());
    CHECK_FALSE(plan.undecided);
    for (size_t i = 0; i < 8; ++i) {
      if (flags >> i & 1) full.pictures[i] = job.target;
      CHECK(full.slots.holds(full.pictures[i]->id()));
    }
  }
}

TEST_CASE("a picture that is no reference takes no slot") {
  Full full;
  const Av1SlotMap::Plan plan = plan_of(full.slots, make_inter(full.pictures, 0));
  CHECK_FALSE(plan.slot.has_value());
  CHECK_FALSE(plan.undecided);
}

TEST_CASE("without flags a picture waits where every slot may still be referred to") {
  Full full;
  const DecodeJob job = make_inter(full.pictures);
  const Av1SlotMap::Plan plan = decode(full.slots, job);
  CHECK_FALSE(plan.slot.has_value());
  CHECK(plan.undecided);
  // The next job shows that it took the place of the fourth.
  Pictures next = full.pictures;
  next[3] = job.target;
  const auto late = full.slots.late_slot(make_inter(next));
  REQUIRE(late.has_value());
  full.slots.store(*late, job.target->id());
  CHECK_FALSE(full.slots.holds(full.pictures[3]->id()));
  for (const auto& picture : next) CHECK(full.slots.holds(picture->id()));
}

TEST_CASE("the next job tells what a picture replaced") {
  Full full;
  const DecodeJob job = make_inter(full.pictures);
  CHECK(names_eight_references(job));
  Pictures next = full.pictures;
  CHECK(refresh_flags_from(make_inter(next), job.target->id()) == 0u);
  next[3] = next[5] = job.target;
  CHECK(refresh_flags_from(make_inter(next), job.target->id()) == 0x28u);
  CHECK_FALSE(names_eight_references(make_inter(next)));
  // It says nothing of what a client that names no references means.
  CHECK_FALSE(refresh_flags_from(make_inter(Pictures(8)), job.target->id()).has_value());
  CHECK_FALSE(refresh_flags_from(make_inter({}), job.target->id()).has_value());
  const Av1SlotMap::Plan plan = full.slots.plan(job, 0x28);
  CHECK(plan.slot.has_value());
  CHECK_FALSE(plan.undecided);
}

TEST_CASE("without flags a free slot is taken at once") {
  Full full;
  Pictures fewer = full.pictures;
  fewer[5] = fewer[4];
  const Av1SlotMap::Plan plan = decode(full.slots, make_inter(fewer));
  CHECK(plan.slot.has_value());
  CHECK_FALSE(plan.undecided);
  CHECK_FALSE(full.slots.holds(full.pictures[5]->id()));
  for (const auto& picture : fewer) CHECK(full.slots.holds(picture->id()));
}

TEST_CASE("shown key frames and switch frames replace everything, told or not") {
  Full full;
  DecodeJob job = make(V4L2_AV1_SWITCH_FRAME, full.pictures);
  SECTION("a switch frame") {}
  SECTION("a key frame") {
    job = make(V4L2_AV1_KEY_FRAME, full.pictures);
    std::get<Av1Parameters>(job.parameters).frame.flags = V4L2_AV1_FRAME_FLAG_SHOW_FRAME;
  }
  const Av1SlotMap::Plan plan = full.slots.plan(job, refresh_flags_of(job));
  CHECK(plan.slot.has_value());
  CHECK_FALSE(plan.undecided);
}

TEST_CASE("a hidden key frame whose job names no references spares what may be needed") {
  Full full;
  const Av1SlotMap::Plan plan = decode(full.slots, make(V4L2_AV1_KEY_FRAME, {}));
  CHECK(plan.undecided);
  for (const auto& picture : full.pictures) CHECK(full.slots.holds(picture->id()));
}

TEST_CASE("the latest picture stands in for a reference that is missing") {
  Av1SlotMap slots;
  const Pictures strange(8, std::make_shared<Picture>());
  Av1SlotMap::Plan plan = plan_of(slots, make_inter(strange, 1));
  CHECK(plan.lost);
  CHECK(plan.substituted);
  const DecodeJob key = make(V4L2_AV1_KEY_FRAME, {}, 0xff);
  const Av1SlotMap::Plan stored = decode(slots, key);
  for (const Pictures& references : {strange, Pictures(8), Pictures()}) {
    plan = plan_of(slots, make_inter(references, 1));
    CHECK_FALSE(plan.lost);
    CHECK(plan.substituted);
    CHECK(plan.ref_frame_idx[0] == *stored.slot);
  }
  slots.clear();
  CHECK(plan_of(slots, make_inter(Pictures(8, key.target), 1)).lost);
}

TEST_CASE("a picture decoded anew keeps its slot") {
  Full full;
  DecodeJob again = make_inter(full.pictures, 1);
  again.target = full.pictures[6];
  const Av1SlotMap::Plan plan = decode(full.slots, again);
  CHECK(plan.slot == plan.ref_frame_idx[6]);
}

}  // namespace
}  // namespace daedalus::core::test
