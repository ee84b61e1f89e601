#include "tools/parsed_stream/mpeg2_parser.h"

#include <map>
#include <string>

#include "decode_core/software/libavcodec/rewrite/bit_writer.h"
#include "test/catch.h"

namespace daedalus::parsed_stream {
namespace {

using core::rewrite::BitWriter;

constexpr uint32_t kI = V4L2_MPEG2_PIC_CODING_TYPE_I;
constexpr uint32_t kP = V4L2_MPEG2_PIC_CODING_TYPE_P;
constexpr uint32_t kB = V4L2_MPEG2_PIC_CODING_TYPE_B;
constexpr uint32_t kTop = V4L2_MPEG2_PIC_TOP_FIELD;
constexpr uint32_t kBottom = V4L2_MPEG2_PIC_BOTTOM_FIELD;
constexpr uint32_t kFrame = V4L2_MPEG2_PIC_FRAME;

class Stream {
 public:
  Stream& sequence(uint32_t width, uint32_t height, bool low_delay = false) {
    BitWriter header;
    header.u(12, width);
    header.u(12, height);
    header.u(8, 0x13);
    header.u(18, 1000);
    header.u(1, 1);
    header.u(13, 0);
    unit(0xb3, header);
    BitWriter extension;
    extension.u(12, 0x148);
    extension.u(1, 0);
    extension.u(2, 1);
    extension.u(16, 0);
    extension.u(1, 1);
    extension.u(8, 0);
    extension.flag(low_delay);
    extension.u(7, 0);
    unit(0xb5, extension);
    return *this;
  }
  Stream& group(bool closed) {
    BitWriter bits;
    bits.u(25, 0);
    bits.flag(closed);
    bits.u(1, 0);
    unit(0xb8, bits);
    return *this;
  }
  // A picture of `slices` slices.
  Stream& picture(uint32_t type, uint32_t structure = kFrame, uint8_t slices = 2) {
    BitWriter header;
    header.u(10, 0);
    header.u(3, type);
    header.u(27, 0);
    unit(0x00, header);
    BitWriter extension;
    extension.u(4, 8);
    extension.u(16, 0xffff);
    extension.u(2, 0);
    extension.u(2, structure);
    extension.u(10, 0);
    unit(0xb5, extension);
    for (uint8_t i = 1; i <= slices; ++i) {
      bytes_.insert(bytes_.end(), {0, 0, 1, i, 0x12, 0x34, 0x56});
    }
    return *this;
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  void unit(uint8_t code, const BitWriter& bits) {
    bytes_.insert(bytes_.end(), {0, 0, 1, code});
    bytes_.insert(bytes_.end(), bits.bytes().begin(), bits.bytes().end());
  }
  std::vector<uint8_t> bytes_;
};

// Events as text, pictures lettered in the order of their first job: "Da(-,-)" a job with its
// references, "1" and "2" for fields; "Oa" an output.
std::string describe(const std::vector<Event>& events) {
  std::map<const core::Picture*, char> names;
  const auto name = [&](const std::shared_ptr<core::Picture>& picture) {
    if (picture == nullptr) return '-';
    return names.emplace(picture.get(), static_cast<char>('a' + names.size())).first->second;
  };
  std::string text;
  for (const Event& event : events) {
    if (!text.empty()) text += ' ';
    if (const auto* output = std::get_if<OutputEvent>(&event)) {
      text += std::string("O") + name(output->picture);
      continue;
    }
    const core::DecodeJob& job = std::get<DecodeEvent>(event).job;
    text += std::string("D") + name(job.target);
    if (job.field == core::FieldRole::kFirstField) text += '1';
    if (job.field == core::FieldRole::kSecondField) text += '2';
    if (job.references.empty()) continue;
    text += std::string("(") + name(job.references[0]) + "," + name(job.references[1]) + ")";
  }
  return text;
}

std::string parse(const std::vector<std::vector<uint8_t>>& packets) {
  Mpeg2Parser parser;
  std::vector<Event> events;
  for (const auto& packet : packets) CHECK(parser.parse(packet, events).ok());
  parser.flush(events);
  return describe(events);
}

TEST_CASE("MPEG-2 frames come in display order") {
  CHECK(parse({Stream().sequence(64, 48).group(true).picture(kI).take(),
               Stream().picture(kP).take(), Stream().picture(kB).take(),
               Stream().picture(kB).take(), Stream().picture(kP).take()}) ==
        "Da Db(a,-) Oa Dc(a,b) Oc Dd(a,b) Od De(b,-) Ob Oe");
}

TEST_CASE("MPEG-2 pictures that share a packet are told apart") {
  CHECK(parse({Stream().sequence(64, 48).picture(kI).picture(kP).picture(kB).take()}) ==
        "Da Db(a,-) Oa Dc(a,b) Oc Ob");
}

TEST_CASE("MPEG-2 low_delay shows every frame at once") {
  CHECK(parse({Stream().sequence(64, 48, true).picture(kI).picture(kP).take()}) ==
        "Da Oa Db(a,-) Ob");
}

TEST_CASE("leading MPEG-2 B frames need a closed group of pictures") {
  CHECK(
      parse({Stream().sequence(64, 48).group(false).picture(kI).picture(kB).picture(kP).take()}) ==
      "Da Db(a,-) Oa Ob");
  CHECK(parse({Stream().sequence(64, 48).group(true).picture(kI).picture(kB).picture(kP).take()}) ==
        "Da Db(-,a) Ob Dc(a,-) Oa Oc");
}

TEST_CASE("two MPEG-2 fields are two jobs of one target") {
  // The second field of the first frame refers to the first field; later ones to the frame before.
  CHECK(parse({Stream().sequence(64, 64).picture(kI, kTop).picture(kP, kBottom).take(),
               Stream().picture(kP, kBottom).picture(kP, kTop).take(),
               Stream().picture(kB, kTop).picture(kB, kBottom).take()}) ==
        "Da1 Da2(a,-) Db1(a,-) Oa Db2(a,-) Dc1(a,b) Dc2(a,b) Oc Ob");
}

TEST_CASE("MPEG-2 fields that do not pair are frames of their own") {
  // Twice the same parity; then a frame while a field is open.
  CHECK(parse({Stream().sequence(64, 64).picture(kI, kTop).picture(kI, kTop).take(),
               Stream().picture(kP, kFrame).take()}) == "Da1 Db1 Oa Dc(b,-) Ob Oc");
}

TEST_CASE("an MPEG-2 sequence of another size begins anew, one of the same size does not") {
  CHECK(parse({Stream().sequence(64, 48).picture(kI).sequence(64, 48).picture(kP).take()}) ==
        "Da Db(a,-) Oa Ob");
  CHECK(parse({Stream().sequence(64, 48).picture(kI).sequence(80, 48).picture(kP).take()}) ==
        "Da Db(-,-) Ob");
}

TEST_CASE("an MPEG-2 job holds its slices, start codes included, and its sequence") {
  Mpeg2Parser parser;
  std::vector<Event> events;
  REQUIRE(parser.parse(Stream().sequence(64, 48).picture(kI, kFrame, 3).take(), events).ok());
  REQUIRE(events.size() == 1);
  const core::DecodeJob& job = std::get<DecodeEvent>(events[0]).job;
  CHECK(core::validate(job).ok());
  REQUIRE(job.slices.size() == 3);
  for (uint8_t i = 0; i < 3; ++i) {
    const auto bytes = job.bytes_of(job.slices[i]);
    CHECK(std::vector<uint8_t>(bytes.begin(), bytes.end()) ==
          std::vector<uint8_t>{0, 0, 1, static_cast<uint8_t>(i + 1), 0x12, 0x34, 0x56});
  }
  CHECK(job.coded_width() == 64);
  CHECK(job.coded_height() == 48);
  parser.flush(events);
  CHECK(std::get<OutputEvent>(events[1]).visible.height == 48);
}

TEST_CASE("an MPEG-2 stream that is cut anywhere is parsed up to there and told") {
  const auto whole = Stream().sequence(64, 48).picture(kI).picture(kP).take();
  std::string former;
  for (size_t size = 0; size <= whole.size(); ++size) {
    const std::vector<uint8_t> cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    Mpeg2Parser parser;
    std::vector<Event> events;
    const Status status = parser.parse(cut, events);
    if (!status.ok()) CHECK_FALSE(status.error().message.empty());
    parser.flush(events);
    const std::string text = describe(events);
    if (text == former) continue;
    CHECK(text == (former.empty() ? "Da Oa" : "Da Db(a,-) Oa Ob"));
    former = text;
  }
  CHECK(former == "Da Db(a,-) Oa Ob");
}

TEST_CASE("MPEG-2 slices without a picture header are left out") {
  const std::vector<uint8_t> slice = {0, 0, 1, 1, 0x12, 0x34, 0x56};
  CHECK(parse({slice, Stream().sequence(64, 48).picture(kI).take(), slice}) == "Da Oa");
}

}  // namespace
}  // namespace daedalus::parsed_stream
