// SliceDevice: OwnDevice that takes NAL units as another driver does, slice by slice or with limits
// of its own, and remembers what each request brought.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_SLICE_DEVICE_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_SLICE_DEVICE_H_

#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "decode_core/uapi/controls.h"
#include "test/decode_core/hardware/own_device.h"

namespace daedalus::core::test {

class SliceDevice final : public DeviceCalls {
 public:
  struct Driver {
    bool slice_based = true;
    bool frame_based = false;
    bool annex_b = false;  // can be had as well
    // V4L2_BUF_CAP_SUPPORTS_M2M_HOLD_CAPTURE_BUF; said once OUTPUT has a codec with slices, as
    // cedrus does.
    bool holds = true;
    // Elements of V4L2_CID_STATELESS_HEVC_SLICE_PARAMS and of …_ENTRY_POINT_OFFSETS; 0: there is no
    // such control.
    uint32_t most_slices = 1;
    uint32_t most_entry_points = 0;
  };
  explicit SliceDevice(const Driver& driver) : driver_(driver) {}
  ~SliceDevice() override { inner_.await_clients(); }

  int open(const std::string& path) override { return inner_.open(path); }
  int close(int fd) override;
  int ioctl(int fd, uint32_t request, void* argument) override;
  void* mmap(int fd, size_t size, int64_t offset) override;
  int munmap(void* data, size_t size) override { return inner_.munmap(data, size); }
  int poll(pollfd& entry, int milliseconds) override { return inner_.poll(entry, milliseconds); }
  std::vector<Node> nodes(std::string_view prefix) override { return inner_.nodes(prefix); }

  OwnDevice& inner() { return inner_; }

  // A request that was queued.
  struct Sent {
    std::map<uint32_t, std::vector<uint8_t>> controls;
    std::vector<uint8_t> bytes;  // of the OUTPUT buffer
    uint64_t timestamp = 0;      // microseconds
    bool holds = false;          // V4L2_BUF_FLAG_M2M_HOLD_CAPTURE_BUF

    // The elements of a control; none where it was not set.
    template <typename T>
    std::vector<T> array(uint32_t id) const {
      const auto found = controls.find(id);
      if (found == controls.end()) return {};
      std::vector<T> elements(found->second.size() / sizeof(T));
      std::memcpy(elements.data(), found->second.data(), elements.size() * sizeof(T));
      return elements;
    }
  };
  // In the order in which they were queued.
  std::vector<Sent> sent() const;

 private:
  int refuse(uint32_t request, const void* argument) const;
  bool offers(uint32_t id, uint32_t item) const;
  uint32_t capacity(uint32_t id, uint32_t own) const;
  void answer(int fd, uint32_t request, void* argument);
  void note_controls(const v4l2_ext_controls& controls);
  void note_buffer(int fd, const v4l2_buffer& buffer);

  OwnDevice inner_;
  const Driver driver_;
  mutable std::mutex mutex_;                                   // guards all below
  std::map<int, uint32_t> formats_;                            // of OUTPUT, by file
  std::map<std::pair<int, int64_t>, uint32_t> queried_;        // OUTPUT buffers by file and offset
  std::map<std::pair<int, uint32_t>, const uint8_t*> memory_;  // by file and index
  std::map<int, Sent> open_;                                   // by request
  std::vector<Sent> sent_;
};

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_SLICE_DEVICE_H_
