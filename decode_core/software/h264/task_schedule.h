// TaskSchedule: which row of which picture may be worked on. Rules only: no thread, no lock.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_SCHEDULE_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_SCHEDULE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace daedalus::core::h264 {

// What is to be done with each row of macroblocks (of pairs in an MBAFF frame): the pipeline. Each
// needs the one before it of the same row, and its own of the row above.
enum class Task : uint8_t {
  kEntropy,         // slice data to the macroblock list
  kPrediction,      // what inter prediction is to do, and how far down it reads its references; one
                    // row at a time: needs reconstruction of the row above
  kReconstruction,  // the list to samples; keeps the row's last lines for the next row's. Needs the
                    // lines of its references that it reads
  kDeblocking,      // filters this row, and the last lines of the row above
};
inline constexpr size_t kTasks = 4;

// Not thread-safe.
class TaskSchedule {
 public:
  // Pictures under way at a time.
  static constexpr size_t kMostPictures = 6;
  // Of them, where so many threads work.
  static size_t most_pictures(uint32_t threads);
  static constexpr uint32_t kAllLines = std::numeric_limits<uint32_t>::max();

  // What is known of a picture as it is added.
  struct Shape {
    uint32_t rows = 0;  // at least 1
    // Luma lines of a row, where other pictures may refer to rows while later ones are missing. 0:
    // only to the whole picture.
    uint32_t lines_a_row = 0;
    // Prediction is of the whole picture: it begins when all rows are entropy decoded.
    bool predicts_at_once = false;
    // Entropy decoding reads the motion of its references.
    bool reads_motion = false;
    // So many rows are worth waking a thread for while the pass before them goes on.
    uint32_t batch = 1;
  };
  class Picture {
   public:
    bool has_failed() const { return failed_; }

   private:
    friend class TaskSchedule;
    uint32_t done(Task task) const { return done_[static_cast<size_t>(task)]; }
    bool running(Task task) const { return running_[static_cast<size_t>(task)]; }
    bool is_ready(Task task) const;
    bool is_worth_waking_for(Task task) const;
    uint32_t final_lines() const;

    Shape shape_;
    std::vector<const Picture*> references_;  // those under way
    std::array<uint32_t, kTasks> done_{};     // rows
    std::array<bool, kTasks> running_{};
    uint32_t lines_needed_ = 0;  // of each reference, by the row to be reconstructed next
    bool failed_ = false;
  };
  struct Choice {
    Picture* picture;
    Task task;
    uint32_t row;
  };

  TaskSchedule();

  // Adds the newest picture, which lives until it is removed; `refers_to(older)` says whether it
  // needs one that is under way. At most kMostPictures. May throw std::bad_alloc, then nothing is
  // added.
  template <typename Predicate>
  void add(Picture& picture, const Shape& shape, Predicate refers_to) {
    picture = Picture{};
    picture.shape_ = shape;
    picture.references_.reserve(pictures_.size());
    for (const Picture* older : pictures_) {
      if (refers_to(*older)) picture.references_.push_back(older);
    }
    pictures_.push_back(&picture);
  }
  // What a thread does next, which counts as begun: `alone`, there is but one.
  std::optional<Choice> take(bool alone);
  // Whether what is ready is worth waking a thread for: that takes longer than most tasks do.
  bool is_worth_waking() const;
  // A task ended; a picture without success gets no further ones. `lines_needed`: of kPrediction.
  void finish(const Choice& choice, bool succeeded, uint32_t lines_needed = kAllLines);
  // Nothing of it is running or will be.
  static bool has_ended(const Picture& picture);
  // Those that refer to it find it whole from now on.
  void remove(const Picture& picture);
  // Whether a picture under way waits, or waited, for another one.
  static bool refers_to(const Picture& picture, const Picture& older);

  const std::vector<Picture*>& pictures() const { return pictures_; }  // the oldest first

 private:
  std::vector<Picture*> pictures_;
};

}  // namespace daedalus::core::h264

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_H264_TASK_SCHEDULE_H_
