// Workers: the one pool of threads a process has for work that splits into bands.
#ifndef DAEDALUS_DECODE_CORE_WORKERS_WORKERS_H_
#define DAEDALUS_DECODE_CORE_WORKERS_WORKERS_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace daedalus::core {

// Thread-safe.
class Workers {
 public:
  // `threads` in all, the caller of run() among them; 0 means one a core. Threads start at the
  // first run that needs them.
  explicit Workers(int threads = 0);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  int threads() const { return threads_; }

  // Calls task(0) … task(count - 1), each once, on the workers and on this thread, and returns when
  // all have ended. Tasks must not throw, nor wait for one another. Several runs may overlap.
  void run(uint32_t count, const std::function<void(uint32_t)>& task);

  class Helpers;

 private:
  struct Run;
  void start_threads();
  void work();
  bool take_one(std::unique_lock<std::mutex>& lock, Run& run);

  const int threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Run*> runs_;  // those with tasks that nobody has taken
  std::vector<std::thread> pool_;
  bool stopping_ = false;
};

// Work that goes on for longer than one call, in which the workers help for as long as there is
// something to do. Thread-safe; the workers outlive it.
class Workers::Helpers {
 public:
  // `help` is called on the workers, by several at a time if call() was; must not throw.
  Helpers(Workers& workers, std::function<void()> help);
  // Waits for the calls of `help` that were begun; no other one follows.
  ~Helpers();
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  // Asks for one call of `help`, as soon as a worker is free. False: there are no workers, or no
  // memory.
  bool call();

 private:
  Workers& workers_;
  const std::function<void(uint32_t)> task_;
  const std::unique_ptr<Run> run_;
};

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_WORKERS_WORKERS_H_
