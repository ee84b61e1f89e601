#include "decode_core/stream/stream_decoder.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "decode_core/stream/frame_thread_decoder.h"
#include "decode_core/stream/header_probe.h"
#include "decode_core/stream/splitter.h"
#include "decode_core/stream/stream_statistics.h"

namespace daedalus::core {
namespace {

int thread_count(const Settings& settings) {
  constexpr int kMostUseful = 8;
  if (settings.threads > 0) return settings.threads;
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostUseful);
}

class QueuedStreamDecoder final : public StreamDecoder {
 public:
  QueuedStreamDecoder(std::shared_ptr<Core> core, const Config& config,
                      std::function<void()> changed)
      : core_(std::move(core)),
        codec_(config.codec),
        changed_(std::move(changed)),
        statistics_(core_->settings(), config.front, config.codec),
        probe_(config.codec),
        decoder_([this](const StreamFormat& format) { note_headers(format); },
                 core_->frame_memory()) {}

  Status open() {
    auto splitter = Splitter::create(codec_);
    if (!splitter) return splitter.error();
    splitter_ = std::move(*splitter);
    if (Status status = decoder_.open(codec_, thread_count(core_->settings())); !status) {
      return status;
    }
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      return Error{ErrorCode::kSystem, std::string("no thread for a stream: ") + error.what()};
    }
    return {};
  }

  ~QueuedStreamDecoder() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  bool push(std::span<const uint8_t> bytes, uint64_t token) override {
    try {
      std::lock_guard lock(mutex_);
      if (drain_ == Drain::kDone && pictures_.empty()) drain_ = Drain::kNone;
      if (drain_ != Drain::kNone || queue_.size() >= kMaxQueued) return false;
      queue_.emplace_back(bytes, token);
      statistics_.note_queue(queue_.size());
    } catch (const std::bad_alloc&) {
      return false;
    }
    wake_.notify_all();
    return true;
  }

  std::optional<uint64_t> pop_consumed() override {
    std::lock_guard lock(mutex_);
    if (consumed_.empty()) return std::nullopt;
    const uint64_t token = consumed_.front();
    consumed_.pop_front();
    return token;
  }

  std::optional<StreamPicture> pop_picture() override {
    std::optional<StreamPicture> picture;
    bool was_full = false;
    {
      std::lock_guard lock(mutex_);
      if (pictures_.empty()) return std::nullopt;
      was_full = pictures_.size() >= kMaxPictures;
      picture = std::move(pictures_.front());
      pictures_.pop_front();
      format_ = picture->format;
    }
    if (was_full) wake_.notify_all();
    return picture;
  }

  void drain() override {
    {
      std::lock_guard lock(mutex_);
      if (drain_ == Drain::kNone) drain_ = Drain::kAsked;
    }
    wake_.notify_all();
  }

  bool drained() const override {
    std::lock_guard lock(mutex_);
    return drain_ == Drain::kDone && pictures_.empty();
  }

  void count_stage(const StageRun& run) override { statistics_.count_stage(run); }

  void flush() override {
    std::deque<StreamPicture> pictures;  // let go with no lock held
    {
      std::lock_guard lock(mutex_);
      pictures.swap(pictures_);
      consumed_.clear();
      // Only so many are looked through for parameter sets, however often somebody flushes.
      for (Run& run : queue_) {
        if (forgotten_.size() < kMaxQueued) forgotten_.push_back(std::move(run));
      }
      queue_.clear();
      statistics_.note_queue(0);
      drain_ = Drain::kNone;
      flush_asked_ = true;
    }
    wake_.notify_all();
  }

  std::optional<StreamFormat> format() const override {
    std::lock_guard lock(mutex_);
    return pictures_.empty() ? format_ : pictures_.front().format;
  }

 private:
  enum class Drain : uint8_t { kNone, kAsked, kDone };
  // What the decoding thread does next.
  enum class Step : uint8_t {
    kReceive,  // take a picture from the decoder
    kSend,     // give it the next packet of what was taken in
    kTakeIn,   // a run from the queue, or the end
  };

  bool can_step() const {
    if (pictures_.size() >= kMaxPictures) return false;
    return step_ != Step::kTakeIn || !queue_.empty() || drain_ == Drain::kAsked;
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || flush_asked_ || can_step(); });
      if (stopping_) return;
      try {
        if (flush_asked_) {
          restart(lock);
        } else {
          step(lock);
        }
      } catch (const std::bad_alloc&) {
        if (!lock.owns_lock()) lock.lock();
        statistics_.note_error({ErrorCode::kOutOfMemory, "no memory to decode a stream"});
      }
    }
  }

  // Each of these is called and returns with the lock held, and decodes without it.
  void step(std::unique_lock<std::mutex>& lock) {
    switch (step_) {
      case Step::kTakeIn:
        take_in(lock);
        break;
      case Step::kSend:
        send(lock);
        break;
      case Step::kReceive:
        receive(lock);
        break;
    }
  }

  void take_in(std::unique_lock<std::mutex>& lock) {
    step_ = Step::kSend;
    if (queue_.empty()) {
      finishing_ = true;
      splitter_->finish();
      return;
    }
    Run run = std::move(queue_.front());
    queue_.pop_front();
    statistics_.note_queue(queue_.size());
    if (!format_.has_value() && pictures_.empty()) {
      lock.unlock();
      look_for_headers(run.data());
      lock.lock();
    }
    if (!flush_asked_) consumed_.push_back(run.token);
    const bool few = queue_.size() < kFewQueued;
    lock.unlock();
    if (few) changed_();
    splitter_->push(std::move(run));
    lock.lock();
  }

  void look_for_headers(std::span<const uint8_t> bytes) {
    try {
      if (const auto format = probe_.feed(bytes)) note_headers(*format);
    } catch (const std::bad_alloc&) {  // a picture will tell
      statistics_.note_error({ErrorCode::kOutOfMemory, "no memory to look into a stream"});
    }
  }

  void send(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    auto more = splitter_->next(decoder_.packet());
    if (!more) {
      statistics_.note_error(more.error());
      step_ = Step::kReceive;
    } else if (*more) {
      if (!begun_ && !begin_with(decoder_.packet_bytes())) {
        lock.lock();
        return;
      }
      if (Status status = decoder_.send(); !status) statistics_.note_error(status.error());
      step_ = Step::kReceive;
    } else if (finishing_) {
      decoder_.finish();
      step_ = Step::kReceive;
    } else {
      step_ = Step::kTakeIn;
    }
    lock.lock();
  }

  // Whether the decoder, which has nothing in it, gets that packet; else its parameter sets.
  bool begin_with(std::span<const uint8_t> packet) {
    begun_ = may_begin(codec_, packet);
    if (begun_) return true;
    const std::vector<uint8_t> sets = parameter_sets_of(codec_, packet);
    if (!sets.empty()) decoder_.learn(sets);
    return false;
  }

  void receive(std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    auto received = decoder_.receive();
    std::optional<StreamPicture> picture;
    const bool ended = received && received->ended;
    if (!received) {
      statistics_.note_error(received.error());
    } else if (received->picture) {
      picture = std::move(received->picture);
      statistics_.note_picture(*picture, decoder_.profile());
    } else if (ended) {
      begin_anew();
    } else {
      step_ = Step::kSend;
    }
    publish(std::move(picture), ended);
    lock.lock();
  }

  // Unless somebody has asked for a flush meanwhile: then nobody wants it any more.
  void publish(std::optional<StreamPicture> picture, bool drain_ended) {
    if (!picture && !drain_ended) return;
    {
      std::lock_guard lock(mutex_);
      if (flush_asked_) return;
      if (drain_ended) drain_ = Drain::kDone;
      if (picture) {
        const auto& before = pictures_.empty() ? format_ : pictures_.back().format;
        // What the decoder finds out about the order needs no other buffers.
        if (before && before->same_buffers(picture->format)) {
          picture->format.min_buffers = before->min_buffers;
        }
        pictures_.push_back(std::move(*picture));
      }
    }
    changed_();
  }

  // The decoding thread, without the lock.
  void begin_anew() {
    decoder_.restart();
    splitter_->reset();
    finishing_ = false;
    begun_ = false;
    step_ = Step::kTakeIn;
  }

  // After flush(): parameter sets that were pushed but not decoded go into the decoder, the rest is
  // forgotten.
  void restart(std::unique_lock<std::mutex>& lock) {
    flush_asked_ = false;
    const std::vector<Run> forgotten = std::exchange(forgotten_, {});
    lock.unlock();
    const std::vector<uint8_t> sets = parameter_sets_pushed(forgotten);
    begin_anew();
    if (!sets.empty()) decoder_.learn(sets);
    lock.lock();
  }

  // Those that the splitter holds and those of `forgotten`; as many as there is memory for.
  std::vector<uint8_t> parameter_sets_pushed(const std::vector<Run>& forgotten) {
    std::vector<uint8_t> sets;
    const auto keep = [&](std::span<const uint8_t> bytes) {
      const std::vector<uint8_t> found = parameter_sets_of(codec_, bytes);
      sets.insert(sets.end(), found.begin(), found.end());
    };
    try {
      splitter_->finish();
      for (auto more = splitter_->next(decoder_.packet()); more && *more;
           more = splitter_->next(decoder_.packet())) {
        keep(decoder_.packet_bytes());
      }
      for (const Run& run : forgotten) keep(run.data());
    } catch (const std::bad_alloc&) {
      statistics_.note_error({ErrorCode::kOutOfMemory, "no memory to keep parameter sets"});
    }
    return sets;
  }

  // Any thread, while the decoder works.
  void note_headers(const StreamFormat& format) {
    {
      std::lock_guard lock(mutex_);
      if (format_.has_value() || !pictures_.empty()) return;
      format_ = format;
    }
    changed_();
  }

  const std::shared_ptr<Core> core_;
  const Codec codec_;
  const std::function<void()> changed_;
  StreamStatistics statistics_;

  // The decoding thread's own.
  std::unique_ptr<Splitter> splitter_;
  HeaderProbe probe_;
  FrameThreadDecoder decoder_;
  Step step_ = Step::kTakeIn;
  bool finishing_ = false;  // the splitter was told that nothing follows
  bool begun_ = false;      // the decoder has a packet that decoding may begin with

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Run> queue_;
  std::vector<Run> forgotten_;  // by flush(); may hold parameter sets
  std::deque<uint64_t> consumed_;
  std::deque<StreamPicture> pictures_;
  std::optional<StreamFormat> format_;  // of the last picture popped, or of the headers
  Drain drain_ = Drain::kNone;
  bool flush_asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<StreamDecoder>> StreamDecoder::create(std::shared_ptr<Core> core,
                                                             const Config& config,
                                                             std::function<void()> changed) {
  auto decoder = std::make_unique<QueuedStreamDecoder>(std::move(core), config, std::move(changed));
  if (Status status = decoder->open(); !status) return status.error();
  return std::unique_ptr<StreamDecoder>(std::move(decoder));
}

}  // namespace daedalus::core
