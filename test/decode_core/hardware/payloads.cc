#include "test/decode_core/hardware/payloads.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <unordered_map>
#include <utility>

#include "decode_core/hardware/request_content.h"
#include "decode_core/picture.h"
#include "decode_core/record/recording.h"
#include "decode_core/uapi/controls.h"
#include "test/decode_core/hardware/control_fields.h"
#include "test/decode_core/hardware/va_gaps.h"

namespace daedalus::core::test {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint32_t kH264Decode = V4L2_CID_STATELESS_H264_DECODE_PARAMS;
constexpr uint32_t kHevcDecode = V4L2_CID_STATELESS_HEVC_DECODE_PARAMS;

// Little endian, of up to eight bytes.
uint64_t number(Bytes bytes) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

size_t first_unequal(Bytes a, Bytes b) {
  const auto common = static_cast<ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + common, b.begin()).first -
                             a.begin());
}

std::string sizes(Bytes client, Bytes stream) {
  return std::to_string(client.size()) + " bytes instead of " + std::to_string(stream.size());
}

std::string values(Bytes client, Bytes stream) {
  if (client.size() <= sizeof(uint64_t) && client.size() == stream.size()) {
    return std::to_string(number(client)) + " instead of " + std::to_string(number(stream));
  }
  const size_t at = first_unequal(client, stream);
  if (at == client.size() || at == stream.size()) return sizes(client, stream);
  return "byte " + std::to_string(at) + ": " + std::to_string(client[at]) + " instead of " +
         std::to_string(stream[at]);
}

template <typename T>
T structure(const Payload& payload, uint32_t id) {
  T value;
  std::memcpy(&value, payload.controls.at(id).data(), sizeof value);
  return value;
}

template <typename T>
void replace(Payload& payload, uint32_t id, const T& value) {
  std::memcpy(payload.controls.at(id).data(), &value, sizeof value);
}

// Puts the entries of a DPB, whose order is the client's and nobody's rule, in that of decoding.
void order_references(Payload& payload) {
  if (payload.codec == Codec::kH264) {
    auto decode = structure<v4l2_ctrl_h264_decode_params>(payload, kH264Decode);
    const auto entry_key = [](const v4l2_h264_dpb_entry& entry) {
      return std::pair((entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) == 0, entry.reference_ts);
    };
    std::ranges::stable_sort(decode.dpb, {}, entry_key);
    replace(payload, kH264Decode, decode);
  } else if (payload.codec == Codec::kHevc) {
    auto decode = structure<v4l2_ctrl_hevc_decode_params>(payload, kHevcDecode);
    const auto before = decode;
    const std::span entries(decode.dpb, decode.num_active_dpb_entries);
    std::ranges::stable_sort(entries, {}, &v4l2_hevc_dpb_entry::timestamp);
    const auto rename = [&](uint8_t* set, size_t count) {
      for (uint8_t& index : std::span(set, count)) {
        if (index >= entries.size()) continue;
        const auto found = std::ranges::find(entries, before.dpb[index].timestamp,
                                             &v4l2_hevc_dpb_entry::timestamp);
        index = static_cast<uint8_t>(found - entries.begin());
      }
    };
    rename(decode.poc_st_curr_before, decode.num_poc_st_curr_before);
    rename(decode.poc_st_curr_after, decode.num_poc_st_curr_after);
    rename(decode.poc_lt_curr, decode.num_poc_lt_curr);
    replace(payload, kHevcDecode, decode);
  }
}

// ffmpeg counts pictures from 65536 on after each IDR picture. Nothing but differences of counts is
// used in decoding (H.264 8.2.1), so they are compared as if it began at 0.
Payload count_from_zero(const Payload& client, const Payload& stream, bool* changed) {
  constexpr int32_t kFfmpegBegin = 65536;
  Payload result = client;
  auto decode = structure<v4l2_ctrl_h264_decode_params>(client, kH264Decode);
  const auto truth = structure<v4l2_ctrl_h264_decode_params>(stream, kH264Decode);
  *changed = decode.top_field_order_cnt - truth.top_field_order_cnt == kFfmpegBegin;
  if (!*changed) return result;
  decode.top_field_order_cnt -= kFfmpegBegin;
  decode.bottom_field_order_cnt -= kFfmpegBegin;
  for (v4l2_h264_dpb_entry& entry : decode.dpb) {
    if ((entry.flags & V4L2_H264_DPB_ENTRY_FLAG_VALID) == 0) continue;
    entry.top_field_order_cnt -= kFfmpegBegin;
    entry.bottom_field_order_cnt -= kFfmpegBegin;
  }
  replace(result, kH264Decode, decode);
  return result;
}

bool is_av1_key_frame(const Payload& payload) {
  return payload.codec == Codec::kAv1 &&
         structure<v4l2_ctrl_av1_frame>(payload, V4L2_CID_STATELESS_AV1_FRAME).frame_type ==
             V4L2_AV1_KEY_FRAME;
}

class Comparison {
 public:
  void compare(const Payload& client, const Payload& stream);
  void add(const std::string& where, const std::string& values, const std::string& reason = "");
  std::vector<Difference> take() { return std::move(differences_); }
  void next() { ++request_; }

 private:
  void forget_slots(const Payload& stream, Payload* client);
  void compare_coded(const Payload& client, const Payload& stream);
  void compare_control(uint32_t id, Bytes client, Bytes stream);
  void compare_field(const ControlLayout& layout, const ControlField& field,
                     const std::string& where, Bytes client, Bytes stream);

  size_t request_ = 1;
  std::vector<Difference> differences_;
  std::set<std::pair<std::string, std::string>> counted_;  // in this request
};

void Comparison::add(const std::string& where, const std::string& values,
                     const std::string& reason) {
  const auto found = std::ranges::find_if(differences_, [&](const Difference& known) {
    return known.where == where && known.reason == reason;
  });
  if (found == differences_.end()) {
    differences_.push_back({where, request_, values, 1, reason});
    counted_.insert({where, reason});
  } else if (counted_.insert({where, reason}).second) {
    ++found->requests;
  }
}

void Comparison::compare(const Payload& client, const Payload& stream) {
  counted_.clear();
  if (client.codec != stream.codec) return add("codec", "another than the stream's");
  if (client.target != stream.target) {
    add("timestamp",
        std::to_string(client.target) + " instead of " + std::to_string(stream.target));
  }
  Payload adjusted = client;
  if (client.codec == Codec::kH264) {
    bool changed = false;
    adjusted = count_from_zero(client, stream, &changed);
    if (changed) {
      add("h264_decode_params, picture order counts", "from 65536 on",
          "ffmpeg begins there, and only differences are used");
    }
  }
  if (is_av1_key_frame(client) && is_av1_key_frame(stream)) forget_slots(stream, &adjusted);
  for (const auto& [id, control] : stream.controls) {
    const auto found = adjusted.controls.find(id);
    compare_control(id, found != adjusted.controls.end() ? Bytes(found->second) : Bytes(), control);
  }
  for (const auto& [id, control] : adjusted.controls) {
    if (!stream.controls.contains(id)) compare_control(id, control, {});
  }
  compare_coded(client, stream);
}

// A key frame that is shown empties all slots: ffmpeg names none, and nobody reads them.
void Comparison::forget_slots(const Payload& stream, Payload* client) {
  const auto truth = structure<v4l2_ctrl_av1_frame>(stream, V4L2_CID_STATELESS_AV1_FRAME);
  auto frame = structure<v4l2_ctrl_av1_frame>(*client, V4L2_CID_STATELESS_AV1_FRAME);
  if ((truth.flags & V4L2_AV1_FRAME_FLAG_SHOW_FRAME) == 0) return;
  if (std::ranges::equal(frame.reference_frame_ts, truth.reference_frame_ts)) return;
  if (std::ranges::any_of(frame.reference_frame_ts, [](uint64_t named) { return named != 0; })) {
    return;
  }
  std::ranges::copy(truth.reference_frame_ts, frame.reference_frame_ts);
  replace(*client, V4L2_CID_STATELESS_AV1_FRAME, frame);
  add("av1_frame.reference_frame_ts", "none of a key frame",
      "a key frame that is shown has no references, and replaces what the slots hold");
}

void Comparison::compare_coded(const Payload& client, const Payload& stream) {
  if (client.coded == stream.coded) return;
  if (client.codec == Codec::kVp8 && client.coded.size() == stream.coded.size()) {
    constexpr uint8_t kShowFrame = 0x10;  // of the frame tag (RFC 6386 9.1)
    std::vector<uint8_t> hidden = client.coded;
    hidden[0] &= static_cast<uint8_t>(~kShowFrame);
    if (hidden == stream.coded) {
      return add("coded bytes", values(client.coded, stream.coded),
                 "show_frame of the frame tag: all frames are sent as shown");
    }
  }
  add("coded bytes", values(client.coded, stream.coded));
}

void Comparison::compare_control(uint32_t id, Bytes client, Bytes stream) {
  const ControlLayout* const known = control_layout(id);
  if (known == nullptr) {
    if (std::ranges::equal(client, stream)) return;
    return add("control " + std::to_string(id), values(client, stream));
  }
  const ControlLayout& layout = *known;
  if (client.size() != stream.size()) return add(layout.name, sizes(client, stream));
  std::vector<bool> named(layout.element_size);
  for (const ControlField& field : layout.fields) {
    for (size_t i = 0; i < field.count; ++i) {
      std::fill_n(named.begin() + static_cast<ptrdiff_t>(field.offset + i * field.stride),
                  field.size, true);
    }
  }
  for (size_t element = 0; element < client.size(); element += layout.element_size) {
    for (const ControlField& field : layout.fields) {
      for (size_t i = 0; i < field.count; ++i) {
        const size_t at = element + field.offset + i * field.stride;
        compare_field(layout, field, std::string(layout.name) + "." + field.name,
                      client.subspan(at, field.size), stream.subspan(at, field.size));
      }
    }
    for (size_t i = 0; i < named.size(); ++i) {
      if (!named[i] && client[element + i] != stream[element + i]) {
        add(std::string(layout.name) + ", padding at byte " + std::to_string(i),
            values(client.subspan(element + i, 1), stream.subspan(element + i, 1)));
      }
    }
  }
}

void Comparison::compare_field(const ControlLayout& layout, const ControlField& field,
                               const std::string& where, Bytes client, Bytes stream) {
  if (std::ranges::equal(client, stream)) return;
  const bool is_number = field.size <= sizeof(uint64_t);
  const uint64_t sent = is_number ? number(client) : 0;
  uint64_t differing = is_number ? sent ^ number(stream) : ~uint64_t{0};
  for (const VaGap& gap : va_gaps()) {
    if (gap.control != layout.id || gap.field != field.name) continue;
    if ((differing & gap.bits) == 0 || (sent & gap.bits) != gap.sent) continue;
    differing &= ~gap.bits;
    add(where, values(client, stream), gap.reason);
  }
  if (differing != 0) add(where, values(client, stream));
}

// What the next request of the client is instead of the stream's; empty: the same.
std::string order(const std::vector<Payload>& client, const std::vector<Payload>& stream,
                  size_t next) {
  if (next == stream.size()) return "a request more than the stream has";
  if (next == client.size()) {
    return "the client ends here; the stream has " + std::to_string(stream.size()) + " requests";
  }
  if (client[next].coded == stream[next].coded) return {};
  const auto other = std::ranges::find(stream, client[next].coded, &Payload::coded);
  if (other == stream.end()) return {};
  return "the stream's request " + std::to_string(other - stream.begin() + 1) + " comes here";
}

}  // namespace

Result<std::vector<Payload>> read_payloads(Bytes recording) {
  auto reader = RecordingReader::open(recording);
  if (!reader) return reader.error();
  std::vector<Payload> payloads;
  std::unordered_map<uint64_t, uint64_t> numbers;  // by the id of the picture
  for (;;) {
    auto recorded = reader->next();
    if (!recorded) return recorded.error();
    if (!*recorded) return payloads;
    const DecodeJob& job = (*recorded)->job;
    if (Status status = validate(job); !status) return status.error();
    const auto number_of = [&](size_t reference) -> uint64_t {
      if (reference >= job.references.size() || job.references[reference] == nullptr) return 0;
      const auto found = numbers.find(job.references[reference]->id());
      return found != numbers.end() ? found->second : 0;
    };
    Payload payload;
    payload.codec = job.codec();
    const RequestControls controls(job, number_of, {});
    for (const ControlValue& control : controls.values()) {
      const auto* data = static_cast<const uint8_t*>(control.data);
      payload.controls[control.id].assign(data, data + control.size);
    }
    const RequestPart whole{0, job.slices.size()};
    payload.coded.resize(coded_size(job, whole, true));
    write_coded_data(job, whole, true, payload.coded);
    // After the controls: a picture is no reference of its own, but for the second field.
    payload.target = numbers.try_emplace(job.target->id(), numbers.size() + 1).first->second;
    order_references(payload);
    payloads.push_back(std::move(payload));
  }
}

std::vector<Difference> compare_payloads(const std::vector<Payload>& client,
                                         const std::vector<Payload>& stream) {
  Comparison comparison;
  const size_t most = std::max(client.size(), stream.size());
  for (size_t i = 0; i < most; ++i, comparison.next()) {
    const std::string other = order(client, stream, i);
    if (!other.empty()) {
      comparison.add("order", other);
      break;
    }
    comparison.compare(client[i], stream[i]);
  }
  return comparison.take();
}

}  // namespace daedalus::core::test
