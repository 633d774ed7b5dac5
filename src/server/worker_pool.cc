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

void WorkerPool::gather(Client& client, std::function<void(Worker&)> visit, std::function<void(Client&)> done,
                        const std::function<void(std::function<void()>)>& besides) {
  Worker& home = client.worker();
  const std::uint64_t ticket = home.hold(client);
  const ClientId id = client.id;
  // Shared by the loops that still have to visit; the last one reports home.
  auto left = std::make_shared<std::atomic<std::size_t>>(workers_.size() + (besides ? 1 : 0));
  const auto leave = [&home, id, ticket, left, done = std::move(done)] {
    if (left->fetch_sub(1) != 1) return;
    home.post([&home, id, ticket, done] { home.fill(id, ticket, done); });
  };
  for (auto& worker : workers_) {
    worker->post([&worker = *worker, visit, leave] {
      visit(worker);
      leave();
    });
  }
  if (besides) besides(leave);
}

void WorkerPool::release_acknowledged() {
  for (auto& worker : workers_) {
    if (worker->awaits_acks()) worker->post([&worker = *worker] { worker.release_acknowledged(); });
  }
}

void WorkerPool::release_durable() {
  for (auto& worker : workers_) {
    if (worker->awaits_durable()) worker->post([&worker = *worker] { worker.release_durable(); });
  }
}

void WorkerPool::broadcast(std::function<void(Worker&)> visit) {
  for (auto& worker : workers_) {
    worker->post([&worker = *worker, visit] { visit(worker); });
  }
}

}  // namespace ashlar::server
