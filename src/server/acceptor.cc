#include "server/acceptor.h"

#include <fmt/format.h>

#include "base/log.h"
#include "net/connection_io.h"

namespace ashlar::server {
namespace {

constexpr int kAcceptsPerTurn = 256;
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
  Listener(Acceptor& owner, Fd fd, Transport transport, std::string path)
      : owner_(owner), fd_(std::move(fd)), transport_(transport), path_(std::move(path)) {}
  ~Listener() {
    watch_ = {};
    if (transport_ == Transport::kUnix) ::unlink(path_.c_str());
  }
  [[nodiscard]] Result<void> watch(net::EventLoop& loop) {
    ASH_TRY(watch_, loop.watch(fd_.get(), net::Interest::kRead, *this));
    return {};
  }
  void on_ready(net::Readiness) noexcept override { owner_.take(*this); }
  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
  [[nodiscard]] Transport transport() const noexcept { return transport_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  Acceptor& owner_;
  Fd fd_;
  Transport transport_;
  std::string path_;
  net::Watch watch_;
};

Acceptor::Acceptor(net::EventLoop& loop, WorkerPool& workers, const Published<config::Config>& config,
                   const acl::Users& users)
    : loop_(loop), workers_(workers), config_(config), users_(users) {}

Acceptor::~Acceptor() = default;

Result<void> Acceptor::listen(const config::Config& config) {
  std::vector<std::unique_ptr<Listener>> fresh;
  const auto backlog = static_cast<int>(config.network.tcp_backlog);
  const auto add = [&](Fd fd, Transport transport, const std::string& path) -> Result<void> {
    fresh.push_back(std::make_unique<Listener>(*this, std::move(fd), transport, path));
    return fresh.back()->watch(loop_);
  };
  if (config.network.port != 0) {
    for (const std::string& bind : config.network.bind) {
      const bool optional = bind.starts_with('-');
      const std::string address = optional ? bind.substr(1) : bind;
      auto fd = net::listen_tcp(address, config.network.port, backlog);
      if (!fd) {
        if (optional && fd.error().code == ErrorCode::kNotFound) continue;
        return fail(ErrorCode::kIo, fmt::format("Could not create server TCP listening socket {}:{}: {}", address,
                                                config.network.port, fd.error().text()));
      }
      ASH_TRY_VOID(add(std::move(*fd), Transport::kTcp, {}));
    }
  }
  if (!config.network.unix_socket.empty()) {
    const auto mode = config.network.unix_socket_mode;
    auto fd =
        net::listen_unix(config.network.unix_socket, mode == 0 ? std::nullopt : std::optional<mode_t>(mode), backlog);
    if (!fd) return fail(ErrorCode::kIo, fmt::format("Failed opening Unix socket: {}", fd.error().text()));
    ASH_TRY_VOID(add(std::move(*fd), Transport::kUnix, config.network.unix_socket));
  }
  listeners_ = std::move(fresh);
  return {};
}

void Acceptor::close() { listeners_.clear(); }

std::optional<std::string> Acceptor::refusal(const server::Accepted& connection) const {
  const auto config = config_.get();
  if (connected() >= config->clients.max_clients) return "-ERR max number of clients reached\r\n";
  if (config->network.protected_mode && users_.default_user()->rules().no_password && !connection.from_loopback) {
    return std::string(kProtectedMode);
  }
  return std::nullopt;
}

void Acceptor::take(const Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto next = net::accept(listener.fd());
    if (!next) {
      log::warning("Accepting client connection: {}", next.error().text());
      return;
    }
    if (!next->has_value()) return;
    net::Accepted& accepted = **next;
    server::Accepted connection;
    connection.id = ClientId{next_id_++};
    connection.transport = listener.transport();
    if (listener.transport() == Transport::kUnix) {
      connection.peer_address = connection.local_address = listener.path() + ":0";
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
