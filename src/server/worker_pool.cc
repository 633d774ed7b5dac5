#include "server/worker_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace ashlar::server {

void WorkerPool::start(const Worker::Parts& parts) {
  for (std::uint32_t i = 0; i < parts.workers; ++i) workers_.push_back(std::make_unique<Worker>(parts, i));
  for (auto& worker : workers_) {
    threads_.emplace_back(fmt::format("worker-{}", worker->number()), [&worker = *worker] { worker.run(); });
  }
}

void WorkerPool::stop() {
  for (auto& worker : workers_) worker->stop();
  threads_.clear();
}

Worker& WorkerPool::least_loaded() {
  return **std::ranges::min_element(workers_, {}, [](const auto& worker) { return worker->client_count(); });
}

std::size_t WorkerPool::client_count() const {
  std::size_t sum = 0;
  for (const auto& worker : workers_) sum += worker->client_count();
  return sum;
}

void WorkerPool::gather(Client& client, std::function<void(Worker&)> visit, std::function<void(Client&)> done) {
  client.suspend();
  Worker& home = client.worker();
  const ClientId id = client.id;
  // Shared by the loops that still have to visit; the last one reports home.
  auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (auto& worker : workers_) {
    worker->post([&worker = *worker, &home, id, left, visit, done] {
      visit(worker);
      if (left->fetch_sub(1) != 1) return;
      home.post([&home, id, done] {
        Client* waiting = home.find(id);
        if (waiting == nullptr) return;
        done(*waiting);
        home.resume(*waiting);
      });
    });
  }
}

void WorkerPool::broadcast(std::function<void(Worker&)> visit) {
  for (auto& worker : workers_) {
    worker->post([&worker = *worker, visit] { visit(worker); });
  }
}

}  // namespace ashlar::server
