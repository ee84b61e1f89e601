// OwnDevice: our own stateless V4L2 node, in this process, as the hardware behind the backend: a
// real and bit-exact stateless decoder. It is as strict about formats as the kernel's drivers
// (hantro, rkvdec, cedrus, visl): one of OUTPUT makes CAPTURE's the default again, and none is
// taken while there are CAPTURE buffers. With faults on demand.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_OWN_DEVICE_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_OWN_DEVICE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/statistics.h"
#include "decode_core/core.h"
#include "decode_core/hardware/device_calls.h"
#include "decode_core/memory/surface_memory.h"
#include "test/clients/v4l2/in_process_calls.h"

namespace daedalus::core::test {

class OwnDevice final : public DeviceCalls {
 public:
  OwnDevice();
  ~OwnDevice() override { await_clients(); }

  int open(const std::string& path) override;
  int close(int fd) override;
  int ioctl(int fd, uint32_t request, void* argument) override;
  void* mmap(int fd, size_t size, int64_t offset) override { return calls_.mmap(fd, size, offset); }
  int munmap(void* data, size_t size) override { return calls_.munmap(data, size); }
  int poll(pollfd& entry, int milliseconds) override;
  std::vector<Node> nodes(std::string_view prefix) override;

  // The errno that a call ends with, before it reaches the device; 0: none; kAnswered: the call
  // succeeded, with what the fault wrote. Called with the ioctl's number, and with kPoll (ETIME:
  // nothing comes).
  using Fault = std::function<int(uint32_t request, void* argument)>;
  void set_fault(Fault fault);
  static constexpr uint32_t kPoll = 0;
  static constexpr int kAnswered = -1;
  // Sees, and may change, what a call that succeeded answers.
  using Answer = std::function<void(uint32_t request, void* argument)>;
  void set_answer(Answer answer);
  // The name that the nodes give their driver: with another than our own they pass for hardware.
  void set_driver(const std::string& name);
  // As if the nodes were served by a program.
  void set_user_space(bool user_space) { user_space_ = user_space; }

  // A context that its last picture kept alive ends on its own thread, which still calls: waits
  // until none is left. Devices around this one call it before they go.
  void await_clients() const;

  // What the client left behind.
  size_t open_files() const { return calls_.open_files(); }
  size_t mappings() const { return calls_.mappings(); }

 private:
  int fault(uint32_t request, void* argument);
  int refuse(int fd, uint32_t request, const void* argument);
  void follow(int fd, uint32_t request, const void* argument);
  void rename(uint32_t request, void* answer);

  const v4l2_client::InProcessNodes nodes_;
  v4l2_client::InProcessCalls calls_;
  std::mutex mutex_;
  Fault fault_;
  Answer answer_;
  std::set<int> with_pictures_;  // files that have CAPTURE buffers
  std::string driver_;           // empty: our own
  std::atomic<bool> user_space_{false};
};

// A core whose hardware is `device`; statistics go to the folder. `backend` as DAEDALUS_BACKEND,
// `memory` as Core::create().
std::shared_ptr<Core> make_hardware_core(DeviceCalls& device, const std::string& backend,
                                         const std::string& statistics_folder = "",
                                         std::unique_ptr<MemoryAllocator> memory = nullptr);

// How many pictures `substrate` decoded: the driver's name, or "software".
uint64_t decoded_by(const StatisticsSnapshot& page, std::string_view substrate);

// One picture shown, by its visible samples; empty where it has none.
struct ShownPicture {
  std::string hash;
  bool concealed = false;
  bool operator==(const ShownPicture&) const = default;
};

struct PlayedFile {
  std::vector<ShownPicture> pictures;  // in the order of display
  std::string engine;                  // of the last session
  std::string failure;                 // why it ended early; empty: it did not
};

// Decodes the file as a player does: every picture is given at once, and waited for when it is
// shown. Asserts nothing, so any thread may call it. `kept`, where not null: the session to go on
// with, and the one that was used last. `show` gets each picture, which it may hold; `prepare` each
// job before it is given.
using Show = std::function<void(const std::shared_ptr<Picture>& picture)>;
using Prepare = std::function<void(const DecodeJob& job)>;
PlayedFile play_file(Core& core, const std::string& path, std::shared_ptr<Session>* kept = nullptr,
                     const Show& show = {}, const Prepare& prepare = {});

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_OWN_DEVICE_H_
