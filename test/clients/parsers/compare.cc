#include "test/clients/parsers/compare.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "test/clients/parsers/stream_parser.h"
#include "tools/parsed_stream/demuxer.h"
#include "tools/parsed_stream/parser.h"
#include "tools/parsed_stream/stream.h"

namespace daedalus::clients::testing {
namespace {

using Packets = std::vector<std::vector<uint8_t>>;

// The headers of the container first.
Packets all_packets(parsed_stream::Demuxer& demuxer) {
  const auto headers = demuxer.headers();
  Packets packets = {{headers.begin(), headers.end()}};
  parsed_stream::Demuxer::Packet packet;
  for (;;) {
    const Result<bool> more = demuxer.next(packet);
    if (!more) continue;
    if (!*more) return packets;
    packets.emplace_back(packet.data.begin(), packet.data.end());
  }
}

template <typename EventType, typename Parser>
std::vector<EventType> all_events(const Packets& packets, Parser& parser) {
  std::vector<EventType> events;
  for (const auto& packet : packets) {
    if (!packet.empty()) (void)parser.parse(packet, events);
  }
  parser.flush(events);
  return events;
}

// Pictures by the order in which they are decoded; -1: none.
template <typename P>
class Numbers {
 public:
  int of(const std::shared_ptr<P>& picture) {
    if (!picture) return -1;
    return numbers_.try_emplace(picture.get(), static_cast<int>(numbers_.size())).first->second;
  }

 private:
  std::map<const P*, int> numbers_;
};

template <typename T>
std::string bytes_differ(const char* name, const T& mine, const T& theirs) {
  const auto* a = reinterpret_cast<const uint8_t*>(&mine);
  const auto* b = reinterpret_cast<const uint8_t*>(&theirs);
  const auto [at, other] = std::mismatch(a, a + sizeof(T), b);
  if (at == a + sizeof(T)) return "";
  return std::string(name) + " at byte " + std::to_string(at - a) + ": " + std::to_string(*at) +
         ", theirs " + std::to_string(*other);
}

using TimeStamps = std::vector<uint64_t>;

std::string compare(H264Controls mine, const core::H264Parameters& theirs, TimeStamps* stamps) {
  for (v4l2_h264_dpb_entry& entry : mine.decode.dpb)
    stamps->push_back(std::exchange(entry.reference_ts, 0));
  std::string text = bytes_differ("sps", mine.sps, theirs.sps);
  if (text.empty()) text = bytes_differ("pps", mine.pps, theirs.pps);
  if (text.empty()) text = bytes_differ("decode_params", mine.decode, theirs.decode);
  if (!text.empty() || !(mine.pps.flags & V4L2_H264_PPS_FLAG_SCALING_MATRIX_PRESENT)) return text;
  const size_t lists = mine.sps.chroma_format_idc == 3 ? 6 : 2;
  const bool same = !std::memcmp(mine.scaling_matrix.scaling_list_4x4,
                                 theirs.scaling_matrix.scaling_list_4x4, 6 * 16) &&
                    !std::memcmp(mine.scaling_matrix.scaling_list_8x8,
                                 theirs.scaling_matrix.scaling_list_8x8, lists * 64);
  return same ? "" : "scaling_matrix";
}

std::string compare(Vp9Controls mine, const core::Vp9Parameters& theirs, TimeStamps* stamps) {
  v4l2_ctrl_vp9_frame& f = mine.frame;
  *stamps = {f.last_frame_ts, f.golden_frame_ts, f.alt_frame_ts};
  f.last_frame_ts = f.golden_frame_ts = f.alt_frame_ts = 0;
  f.reference_mode = 0;  // of the compressed header, which they do not read
  return bytes_differ("frame", f, theirs.frame);
}

std::string compare(Vp8Controls mine, const core::Vp8Parameters& theirs, TimeStamps* stamps) {
  v4l2_ctrl_vp8_frame& f = mine.frame;
  *stamps = {f.last_frame_ts, f.golden_frame_ts, f.alt_frame_ts};
  f.last_frame_ts = f.golden_frame_ts = f.alt_frame_ts = 0;
  return bytes_differ("frame", f, theirs.frame);
}

std::string compare(Mpeg2Controls mine, const core::Mpeg2Parameters& theirs, TimeStamps* stamps) {
  *stamps = {mine.picture.forward_ref_ts, mine.picture.backward_ref_ts};
  mine.picture.forward_ref_ts = mine.picture.backward_ref_ts = 0;
  std::string text = bytes_differ("sequence", mine.sequence, theirs.sequence);
  if (text.empty()) text = bytes_differ("picture", mine.picture, theirs.picture);
  if (text.empty()) text = bytes_differ("quantisation", mine.quantisation, theirs.quantisation);
  return text;
}

class Comparer {
 public:
  std::string decode(const CodedPicture& mine, const core::DecodeJob& theirs) {
    TimeStamps stamps;
    std::string text = controls(mine, theirs, &stamps);
    if (!text.empty()) return text;
    if (static_cast<int>(mine.field) != static_cast<int>(theirs.field)) return "field";
    if (mine_.of(mine.target) != theirs_.of(theirs.target)) return "target";
    if (mine.references.size() != theirs.references.size()) return "number of references";
    for (size_t i = 0; i < mine.references.size(); ++i) {
      if (mine_.of(mine.references[i]) != theirs_.of(theirs.references[i]))
        return "reference " + std::to_string(i);
      if (mine.references[i] && mine.references[i]->timestamp != stamps.at(i))
        return "timestamp of reference " + std::to_string(i);
    }
    return bitstream(mine, theirs) ? "" : "bitstream";
  }

  std::string show(const ShownPicture& mine, const parsed_stream::OutputEvent& theirs) {
    if (mine_.of(mine.picture) != theirs_.of(theirs.picture)) return "another picture";
    const core::Rect& r = theirs.visible;
    if (mine.visible != Rectangle{r.x, r.y, r.width, r.height}) return "visible part";
    return "";
  }

 private:
  static std::string controls(const CodedPicture& mine, const core::DecodeJob& theirs,
                              TimeStamps* stamps) {
    if (mine.controls.index() != theirs.parameters.index()) return "codec";
    return std::visit(
        [&](const auto& a) {
          std::string text = "codec";
          std::visit(
              [&](const auto& b) {
                if constexpr (requires { compare(a, b, stamps); }) text = compare(a, b, stamps);
              },
              theirs.parameters);
          return text;
        },
        mine.controls);
  }

  static bool bitstream(const CodedPicture& mine, const core::DecodeJob& theirs) {
    std::vector<uint8_t> expected;
    for (const core::ByteRange& range : theirs.slices) {
      if (theirs.codec() == core::Codec::kH264) expected.insert(expected.end(), {0, 0, 1});
      const auto bytes = theirs.bytes_of(range);
      expected.insert(expected.end(), bytes.begin(), bytes.end());
    }
    return mine.bitstream == expected;
  }

  Numbers<const Picture> mine_;
  Numbers<core::Picture> theirs_;
};

template <typename Wanted, typename EventType>
std::vector<const Wanted*> only(const std::vector<EventType>& events) {
  std::vector<const Wanted*> found;
  for (const EventType& event : events) {
    if (const auto* wanted = std::get_if<Wanted>(&event)) found.push_back(wanted);
  }
  return found;
}

}  // namespace

Comparison compare_parsers(const std::string& path) {
  auto demuxer = parsed_stream::Demuxer::open(path);
  if (!demuxer) return {path + " does not open"};
  return compare_parsers((*demuxer)->codec(), all_packets(**demuxer));
}

Comparison compare_parsers(core::Codec codec, const Packets& packets) {
  const auto mine = all_events<Event>(packets, *create_parser(codec));
  const auto theirs =
      all_events<parsed_stream::Event>(packets, *parsed_stream::create_parser(codec));

  Comparer comparer;
  Comparison result;
  const auto decoded = only<CodedPicture>(mine);
  const auto jobs = only<parsed_stream::DecodeEvent>(theirs);
  for (; result.decoded < std::min(decoded.size(), jobs.size()); ++result.decoded) {
    const std::string text = comparer.decode(*decoded[result.decoded], jobs[result.decoded]->job);
    if (text.empty()) continue;
    result.difference = "picture " + std::to_string(result.decoded) + ": " + text;
    return result;
  }
  const auto shown = only<ShownPicture>(mine);
  const auto outputs = only<parsed_stream::OutputEvent>(theirs);
  for (; result.shown < std::min(shown.size(), outputs.size()); ++result.shown) {
    const std::string text = comparer.show(*shown[result.shown], *outputs[result.shown]);
    if (text.empty()) continue;
    result.difference = "output " + std::to_string(result.shown) + ": " + text;
    return result;
  }
  if (decoded.size() != jobs.size() || shown.size() != outputs.size()) {
    result.difference = std::to_string(decoded.size()) + " pictures and " +
                        std::to_string(shown.size()) + " shown, theirs " +
                        std::to_string(jobs.size()) + " and " + std::to_string(outputs.size());
  }
  return result;
}

}  // namespace daedalus::clients::testing
