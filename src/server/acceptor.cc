#include "server/acceptor.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/log.h"
#include "net/connection_io.h"

namespace ashlar::server {
namespace {

constexpr int kAcceptsPerTurn = 256;
constexpr Millis kRest{100};
constexpr Seconds kBetweenComplaints{1};
constexpr std::string_view kProtectedMode =
    "-DENIED Ashlar runs in protected mode: no password is set for the default user, so only connections from this "
    "machine are taken. To let others in, either set a password (CONFIG SET requirepass, or requirepass in the "
    "configuration file), or switch the protection off (CONFIG SET protected-mode no from this machine, protected-mode "
    "no "
    "in the configuration file, or --protected-mode no on the command line), and make sure that strangers cannot reach "
    "the port.\r\n";

bool is_loopback(const std::string& address) { return address.starts_with("127.") || address == "::1"; }

}  // namespace

class Acceptor::Listener final : public net::IoHandler {
 public:
  Listener(Acceptor& owner, Fd fd, Place place) : owner_(owner), fd_(std::move(fd)), place_(std::move(place)) {}
  ~Listener() {
    watch_ = {};
    if (place_.transport == Transport::kUnix) ::unlink(place_.address.c_str());
  }
  [[nodiscard]] Result<void> watch(net::EventLoop& loop) {
    ASH_TRY(watch_, loop.watch(fd_.get(), net::Interest::kRead, *this));
    return {};
  }
  void on_ready(net::Readiness) noexcept override { owner_.take(*this); }
  void set_interest(net::Interest interest) noexcept { watch_.set_interest(interest); }
  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
  [[nodiscard]] const Place& place() const noexcept { return place_; }

 private:
  Acceptor& owner_;
  Fd fd_;
  Place place_;
  net::Watch watch_;
};

Acceptor::Acceptor(net::EventLoop& loop, WorkerPool& workers, const Published<config::Config>& config,
                   const acl::Users& users)
    : loop_(loop), workers_(workers), config_(config), users_(users) {}

Acceptor::~Acceptor() = default;

Result<void> Acceptor::open(const config::Config& config, const Place& place, std::string_view bind) {
  const auto backlog = static_cast<int>(config.network.tcp_backlog);
  Fd fd;
  if (place.transport == Transport::kTcp) {
    auto opened = net::listen_tcp(place.address, place.port, backlog);
    if (!opened) {
      if (bind.starts_with('-') && opened.error().code == ErrorCode::kNotFound) return {};
      return fail(ErrorCode::kIo, fmt::format("Could not create server TCP listening socket {}:{}: {}", place.address,
                                              place.port, opened.error().text()));
    }
    fd = std::move(*opened);
  } else {
    const auto mode = config.network.unix_socket_mode;
    const net::UnixAccess access{mode == 0 ? std::nullopt : std::optional<mode_t>(mode),
                                 config.network.unix_socket_group};
    auto opened = net::listen_unix(place.address, access, backlog);
    if (!opened) return fail(ErrorCode::kIo, fmt::format("Failed opening Unix socket: {}", opened.error().text()));
    fd = std::move(*opened);
  }
  open_.push_back({place, fd.get()});
  // Shared only because a task must be copyable; the control loop takes it.
  auto listener = std::make_shared<std::unique_ptr<Listener>>(std::make_unique<Listener>(*this, std::move(fd), place));
  loop_.post([this, listener] {
    if (auto watched = (*listener)->watch(loop_); !watched) log::warning("{}", watched.error().text());
    listeners_.push_back(std::move(*listener));
  });
  return {};
}

void Acceptor::close(const Place& place) {
  const auto found = std::ranges::find(open_, place, &Open::place);
  // From now on the port is free; the descriptor is the control loop's to close.
  ::shutdown(found->fd, SHUT_RDWR);
  open_.erase(found);
  loop_.post([this, place] {
    const auto listener = std::ranges::find_if(listeners_, [&](const auto& l) { return l->place() == place; });
    if (listener != listeners_.end()) listeners_.erase(listener);
  });
}

Result<void> Acceptor::listen(const config::Config& config) {
  std::vector<std::pair<Place, std::string>> wanted;  // with the word of `bind`
  if (config.network.port != 0) {
    for (const std::string& bind : config.network.bind) {
      wanted.push_back({{Transport::kTcp, bind.starts_with('-') ? bind.substr(1) : bind, config.network.port}, bind});
    }
  }
  if (!config.network.unix_socket.empty()) wanted.push_back({{Transport::kUnix, config.network.unix_socket, 0}, {}});
  MutexLock lock(mutex_);
  const auto is_open = [&](const Place& place) ASH_REQUIRES(mutex_) {
    return std::ranges::find(open_, place, &Open::place) != open_.end();
  };
  std::vector<Place> closed;  // first, for an old socket may be in the way of a new one
  for (const Open& old : std::vector<Open>(open_)) {
    if (std::ranges::any_of(wanted, [&](const auto& w) { return w.first == old.place; })) continue;
    close(old.place);
    closed.push_back(old.place);
  }
  std::vector<Place> opened;
  for (const auto& [place, bind] : wanted) {
    if (is_open(place)) continue;
    auto done = open(config, place, bind);
    if (done) {
      opened.push_back(place);
      continue;
    }
    for (const Place& fresh : opened) {
      if (is_open(fresh)) close(fresh);
    }
    for (const Place& old : closed) {
      if (auto again = open(config, old, {}); !again) log::warning("{}", again.error().text());
    }
    return done;
  }
  return {};
}

void Acceptor::close() { listeners_.clear(); }

std::optional<std::string> Acceptor::refusal(const server::Accepted& connection) const {
  const auto config = config_.get();
  const std::size_t others = others_ ? others_() : 0;
  if (connected() + others >= config->clients.max_clients) {
    return others == 0 ? "-ERR max number of clients reached\r\n"
                       : "-ERR max number of clients + cluster connections reached\r\n";
  }
  if (config->network.protected_mode && users_.default_user()->rules().no_password && !connection.from_loopback) {
    return std::string(kProtectedMode);
  }
  return std::nullopt;
}

/// Who waits in the backlog stays there and keeps a socket ready, so that without a rest the loop would do nothing but
/// fail.
void Acceptor::rest(const Error& why) {
  if (!complained_ || loop_.now() - *complained_ >= kBetweenComplaints) {
    complained_ = loop_.now();
    log::warning("Accepting client connection: {}", why.text());
  }
  for (const auto& listener : listeners_) listener->set_interest(net::Interest::kNone);
  (void)loop_.call_after(kRest, [this] {
    for (const auto& listener : listeners_) listener->set_interest(net::Interest::kRead);
  });
}

void Acceptor::take(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto next = net::accept(listener.fd());
    if (!next) {
      rest(next.error());
      return;
    }
    if (!next->has_value()) return;
    net::Accepted& accepted = **next;
    server::Accepted connection;
    connection.id = new_id();
    connection.transport = listener.place().transport;
    if (connection.transport == Transport::kUnix) {
      connection.peer_address = connection.local_address = listener.place().address + ":0";
      connection.from_loopback = true;
    } else {
      connection.peer_address = net::to_string(accepted.peer);
      if (const auto local = net::local_endpoint(accepted.fd)) connection.local_address = net::to_string(*local);
      connection.from_loopback = is_loopback(accepted.peer.address);
      (void)net::set_nodelay(accepted.fd);  // slower without, still right
      const Seconds keepalive = config_.get()->network.tcp_keepalive;
      if (keepalive.count() > 0) (void)net::set_keepalive(accepted.fd, keepalive);
    }
    connection.fd = std::move(accepted.fd);
    log::verbose("Accepted {} id={}", connection.peer_address, connection.id.value);
    if (const auto text = refusal(connection)) {
      (void)net::write_some(connection.fd.get(), *text);
      rejected_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    received_.fetch_add(1, std::memory_order_relaxed);
    connected_.fetch_add(1, std::memory_order_relaxed);
    Worker& worker = workers_.least_loaded();
    worker.expect_client();
    worker.arrive(std::move(connection));
  }
}

}  // namespace ashlar::server
