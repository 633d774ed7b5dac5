/// The event loops that serve clients, each on its own thread. Thread: made and ended by the control thread; the rest
/// any.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/sync.h"
#include "server/worker.h"

namespace ashlar::server {

class WorkerPool {
 public:
  void start(const Worker::Parts& parts);
  /// Stops all loops and closes their clients.
  void stop();

  [[nodiscard]] std::size_t size() const noexcept { return workers_.size(); }
  [[nodiscard]] Worker& operator[](std::size_t i) noexcept { return *workers_[i]; }
  /// The one with the fewest clients.
  [[nodiscard]] Worker& least_loaded();
  /// Connections of all loops.
  [[nodiscard]] std::size_t client_count() const;

  /// Runs `visit` on every loop's thread, then `done` on that of `client`, whose command waits meanwhile: how one
  /// connection learns of or acts on those of other loops. `done` writes the reply; it is not called if the client
  /// left.
  /// `besides`, if given, begins work elsewhere and is handed what to call, from any thread, when that has ended.
  void gather(Client& client, std::function<void(Worker&)> visit, std::function<void(Client&)> done,
              const std::function<void(std::function<void()>)>& besides = {});
  /// Runs `visit` on every loop's thread, soon.
  void broadcast(std::function<void(Worker&)> visit);
  /// Lets replies leave that waited for replicas. Thread: any.
  void release_acknowledged();
  /// Lets replies leave that waited for the disk. Thread: any.
  void release_durable();

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Thread> threads_;
};

}  // namespace ashlar::server
