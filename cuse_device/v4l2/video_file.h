// VideoFile: one open file of a multi-planar mem2mem video node: the dispatch of the ioctls and
// what every such node does alike. A node derives from it, one method an ioctl.
#ifndef DAEDALUS_CUSE_DEVICE_V4L2_VIDEO_FILE_H_
#define DAEDALUS_CUSE_DEVICE_V4L2_VIDEO_FILE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "cuse_device/v4l2/buffer_queue.h"
#include "cuse_device/v4l2/change_listener.h"
#include "cuse_device/v4l2/controls.h"
#include "cuse_device/v4l2/events.h"
#include "cuse_device/v4l2/open_file.h"
#include "cuse_device/v4l2/priority.h"
#include "decode_core/uapi/controls.h"

namespace daedalus::v4l2 {

// The methods of ioctls run with mutex_ held and return 0 or a positive errno. They get a copy of
// the argument, which goes back to the client on success (for the EXT_CTRLS on errors too).
class VideoFile : public OpenFile {
 public:
  struct Config {
    const char* card = "";
    const char* bus_info = "";
    BufferQueue::Config output;
    BufferQueue::Config capture;
  };
  VideoFile(std::shared_ptr<Priorities> priorities, Config config);
  ~VideoFile() override;

  int ioctl(uint32_t request, std::span<std::byte> argument, Client& client) override;
  short poll() override;
  Result<MappedRange> map(uint64_t offset, size_t size) override;
  void set_listener(std::function<void()> changed) override { listener_.set(std::move(changed)); }

 protected:
  // Formats. The base has checked the type.
  virtual int enum_fmt(v4l2_fmtdesc& description, Client& client) = 0;
  virtual int g_fmt(v4l2_format& format, Client& client);
  virtual int try_fmt(v4l2_format& format, Client& client) = 0;
  virtual int s_fmt(v4l2_format& format, Client& client) = 0;
  virtual int enum_framesizes(v4l2_frmsizeenum& sizes, Client& client) = 0;
  virtual int g_selection(v4l2_selection& selection, Client& client);
  virtual int s_selection(v4l2_selection& selection, Client& client);
  // Buffers.
  virtual int reqbufs(v4l2_requestbuffers& request, Client& client);
  virtual int create_bufs(v4l2_create_buffers& request, Client& client);
  virtual int querybuf(v4l2_buffer& buffer, Client& client);
  virtual int qbuf(v4l2_buffer& buffer, Client& client);
  virtual int dqbuf(v4l2_buffer& buffer, Client& client);
  virtual int prepare_buf(v4l2_buffer& buffer, Client& client);
  virtual int expbuf(v4l2_exportbuffer& request, Client& client);
  virtual int streamon(int& type, Client& client);
  virtual int streamoff(int& type, Client& client);
  // Controls.
  virtual int g_ext_ctrls(v4l2_ext_controls& controls, Client& client);
  virtual int s_ext_ctrls(v4l2_ext_controls& controls, Client& client);
  virtual int try_ext_ctrls(v4l2_ext_controls& controls, Client& client);
  // Decoder commands; ENOTTY where the node has none.
  virtual int try_decoder_cmd(v4l2_decoder_cmd& command, Client& client);
  virtual int decoder_cmd(v4l2_decoder_cmd& command, Client& client);
  // Whether the node has events of that type; V4L2_EVENT_CTRL is the base's.
  virtual bool has_event(uint32_t type) const;

  // The queue of that type, or null.
  BufferQueue* queue_of(uint32_t type);
  // Queues an event for the client, if it has subscribed to it.
  void push_event(const v4l2_event& event);
  // poll() or a parked ioctl may answer otherwise now: the listener is called by ~Locked.
  void note_change() { change_noted_ = true; }
  // ~Locked calls `then` after it has let go of the lock.
  void after_unlock(std::function<void()> then) { after_unlock_.push_back(std::move(then)); }

  // Holds mutex_; after its end the listener is called if note_change() was.
  class Locked {
   public:
    explicit Locked(VideoFile& file) : file_(file) { file.mutex_.lock(); }
    ~Locked();

   private:
    VideoFile& file_;
  };

  // Guards all below and the members of derived classes. A method that must wait does so with a
  // std::condition_variable_any on it.
  std::mutex mutex_;
  BufferQueue output_;
  BufferQueue capture_;
  EventQueue events_;
  ControlHandler controls_;

 private:
  friend struct IoctlTable;
  int querycap(v4l2_capability& capability, Client& client);
  int g_priority(uint32_t& priority, Client& client);
  int s_priority(uint32_t& priority, Client& client);
  int queryctrl(v4l2_queryctrl& query, Client& client);
  int query_ext_ctrl(v4l2_query_ext_ctrl& query, Client& client);
  int querymenu(v4l2_querymenu& query, Client& client);
  int g_ctrl(v4l2_control& control, Client& client);
  int s_ctrl(v4l2_control& control, Client& client);
  int checked_enum_fmt(v4l2_fmtdesc& description, Client& client);
  int checked_g_fmt(v4l2_format& format, Client& client);
  int checked_try_fmt(v4l2_format& format, Client& client);
  int checked_s_fmt(v4l2_format& format, Client& client);
  int checked_create_bufs(v4l2_create_buffers& request, Client& client);
  int checked_g_selection(v4l2_selection& selection, Client& client);
  int checked_s_selection(v4l2_selection& selection, Client& client);
  int cropcap(v4l2_cropcap& capability, Client& client);
  int g_crop(v4l2_crop& crop, Client& client);
  int s_crop(v4l2_crop& crop, Client& client);
  int dqevent(v4l2_event& event, Client& client);
  int subscribe_event(v4l2_event_subscription& subscription, Client& client);
  int unsubscribe_event(v4l2_event_subscription& subscription, Client& client);
  const Config config_;
  const std::shared_ptr<Priorities> priorities_;
  uint32_t priority_ = V4L2_PRIORITY_DEFAULT;
  bool change_noted_ = false;
  std::vector<std::function<void()>> after_unlock_;
  ChangeListener listener_;
};

}  // namespace daedalus::v4l2

#endif  // DAEDALUS_CUSE_DEVICE_V4L2_VIDEO_FILE_H_
