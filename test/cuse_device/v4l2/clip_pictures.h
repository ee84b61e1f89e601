// ClipPictures: the pictures of a clip through a stateless node whose core only keeps the jobs.
#ifndef DAEDALUS_TEST_CUSE_DEVICE_V4L2_CLIP_PICTURES_H_
#define DAEDALUS_TEST_CUSE_DEVICE_V4L2_CLIP_PICTURES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "decode_core/job.h"
#include "test/cuse_device/v4l2/fake_core.h"
#include "test/cuse_device/v4l2/stateless_client.h"

namespace daedalus::test {

// Fails the running test where an ioctl does.
class ClipPictures {
 public:
  // Of test/data.
  explicit ClipPictures(const std::string& clip);

  RequestClient& client() { return client_; }
  size_t count() const { return originals_.size(); }
  const core::DecodeJob& original(size_t i) const { return originals_[i]; }
  // What the node made of it; only once it is queued.
  const core::DecodeJob& job(size_t i) const { return (*jobs_)[i]; }
  size_t jobs() const { return jobs_->count(); }
  // Whether the references of the two are pictures of the same jobs.
  bool same_references(size_t i) const;

  using Change = std::function<void(std::vector<ControlValue>&, std::vector<uint8_t>&)>;
  // The next picture; false where it came back with an error. `complete` gets the request when it
  // is. `rest`: more of its slices, in a request of their own.
  bool queue(const Change& change = nullptr, const std::function<void(int)>& complete = nullptr,
             std::span<const uint8_t> rest = {});

 private:
  bool carry_out(std::span<const ControlValue> controls, std::span<const uint8_t> data,
                 uint32_t flags, const std::function<void(int)>& complete);

  std::shared_ptr<FakeJobs> jobs_;
  TestNodes nodes_;
  RequestClient client_;
  std::vector<core::DecodeJob> originals_;
  std::map<const core::Picture*, uint64_t> timestamps_;
  std::vector<uint32_t> captured_;
  int request_ = -1;
  size_t next_ = 0;
};

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CUSE_DEVICE_V4L2_CLIP_PICTURES_H_
