#include "cuse_device/cuse/ioctl_call.h"

#include <linux/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <span>
#include <utility>

#include "decode_core/uapi/controls.h"
#include "decode_core/uapi/media.h"

namespace daedalus::cuse {
namespace {

// As the kernel's video_usercopy: these say in their argument where they failed.
bool copies_back_on_errors(uint32_t request) {
  return request == VIDIOC_G_EXT_CTRLS || request == VIDIOC_S_EXT_CTRLS ||
         request == VIDIOC_TRY_EXT_CTRLS;
}

size_t total(const std::vector<MemoryRange>& ranges) {
  return std::accumulate(ranges.begin(), ranges.end(), size_t{0},
                         [](size_t sum, const MemoryRange& range) { return sum + range.size; });
}

// The same call once more, with the argument and these ranges.
IoctlAnswer ask_for(const IoctlCall& call, const std::vector<MemoryRange>& ranges) {
  IoctlAnswer answer;
  const MemoryRange argument{call.address, _IOC_SIZE(call.request)};
  if (_IOC_DIR(call.request) & _IOC_WRITE) answer.retry_input.push_back(argument);
  if (_IOC_DIR(call.request) & _IOC_READ) answer.retry_output.push_back(argument);
  for (std::vector<MemoryRange>* list : {&answer.retry_input, &answer.retry_output}) {
    list->insert(list->end(), ranges.begin(), ranges.end());
  }
  const auto size = [](const IoctlAnswer& of) {
    return std::max(total(of.retry_input), total(of.retry_output));
  };
  const size_t count = answer.retry_input.size() + answer.retry_output.size();
  // A single range may be so large that the sum wraps round.
  const bool huge = std::any_of(ranges.begin(), ranges.end(), [](const MemoryRange& range) {
    return range.size > kMaxIoctlBytes;
  });
  if (huge || size(answer) > kMaxIoctlBytes || count > kMaxIoctlRanges)
    return {ENOMEM, {}, {}, {}, 0};
  return answer;
}

}  // namespace

IoctlAnswer run_ioctl(v4l2::OpenFile& file, const IoctlCall& call) {
  const bool in = (_IOC_DIR(call.request) & _IOC_WRITE) != 0;
  const bool out = (_IOC_DIR(call.request) & _IOC_READ) != 0;
  std::vector<std::byte> argument(_IOC_SIZE(call.request));
  const size_t input_size = in ? argument.size() : 0;
  if (call.input.size() < input_size || call.output_size < (out ? argument.size() : 0)) {
    return ask_for(call, {});
  }
  // Not EINVAL for a wrong argument: without a companion in the client these do not exist.
  if (call.request == VIDIOC_EXPBUF || call.request == MEDIA_IOC_REQUEST_ALLOC) {
    return {ENOTTY, {}, {}, {}, 0};
  }
  std::copy_n(call.input.begin(), input_size, argument.begin());

  ClientMemory client(std::span(call.input).subspan(input_size), call.process);
  const int error = file.ioctl(call.request, argument, client);
  if (!client.missing().empty()) {
    std::vector<MemoryRange> ranges = client.known();
    ranges.insert(ranges.end(), client.missing().begin(), client.missing().end());
    return ask_for(call, ranges);
  }
  IoctlAnswer answer{error, {}, {}, {}, client.direct_bytes()};
  if (error != 0 && !copies_back_on_errors(call.request)) return answer;
  if (out) answer.output = std::move(argument);
  const auto written = client.written();
  answer.output.insert(answer.output.end(), written.begin(), written.end());
  if (answer.output.size() > call.output_size) return {EFAULT, {}, {}, {}, 0};
  return answer;
}

}  // namespace daedalus::cuse
