/// Listens for clients, turns away those that may not come in, and hands the others to the loops. Thread: control, but
/// for listen() and the counters: any.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "net/event_loop.h"
#include "net/socket.h"
#include "server/acl/users.h"
#include "server/config/settings.h"
#include "server/worker_pool.h"

namespace ashlar::server {

class Acceptor {
 public:
  Acceptor(net::EventLoop& loop, WorkerPool& workers, const Published<config::Config>& config, const acl::Users& users);
  ~Acceptor();

  /// Opens all sockets that `config` asks for and closes the others; on an error it is as before. Connections that come
  /// to a new socket wait until the control loop turns. Errors: an address or port that cannot be had, named.
  [[nodiscard]] Result<void> listen(const config::Config& config);
  void close();

  /// What is connected beside clients and takes of `maxclients`, too. Set at start.
  void count_too(std::function<std::size_t()> others) { others_ = std::move(others); }
  /// Whether anybody can reach us. Thread: any.
  [[nodiscard]] bool listens() {
    MutexLock lock(mutex_);
    return !open_.empty();
  }

  /// The number of the next connection. Thread: the control loop's.
  [[nodiscard]] ClientId new_id() noexcept { return ClientId{next_id_++}; }
  /// A connection ended.
  void client_gone() noexcept { connected_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t connected() const noexcept { return connected_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t received() const noexcept { return received_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t rejected() const noexcept { return rejected_.load(std::memory_order_relaxed); }
  void reset_counters() noexcept {
    received_.store(0);
    rejected_.store(0);
  }

 private:
  class Listener;
  /// What a socket listens on.
  struct Place {
    Transport transport = Transport::kTcp;
    std::string address;  // or path
    std::uint16_t port = 0;
    bool operator==(const Place&) const = default;
  };
  /// A socket that is open, as those know it who may not touch its Listener.
  struct Open {
    Place place;
    int fd;
  };
  [[nodiscard]] Result<void> open(const config::Config& config, const Place& place, std::string_view bind)
      ASH_REQUIRES(mutex_);
  void close(const Place& place) ASH_REQUIRES(mutex_);
  void take(const Listener& listener);
  void rest(const Error& why);
  [[nodiscard]] std::optional<std::string> refusal(const server::Accepted& connection) const;

  net::EventLoop& loop_;
  WorkerPool& workers_;
  const Published<config::Config>& config_;
  const acl::Users& users_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // the control loop's
  Mutex mutex_;                                       // one listen() at a time
  std::vector<Open> open_ ASH_GUARDED_BY(mutex_);
  std::function<std::size_t()> others_;
  std::uint64_t next_id_ = 1;           // the control loop's
  std::optional<MonoTime> complained_;  // the same: when the log last said that the system gives no more
  std::atomic<std::size_t> connected_{0};
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> rejected_{0};
};

}  // namespace ashlar::server
