#include "test/clients/v4l2/stateless_decoder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "decode_core/uapi/media.h"

namespace daedalus::v4l2_client {
namespace {

using clients::CodedPicture;
using clients::Field;
using clients::ShownPicture;

constexpr uint32_t kOutput = V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
constexpr uint32_t kCapture = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
// References and pictures that wait for their display (H.264 A.3.1 h), and the current one.
constexpr uint32_t kMostPictures = 17;
constexpr uint32_t kMostBuffers = 32;  // VIDEO_MAX_FRAME
constexpr uint32_t kSmallestOutput = 1 << 20;

}  // namespace

// ---- Opening ----

StatelessDecoder::StatelessDecoder(SystemCalls& calls, DecoderNode node, RequestControls controls,
                                   const DecoderOptions& options, Show show)
    : calls_(calls),
      node_(std::move(node)),
      controls_(std::move(controls)),
      options_(options),
      show_(std::move(show)),
      fourcc_(controls_.fourcc()) {}

StatelessDecoder::~StatelessDecoder() {
  if (started_) (void)stop();
}

Result<std::unique_ptr<StatelessDecoder>> StatelessDecoder::open(SystemCalls& calls,
                                                                 core::Codec codec,
                                                                 const DecoderOptions& options,
                                                                 Show show) {
  Result<DecoderNode> node =
      find_decoder_node(calls, coded_fourcc(codec), options.video_path, options.media_path);
  if (!node) return node.error();
  // Controls depend on the coded format.
  v4l2_format format{};
  format.type = kOutput;
  format.fmt.pix_mp.pixelformat = coded_fourcc(codec);
  if (calls.ioctl(node->video.get(), VIDIOC_S_FMT, &format) != 0)
    return system_error("S_FMT OUTPUT");
  Result<RequestControls> controls =
      RequestControls::query(calls, node->video.get(), codec, options.modes);
  if (!controls) return controls.error();
  return std::unique_ptr<StatelessDecoder>(new StatelessDecoder(
      calls, std::move(*node), std::move(*controls), options, std::move(show)));
}

// ---- Formats and buffers ----

Status StatelessDecoder::set_format(const clients::PictureFormat& format) {
  if (format == wanted_ && started_) return {};
  if (Status status = drain(); !status) return status;
  if (started_) {
    if (Status status = stop(); !status) return status;
  }
  wanted_ = format;
  return {};
}

Status StatelessDecoder::set_queue_format(uint32_t type, uint32_t fourcc) {
  v4l2_format format{};
  format.type = type;
  v4l2_pix_format_mplane& pixels = format.fmt.pix_mp;
  pixels.pixelformat = fourcc;
  pixels.width = wanted_.width;
  pixels.height = wanted_.height;
  pixels.num_planes = 1;
  // Coded pictures are seldom larger than their samples.
  if (type == kOutput)
    pixels.plane_fmt[0].sizeimage = std::max(wanted_.width * wanted_.height * 2, kSmallestOutput);
  if (calls_.ioctl(node_.video.get(), VIDIOC_S_FMT, &format) != 0)
    return system_error(type == kOutput ? "S_FMT OUTPUT" : "S_FMT CAPTURE");
  if (pixels.pixelformat == fourcc) return {};
  return Error{ErrorCode::kUnsupported, "S_FMT: the node gives another pixel format"};
}

Result<v4l2_pix_format_mplane> StatelessDecoder::get_format(uint32_t type) {
  v4l2_format format{};
  format.type = type;
  if (calls_.ioctl(node_.video.get(), VIDIOC_G_FMT, &format) != 0) return system_error("G_FMT");
  return format.fmt.pix_mp;
}

// The node's own choice, or the first that it lists and this client reads.
Status StatelessDecoder::choose_capture_format(int bit_depth) {
  const auto fits = [&](uint32_t fourcc) {
    if (options_.capture_fourcc != 0 && fourcc != options_.capture_fourcc) return false;
    return is_readable(fourcc) && bit_depth_of(fourcc) == bit_depth;
  };
  Result<v4l2_pix_format_mplane> format = get_format(kCapture);
  if (!format) return format.error();
  if (!fits(format->pixelformat)) {
    v4l2_fmtdesc description{};
    description.type = kCapture;
    while (calls_.ioctl(node_.video.get(), VIDIOC_ENUM_FMT, &description) == 0 &&
           !fits(description.pixelformat))
      ++description.index;
    if (!fits(description.pixelformat))
      return Error{ErrorCode::kUnsupported, "the node has no CAPTURE format that fits"};
    if (Status status = set_queue_format(kCapture, description.pixelformat); !status) return status;
    format = get_format(kCapture);
    if (!format) return format.error();
  }
  capture_format_ = *format;
  if (capture_format_.width < wanted_.width || capture_format_.height < wanted_.height)
    return Error{ErrorCode::kUnsupported, "the node's CAPTURE format is too small"};
  return {};
}

// "Initialization", 1 to 8.
Status StatelessDecoder::prepare(const CodedPicture& coded) {
  if (started_) return {};
  if (wanted_.chroma_format_idc > 1 || wanted_.bit_depth > 10)
    return Error{ErrorCode::kUnsupported, "only 4:2:0 of at most 10 bits is read back"};
  if (Status status = set_queue_format(kOutput, fourcc_); !status) return status;
  if (Status status = controls_.set(coded.controls, {}, -1); !status) return status;
  if (Status status = choose_capture_format(wanted_.bit_depth); !status) return status;
  return start();
}

Status StatelessDecoder::start() {
  const Result<v4l2_pix_format_mplane> coded = get_format(kOutput);
  if (!coded) return coded.error();
  const int video = node_.video.get();
  output_ = std::make_unique<Buffers>(calls_, video, kOutput, options_.output_memory);
  capture_ = std::make_unique<Buffers>(calls_, video, kCapture, options_.capture_memory);
  const uint32_t pictures = std::min(kMostPictures + options_.requests, kMostBuffers);
  if (Status status = output_->allocate(options_.requests, *coded); !status) return status;
  if (Status status = capture_->allocate(pictures, capture_format_); !status) return status;
  captures_.assign(capture_->count(), {});
  if (Status status = allocate_requests(); !status) return status;
  started_ = true;
  if (Status status = output_->stream(true); !status) return status;
  return capture_->stream(true);
}

// One for each OUTPUT buffer, reused by MEDIA_REQUEST_IOC_REINIT.
Status StatelessDecoder::allocate_requests() {
  idle_.clear();
  while (requests_.size() < output_->count()) {
    int fd = -1;
    if (calls_.ioctl(node_.media.get(), MEDIA_IOC_REQUEST_ALLOC, &fd) != 0)
      return system_error("MEDIA_IOC_REQUEST_ALLOC");
    requests_.emplace_back(calls_, fd);
  }
  for (uint32_t i = static_cast<uint32_t>(output_->count()); i > 0; --i) idle_.push_back(i - 1);
  return {};
}

Status StatelessDecoder::stop() {
  started_ = false;
  in_flight_.clear();
  finished_.clear();
  refused_.clear();
  held_.reset();
  captures_.clear();
  pictures_.clear();
  unclaimed_captures_ = 0;
  if (Status status = output_->free(); !status) return status;
  return capture_->free();
}

// ---- Decoding ----

// A picture without start codes, in the node's terms, lacks that of its first NAL unit alone.
std::vector<StatelessDecoder::Part> StatelessDecoder::parts_of(const CodedPicture& coded) const {
  const std::span<const uint8_t> all = coded.bitstream;
  const bool hold = coded.field == Field::kFirst;
  const size_t start_code = controls_.start_codes() ? 3 : 0;
  if (coded.slices.empty()) return {{all, {}, hold}};
  const std::span<const clients::SliceControls> slices = coded.slice_controls;
  if (!controls_.slice_based())
    return {{all.subspan(coded.slices.front() - start_code), slices, hold}};
  std::vector<Part> parts;
  for (size_t i = 0; i < coded.slices.size(); ++i) {
    const bool last = i + 1 == coded.slices.size();
    const size_t begin = coded.slices[i] - start_code;
    const size_t end = last ? all.size() : coded.slices[i + 1] - 3;
    parts.push_back({all.subspan(begin, end - begin), slices.subspan(i, 1), hold || !last});
  }
  return parts;
}

Status StatelessDecoder::decode(const CodedPicture& coded) {
  if (Status status = prepare(coded); !status) return status;
  bool joins = held_ && coded.field == Field::kSecond && coded.target == held_;
  ++decoded_;
  for (const Part& part : parts_of(coded)) {
    if (Status status = decode_part(coded, part, joins); !status) return status;
    joins = true;
  }
  return {};
}

// `joins`: the CAPTURE buffer is held for it.
Status StatelessDecoder::decode_part(const CodedPicture& coded, const Part& part, bool joins) {
  while (idle_.empty()) {
    if (Status status = complete_oldest(); !status) return status;
  }
  if (!joins && unclaimed_captures_ == 0) {
    if (Status status = queue_capture(); !status) return status;
  }
  const uint32_t output = idle_.back();
  const std::span<uint8_t> memory = output_->plane(output, 0);
  if (part.bytes.size() > memory.size()) {
    return refuse(coded, "a coded picture is larger than an OUTPUT buffer");
  }
  std::ranges::copy(part.bytes, memory.begin());
  const int request = requests_[output].get();
  if (Status status = controls_.set(coded.controls, part.slices, request); !status)
    return refuse(coded, status.error().message);
  idle_.pop_back();
  Status status = submit(coded, part, output);
  if (status && !joins) --unclaimed_captures_;
  return status;
}

// The picture is not there when it is to be shown.
Status StatelessDecoder::refuse(const CodedPicture& coded, const std::string& why) {
  ++lost_;
  refused_.insert(coded.target->timestamp);
  return Error{ErrorCode::kCorrupt, why};
}

Status StatelessDecoder::submit(const CodedPicture& coded, const Part& part, uint32_t output) {
  const int request = requests_[output].get();
  Status status =
      output_->queue(output, static_cast<uint32_t>(part.bytes.size()), coded.target->timestamp,
                     request, part.hold ? V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF : 0);
  if (!status) return status;
  if (calls_.ioctl(request, MEDIA_REQUEST_IOC_QUEUE, nullptr) != 0)
    return system_error("MEDIA_REQUEST_IOC_QUEUE");
  held_ = part.hold ? coded.target : nullptr;
  pictures_[coded.target->timestamp] = coded.target;
  in_flight_.push_back(
      {output, request, coded.target, coded.references, std::chrono::steady_clock::now()});
  return {};
}

// A CAPTURE buffer whose picture nobody needs any more.
Result<std::optional<uint32_t>> StatelessDecoder::free_capture() {
  for (;;) {
    for (uint32_t i = 0; i < captures_.size(); ++i) {
      if (!captures_[i].queued && captures_[i].picture.expired()) return std::optional<uint32_t>(i);
    }
    if (in_flight_.empty()) return std::optional<uint32_t>();
    if (Status status = complete_oldest(); !status) return status.error();
  }
}

Status StatelessDecoder::queue_capture() {
  const Result<std::optional<uint32_t>> index = free_capture();
  if (!index) return index.error();
  if (!*index) return Error{ErrorCode::kInternal, "all CAPTURE buffers are in use"};
  std::erase_if(finished_, [&](const auto& entry) { return entry.second == **index; });
  captures_[**index].queued = true;
  ++unclaimed_captures_;
  return capture_->queue(**index);
}

Status StatelessDecoder::wait_for(int fd, short events) {
  pollfd poll{fd, events, 0};
  const int ready = calls_.poll(&poll, 1, options_.timeout);
  if (ready < 0) return system_error("poll");
  if (ready == 0) return Error{ErrorCode::kTimeout, "a request is not completed"};
  if (poll.revents & events) return {};
  return Error{ErrorCode::kSystem, "poll: POLLERR"};
}

Status StatelessDecoder::complete_oldest() {
  Flight flight = std::move(in_flight_.front());
  in_flight_.pop_front();
  if (Status status = wait_for(flight.request, POLLPRI); !status) return status;
  const auto taken = std::chrono::steady_clock::now() - flight.queued;
  timing_.add(std::chrono::duration<double, std::milli>(taken).count());
  const Result<std::optional<Dequeued>> output = output_->dequeue();
  if (!output) return output.error();
  if (!*output || (*output)->index != flight.output)
    return Error{ErrorCode::kSystem, "a request is complete, but not its OUTPUT buffer"};
  if (Status status = take_captures(); !status) return status;
  // Drivers may give the CAPTURE buffer back a moment after the request.
  while (flight.target != held_ && !finished_.contains(flight.target->timestamp) &&
         std::ranges::none_of(in_flight_,
                              [&](const Flight& f) { return f.target == flight.target; })) {
    if (Status status = wait_for(node_.video.get(), POLLIN); !status) return status;
    if (Status status = take_captures(); !status) return status;
  }
  if (calls_.ioctl(flight.request, MEDIA_REQUEST_IOC_REINIT, nullptr) != 0)
    return system_error("MEDIA_REQUEST_IOC_REINIT");
  idle_.push_back(flight.output);
  return show_ready();
}

Status StatelessDecoder::take_captures() {
  for (;;) {
    const Result<std::optional<Dequeued>> buffer = capture_->dequeue();
    if (!buffer) return buffer.error();
    if (!*buffer) return {};
    const uint64_t timestamp = (*buffer)->timestamp;
    captures_[(*buffer)->index] = {pictures_[timestamp], false};
    pictures_.erase(timestamp);
    finished_[timestamp] = (*buffer)->index;
    if ((*buffer)->error) ++errors_;
  }
}

// ---- Showing ----

Status StatelessDecoder::show(const ShownPicture& shown) {
  waiting_.push_back(shown);
  return show_ready();
}

Status StatelessDecoder::show_ready() {
  while (!waiting_.empty()) {
    const uint64_t timestamp = waiting_.front().picture->timestamp;
    const auto found = finished_.find(timestamp);
    if (found == finished_.end() && refused_.contains(timestamp)) {
      waiting_.pop_front();
      continue;
    }
    if (found == finished_.end()) return {};
    std::array<std::span<const uint8_t>, VIDEO_MAX_PLANES> planes;
    const size_t count = std::min<size_t>(capture_format_.num_planes, planes.size());
    for (size_t i = 0; i < count; ++i) planes[i] = capture_->plane(found->second, i);
    if (!read_picture(capture_format_, std::span(planes).first(count), waiting_.front().visible,
                      &frame_))
      return Error{ErrorCode::kInternal, "a picture is larger than its CAPTURE buffer"};
    waiting_.pop_front();
    if (Status status = show_(frame_); !status) return status;
  }
  return {};
}

// V4L2_DEC_CMD_FLUSH: no second field comes for the CAPTURE buffer that is held back.
Status StatelessDecoder::flush_held() {
  if (!held_) return {};
  v4l2_decoder_cmd command{};
  command.cmd = V4L2_DEC_CMD_FLUSH;
  if (calls_.ioctl(node_.video.get(), VIDIOC_DECODER_CMD, &command) != 0)
    return system_error("DECODER_CMD FLUSH");
  const uint64_t timestamp = held_->timestamp;
  held_.reset();
  while (!finished_.contains(timestamp)) {
    if (Status status = wait_for(node_.video.get(), POLLIN); !status) return status;
    if (Status status = take_captures(); !status) return status;
  }
  return {};
}

Status StatelessDecoder::drain() {
  while (!in_flight_.empty()) {
    if (Status status = complete_oldest(); !status) return status;
  }
  if (Status status = flush_held(); !status) return status;
  // What was never decoded is left out.
  while (!waiting_.empty()) {
    if (Status status = show_ready(); !status) return status;
    if (waiting_.empty()) break;
    ++lost_;
    waiting_.pop_front();
  }
  return {};
}

}  // namespace daedalus::v4l2_client
