/// One background thread that runs functions in order: for what blocks (fsync, closing and unlinking files).
/// Thread: submit() from any. The destructor runs what is queued, then ends the thread.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/sync.h"

namespace ashlar {

class Executor {
 public:
  using Task = std::move_only_function<void()>;

  explicit Executor(std::string name) : thread_(std::move(name), [this] { run(); }) {}
  ~Executor() {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  void submit(Task task) {
    {
      MutexLock lock(mutex_);
      queue_.push_back(std::move(task));
    }
    wake_.notify_one();
  }

 private:
  void run() {
    for (;;) {
      std::vector<Task> batch;
      {
        MutexLock lock(mutex_);
        while (queue_.empty() && !stopping_) wake_.wait(mutex_);
        if (queue_.empty()) return;
        batch.swap(queue_);
      }
      for (Task& task : batch) task();
    }
  }

  Mutex mutex_;
  CondVar wake_;
  std::vector<Task> queue_ ASH_GUARDED_BY(mutex_);
  bool stopping_ ASH_GUARDED_BY(mutex_) = false;
  Thread thread_;  // last: it uses the others
};

}  // namespace ashlar
