#include "real_redis.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/time.h"
#include "fake_node.h"

namespace ashlar::cluster::bus {

namespace {

[[noreturn]] void become_server(std::uint16_t port, const std::string& folder) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int log = ::open((folder + "/log").c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  const std::string text = std::to_string(port);
  ::execlp("redis-server", "redis-server", "--port", text.c_str(), "--bind", "127.0.0.1", "--dir", folder.c_str(),
           "--save", "", "--cluster-enabled", "yes", "--cluster-node-timeout", "5000", nullptr);
  ::_exit(127);
}

}  // namespace

RealRedis::RealRedis(std::uint16_t port, pid_t pid, std::string folder)
    : port_(port), pid_(pid), folder_(std::move(folder)) {}

RealRedis::~RealRedis() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::unique_ptr<RealRedis> RealRedis::start(std::uint16_t port) {
  std::string folder = (std::filesystem::temp_directory_path() / "bus-peer-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return nullptr;
  const pid_t pid = ::fork();
  if (pid < 0) return nullptr;
  if (pid == 0) become_server(port, folder);
  std::unique_ptr<RealRedis> server(new RealRedis(port, pid, folder));
  const SystemClock clock;
  const MonoTime deadline = clock.mono() + Seconds(20);
  while (clock.mono() < deadline) {
    siginfo_t state{};
    if (::waitid(P_PID, static_cast<id_t>(pid), &state, WEXITED | WNOHANG | WNOWAIT) != 0 || state.si_pid != 0) {
      return nullptr;
    }
    server->client_ = connect_to(port);
    if (server->client_ && server->ask("PING") == "PONG") return server;
    ::poll(nullptr, 0, 20);  // a closed port gives nothing to wait for
  }
  return nullptr;
}

std::string RealRedis::ask(const std::string& command) {
  const std::string line = command + "\r\n";
  if (::send(client_.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) return {};
  std::string reply;
  for (;;) {
    const std::size_t end = reply.find("\r\n");
    if (end != std::string::npos) {
      if (reply[0] == '+' || reply[0] == ':') return reply.substr(1, end - 1);
      if (reply[0] == '-') return reply.substr(0, end);
      const std::size_t size = std::strtoul(reply.c_str() + 1, nullptr, 10);
      if (reply.size() >= end + 2 + size + 2) return reply.substr(end + 2, size);
    }
    std::array<char, 4096> bytes;
    if (!readable(client_, Seconds(5))) return {};
    const ssize_t size = ::recv(client_.get(), bytes.data(), bytes.size(), 0);
    if (size <= 0) return {};
    reply.append(bytes.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace ashlar::cluster::bus
