#include "decode_core/record/recording.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "test/catch.h"
#include "test/decode_core/fake_decoder.h"
#include "test/temporary_file.h"

namespace daedalus::core::test {
namespace {

using daedalus::test::TemporaryFile;
using Bytes = std::vector<uint8_t>;

struct Entry {
  uint32_t session;
  Profile profile;
  DecodeJob job;
  std::optional<FrameHash> hash;
  std::optional<FrameHash> display_hash{};  // AV1 alone has it
};

// Fills what of the parameters is plain data with random bytes: a recording keeps any.
template <typename T>
void scramble(T& control, std::mt19937& random) {
  Bytes bytes(sizeof(T));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  std::memcpy(&control, bytes.data(), sizeof(T));
}

std::vector<Entry> random_entries(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Entry> entries;
  std::vector<std::shared_ptr<Picture>> pictures = {nullptr};
  const Profile profiles[] = {Profile::kH264Main,    Profile::kVp9Profile2, Profile::kVp8,
                              Profile::kMpeg2Simple, Profile::kHevcMain10,  Profile::kAv1Main};
  for (size_t i = 0; i < 18; ++i) {
    const Profile profile = profiles[i % std::size(profiles)];
    Entry entry{static_cast<uint32_t>(i + 1), profile, make_job(codec_of(profile)), std::nullopt};
    DecodeJob& job = entry.job;
    if (auto* h264 = std::get_if<H264Parameters>(&job.parameters)) {
      scramble(h264->sps, random);
      scramble(h264->pps, random);
      scramble(h264->scaling_matrix, random);
      scramble(h264->decode, random);
      h264->poc_offsets_known = random() % 2 != 0;
      h264->default_reference_counts_known = random() % 2 != 0;
      h264->slice_reference_counts_minus1 = {{3, 4}, {5, 6}};
    } else if (auto* hevc = std::get_if<HevcParameters>(&job.parameters)) {
      scramble(hevc->sps, random);
      scramble(hevc->pps, random);
      scramble(hevc->scaling_matrix, random);
      scramble(hevc->decode, random);
      hevc->slices.resize(random() % 4);
      for (HevcSliceParameters& slice : hevc->slices) scramble(slice, random);
    } else if (auto* av1 = std::get_if<Av1Parameters>(&job.parameters)) {
      scramble(av1->sequence, random);
      scramble(av1->frame, random);
      scramble(av1->film_grain, random);
      av1->tiles.resize(random() % 4);
      for (auto& tile : av1->tiles) scramble(tile, random);
      if (random() % 2 != 0) job.display = std::make_shared<Picture>();
      if (random() % 2 != 0) scramble(entry.display_hash.emplace(), random);
    } else if (auto* vp9 = std::get_if<Vp9Parameters>(&job.parameters)) {
      scramble(vp9->frame, random);
    } else if (auto* vp8 = std::get_if<Vp8Parameters>(&job.parameters)) {
      scramble(vp8->frame, random);
    } else {
      auto& mpeg2 = std::get<Mpeg2Parameters>(job.parameters);
      scramble(mpeg2.sequence, random);
      scramble(mpeg2.picture, random);
      scramble(mpeg2.quantisation, random);
    }
    job.field = static_cast<FieldRole>(random() % 3);
    job.slices.push_back({static_cast<uint32_t>(random()), static_cast<uint32_t>(random())});
    job.bitstream.resize(random() % 40);
    if (random() % 2 != 0) job.refresh_frame_flags = static_cast<uint32_t>(random());
    for (size_t n = random() % 17; n > 0; --n) {
      job.references.push_back(pictures[random() % pictures.size()]);
    }
    pictures.push_back(job.target);
    if (random() % 2 != 0) scramble(entry.hash.emplace(), random);
    entries.push_back(std::move(entry));
  }
  return entries;
}

Bytes record(const std::vector<Entry>& entries) {
  const TemporaryFile file;
  auto writer = RecordingWriter::create(file.path());
  REQUIRE(writer.ok());
  for (const Entry& entry : entries) {
    (*writer)->write(entry.session, entry.profile, entry.job, entry.hash, entry.display_hash);
  }
  return file.read();
}

template <typename T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

bool same_parameters(const JobParameters& a, const JobParameters& b) {
  if (a.index() != b.index()) return false;
  if (const auto* h264 = std::get_if<H264Parameters>(&a)) {
    const auto& other = std::get<H264Parameters>(b);
    return same_bytes(h264->sps, other.sps) && same_bytes(h264->pps, other.pps) &&
           same_bytes(h264->scaling_matrix, other.scaling_matrix) &&
           same_bytes(h264->decode, other.decode) &&
           h264->poc_offsets_known == other.poc_offsets_known &&
           h264->default_reference_counts_known == other.default_reference_counts_known &&
           h264->slice_reference_counts_minus1 == other.slice_reference_counts_minus1;
  }
  if (const auto* hevc = std::get_if<HevcParameters>(&a)) {
    const auto& other = std::get<HevcParameters>(b);
    return same_bytes(hevc->sps, other.sps) && same_bytes(hevc->pps, other.pps) &&
           same_bytes(hevc->scaling_matrix, other.scaling_matrix) &&
           same_bytes(hevc->decode, other.decode) &&
           std::equal(hevc->slices.begin(), hevc->slices.end(), other.slices.begin(),
                      other.slices.end(), [](const auto& x, const auto& y) {
                        return x.reference_set_bits == y.reference_set_bits && x.lists == y.lists;
                      });
  }
  if (const auto* av1 = std::get_if<Av1Parameters>(&a)) {
    const auto& other = std::get<Av1Parameters>(b);
    return same_bytes(av1->sequence, other.sequence) && same_bytes(av1->frame, other.frame) &&
           same_bytes(av1->film_grain, other.film_grain) &&
           std::equal(av1->tiles.begin(), av1->tiles.end(), other.tiles.begin(), other.tiles.end(),
                      [](const auto& x, const auto& y) { return same_bytes(x, y); });
  }
  if (const auto* vp9 = std::get_if<Vp9Parameters>(&a)) {
    return same_bytes(vp9->frame, std::get<Vp9Parameters>(b).frame);
  }
  if (const auto* vp8 = std::get_if<Vp8Parameters>(&a)) {
    return same_bytes(vp8->frame, std::get<Vp8Parameters>(b).frame);
  }
  const auto& mpeg2 = std::get<Mpeg2Parameters>(a);
  const auto& other = std::get<Mpeg2Parameters>(b);
  return same_bytes(mpeg2.sequence, other.sequence) && same_bytes(mpeg2.picture, other.picture) &&
         same_bytes(mpeg2.quantisation, other.quantisation);
}

TEST_CASE("a recording reads as it was written, jobs of each codec") {
  const std::vector<Entry> entries = random_entries(1);
  const Bytes bytes = record(entries);
  auto reader = RecordingReader::open(bytes);
  REQUIRE(reader.ok());
  // Recorded pictures come back as others, but the same as the same.
  std::unordered_map<const Picture*, const Picture*> twins = {{nullptr, nullptr}};
  for (const Entry& entry : entries) {
    auto next = reader->next();
    REQUIRE(next.ok());
    REQUIRE(next->has_value());
    const RecordedJob& recorded = **next;
    CHECK(recorded.session == entry.session);
    CHECK(recorded.profile == entry.profile);
    CHECK(recorded.hash == entry.hash);
    CHECK(recorded.display_hash == entry.display_hash);
    CHECK((recorded.job.display != nullptr) == (entry.job.display != nullptr));
    CHECK((recorded.job.display == nullptr || recorded.job.display != recorded.job.target));
    CHECK(recorded.job.field == entry.job.field);
    CHECK(recorded.job.bitstream == entry.job.bitstream);
    REQUIRE(recorded.job.slices.size() == 2);
    CHECK(recorded.job.slices[1].offset == entry.job.slices[1].offset);
    CHECK(recorded.job.slices[1].size == entry.job.slices[1].size);
    CHECK(recorded.job.refresh_frame_flags == entry.job.refresh_frame_flags);
    CHECK(same_parameters(recorded.job.parameters, entry.job.parameters));
    twins[entry.job.target.get()] = recorded.job.target.get();
    REQUIRE(recorded.job.references.size() == entry.job.references.size());
    for (size_t i = 0; i < entry.job.references.size(); ++i) {
      CHECK(recorded.job.references[i].get() == twins.at(entry.job.references[i].get()));
    }
  }
  const auto end = reader->next();
  REQUIRE(end.ok());
  CHECK_FALSE(end.value().has_value());
  CHECK(reader->position() == bytes.size());
}

// Reads all that can be read; how many jobs that is, and whether it ended in an error.
std::pair<int, bool> read_all(std::span<const uint8_t> bytes) {
  auto reader = RecordingReader::open(bytes);
  if (!reader) return {0, true};
  int jobs = 0;
  while (true) {
    auto next = reader->next();
    if (!next) {
      CHECK_FALSE(next.error().message.empty());
      CHECK_FALSE(reader->next().ok());
      return {jobs, true};
    }
    if (!next->has_value()) return {jobs, false};
    ++jobs;
  }
}

TEST_CASE("a recording cut at any byte yields its whole jobs, then an error") {
  const Bytes bytes = record(random_entries(2));
  std::vector<size_t> ends = {8};  // where entries end
  while (ends.back() < bytes.size()) {
    uint32_t size = 0;
    std::memcpy(&size, bytes.data() + ends.back(), sizeof(size));
    ends.push_back(ends.back() + sizeof(size) + size);
  }
  REQUIRE(ends.back() == bytes.size());
  REQUIRE(ends.size() == 19);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Bytes cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    const auto whole = std::upper_bound(ends.begin(), ends.end(), size) - ends.begin();
    const auto [jobs, failed] = read_all(cut);
    const bool at_end = whole > 0 && ends[static_cast<size_t>(whole) - 1] == size;
    if (jobs != std::max<ptrdiff_t>(whole, 1) - 1 || failed == at_end) {
      FAIL("cut at byte " << size << ": " << jobs << " jobs, " << (failed ? "error" : "no error"));
    }
  }
}

TEST_CASE("damaged recordings never do worse than an error") {
  const Bytes bytes = record(random_entries(3));
  std::mt19937 random(4);
  for (int round = 0; round < 3000; ++round) {
    Bytes damaged = bytes;
    for (uint32_t n = random() % 4 + 1; n > 0; --n) {
      damaged[random() % damaged.size()] = static_cast<uint8_t>(random());
    }
    read_all(damaged);
  }
}

// Entry 1 of a recording of one VP8 job; the tests below spoil it.
struct OneEntry {
  Bytes bytes;
  static constexpr size_t kSize = 8, kProfile = 16, kField = 17, kTarget = 18, kReferences = 26;
};

OneEntry one_entry() {
  std::vector<Entry> entries;
  entries.push_back({1, Profile::kVp8, make_job(Codec::kVp8), std::nullopt});
  return {record(entries)};
}

TEST_CASE("sizes that a recording cannot hold are refused unread") {
  OneEntry entry = one_entry();
  REQUIRE(read_all(entry.bytes) == std::pair(1, false));
  const auto set = [&](size_t position, uint32_t value) {
    std::memcpy(entry.bytes.data() + position, &value, sizeof(value));
  };
  SECTION("an entry") { set(OneEntry::kSize, UINT32_MAX); }
  SECTION("an entry a little too large") {
    set(OneEntry::kSize, static_cast<uint32_t>(entry.bytes.size() - 12 + 1));
  }
  SECTION("a list") { set(OneEntry::kReferences, UINT32_MAX); }
  SECTION("a list whose bytes overflow 32 bits") { set(OneEntry::kReferences, 0x20000001); }
  SECTION("a profile") { entry.bytes[OneEntry::kProfile] = 200; }
  SECTION("a profile of another codec") { entry.bytes[OneEntry::kProfile] = 0; }
  SECTION("a field") { entry.bytes[OneEntry::kField] = 3; }
  SECTION("no target") { std::memset(entry.bytes.data() + OneEntry::kTarget, 0, 8); }
  CHECK(read_all(entry.bytes) == std::pair(0, true));
}

TEST_CASE("more references than any codec has are refused") {
  std::vector<Entry> entries;
  entries.push_back({1, Profile::kVp8, make_job(Codec::kVp8), std::nullopt});
  for (int i = 0; i < 17; ++i) entries[0].job.references.push_back(std::make_shared<Picture>());
  CHECK(read_all(record(entries)) == std::pair(0, true));
  entries[0].job.references.pop_back();
  CHECK(read_all(record(entries)) == std::pair(1, false));
}

TEST_CASE("a picture that is named again and again stays the same") {
  std::vector<Entry> entries;
  const auto golden = std::make_shared<Picture>();
  for (int i = 0; i < 400; ++i) {
    entries.push_back({1, Profile::kVp8, make_job(Codec::kVp8), std::nullopt});
    entries.back().job.references = {golden};
  }
  const Bytes bytes = record(entries);
  auto reader = RecordingReader::open(bytes);
  REQUIRE(reader.ok());
  std::shared_ptr<Picture> twin;
  for (size_t i = 0; i < entries.size(); ++i) {
    auto next = reader->next();
    REQUIRE((next.ok() && next->has_value()));
    if (twin == nullptr) twin = (*next)->job.references[0];
    REQUIRE((*next)->job.references[0] == twin);
  }
}

TEST_CASE("what is no recording is not opened") {
  CHECK_FALSE(RecordingReader::open({}).ok());
  const Bytes other(100, uint8_t{'D'});
  CHECK_FALSE(RecordingReader::open(other).ok());
}

TEST_CASE("a recording that cannot be made is an error, one that cannot grow is given up") {
  const auto nowhere = RecordingWriter::create("/nonexistent/folder/recording");
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().code == ErrorCode::kSystem);
  if (!std::filesystem::exists("/dev/full")) DAEDALUS_SKIP("no /dev/full");
  auto full = RecordingWriter::create("/dev/full");
  REQUIRE(full.ok());
  const DecodeJob job = make_job(Codec::kVp8);
  (*full)->write(1, Profile::kVp8, job, std::nullopt);
  (*full)->write(1, Profile::kVp8, job, std::nullopt);
}

TEST_CASE("a session records what it decoded, with the pixels' hash") {
  const TemporaryFile file;
  auto writer = RecordingWriter::create(file.path());
  REQUIRE(writer.ok());
  FrameHash expected{};
  {
    const auto session = std::make_shared<QueuedSession>(
        QueuedSession::Parts{{Profile::kVp8, 0, 0, "replay"},
                             "fake",
                             nullptr,
                             std::make_unique<FakeDecoder>([&](const DecodeJob& job) {
                               if (job.bitstream[0] == 1) return decoded_nothing();
                               DecodeOutcome outcome = decoded_frame(7);
                               expected = hash_frame(outcome.frame->view);
                               return outcome;
                             }),
                             std::make_unique<Statistics>("", Statistics::Identity{}, false),
                             std::move(*writer)});
    REQUIRE(session->submit(make_job(Codec::kVp8)).ok());
    DecodeJob failing = make_job(Codec::kVp8);
    failing.bitstream[0] = 1;
    REQUIRE(session->submit(std::move(failing)).ok());
    session->drain();
  }
  const Bytes bytes = file.read();
  auto reader = RecordingReader::open(bytes);
  REQUIRE(reader.ok());
  auto first = reader->next();
  auto second = reader->next();
  REQUIRE((first.ok() && first->has_value() && second.ok() && second->has_value()));
  CHECK((*first)->hash == expected);
  CHECK_FALSE((*second)->hash.has_value());
}

std::string hex(const FrameHash& hash) {
  std::string text;
  for (const uint8_t byte : hash) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

TEST_CASE("a frame's hash is the MD5 of its samples alone") {
  // 5x3 and its chroma 3x2: 15 bytes of 'a', 6 of 'b', 6 of 'c'; the rest of the rows is random.
  FrameBuffer frame = make_frame(SampleFormat::kI420, 5, 3, 9);
  for (size_t plane = 0; plane < 3; ++plane) {
    for (size_t row = 0; row < (plane == 0 ? 3 : 2); ++row) {
      std::memset(frame.view.planes[plane].data + row * frame.view.planes[plane].stride,
                  static_cast<int>('a' + plane), plane == 0 ? 5 : 3);
    }
  }
  // printf aaaaaaaaaaaaaaabbbbbbcccccc | md5sum
  CHECK(hex(hash_frame(frame.view)) == "5bb6a2cd0de99a153b40d2875307eadd");

  // The same samples in pairs have the same hash.
  const FrameBuffer pairs = make_frame(SampleFormat::kNv12, 5, 3, 11);
  for (size_t row = 0; row < 3; ++row) {
    std::memset(pairs.view.planes[0].data + row * pairs.view.planes[0].stride, 'a', 5);
  }
  for (size_t row = 0; row < 2; ++row) {
    std::memcpy(pairs.view.planes[1].data + row * pairs.view.planes[1].stride, "bcbcbc", 6);
  }
  CHECK(hash_frame(pairs.view) == hash_frame(frame.view));

  // So have 10-bit ones, in whichever bits they lie.
  const FrameBuffer low = make_frame(SampleFormat::kI42010, 5, 3, 12);
  const FrameBuffer high = make_frame(SampleFormat::kP010, 5, 3, 13);
  for (int component = 0; component < 3; ++component) {
    for (uint32_t y = 0; y < (component == 0 ? 3 : 2); ++y) {
      for (uint32_t x = 0; x < (component == 0 ? 5 : 3); ++x) {
        const uint16_t value = sample_at(high.view, component, x, y);
        const Plane& to = low.view.planes[static_cast<size_t>(component)];
        std::memcpy(to.data + y * to.stride + x * 2, &value, 2);
      }
    }
  }
  CHECK(hash_frame(high.view) == hash_frame(low.view));

  const FrameBuffer wide = make_frame(SampleFormat::kI42010, 33, 7, 10);
  const FrameBuffer other = make_frame(SampleFormat::kI42010, 33, 7, 10);
  CHECK(hash_frame(wide.view) == hash_frame(other.view));
  other.view.planes[2].data[other.view.planes[2].stride * 3 + 2 * 16] ^= 1;
  CHECK(hash_frame(wide.view) != hash_frame(other.view));
}

}  // namespace
}  // namespace daedalus::core::test
