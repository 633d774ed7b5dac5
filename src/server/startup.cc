#include "server/startup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/fd.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/file_limit.h"
#include "server/run_state.h"

namespace ashlar::server {
namespace {

constexpr std::string_view kUsage =
    "Usage: ashlar-server [/path/to/redis.conf] [--directive value ...]\n"
    "       ashlar-server - (directives are read from standard input)\n"
    "       ashlar-server -v or --version\n"
    "       ashlar-server -h or --help\n\n"
    "Examples:\n"
    "       ashlar-server\n"
    "       ashlar-server /etc/ashlar/6379.conf\n"
    "       ashlar-server --port 7777 --threads 2\n"
    "       ashlar-server --port 7777 --replicaof 127.0.0.1 8888\n";

std::string read_standard_input() {
  std::string text;
  char chunk[4096];
  for (std::size_t n = 0; (n = std::fread(chunk, 1, sizeof chunk, stdin)) > 0;) text.append(chunk, n);
  return text;
}

/// Leaves the terminal. The parent exits at once, as users of `daemonize yes` expect.
Result<void> detach() {
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork", {}, errno);
  if (pid > 0) ::_exit(0);
  ::setsid();
  const Fd null(::open("/dev/null", O_RDWR));
  if (null) {
    for (const int target : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), target);
  }
  return {};
}

std::string pid_path(const config::Config& config) {
  if (!config.process.pid_file.empty()) return config.process.pid_file;
  return config.process.daemonize ? "/var/run/redis.pid" : "";
}

void tell_systemd(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (path[0] == '@') address.sun_path[0] = '\0';
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  (void)::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

/// Lowers `maxclients` to what there are files for.
Result<void> fit_max_clients(config::Config& config) {
  std::uint32_t& clients = config.clients.max_clients;
  const std::uint32_t room = make_room_for_clients(clients, config.process.threads);
  if (room == 0) return fail("The limit of open files ('ulimit -n') is too low for the server to start");
  if (room < clients) {
    log::warning(
        "maxclients has been reduced from {} to {}: the system allows no more open files. For more clients, raise "
        "'ulimit -n'.",
        clients, room);
  }
  clients = room;
  return {};
}

}  // namespace

std::optional<int> answer_without_server(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) return std::nullopt;
  if (arguments[0] == "-v" || arguments[0] == "--version") {
    std::fputs(fmt::format("Ashlar server v={} redis={} bits=64\n", kAshlarVersion, kRedisVersion).c_str(), stdout);
    return 0;
  }
  if (arguments[0] == "-h" || arguments[0] == "--help") {
    std::fputs(std::string(kUsage).c_str(), stdout);
    return 0;
  }
  return std::nullopt;
}

config::LoadInput load_input(std::vector<std::string> arguments) {
  config::LoadInput input;
  if (config::wants_standard_input(arguments)) input.standard_input = read_standard_input();
  input.arguments = std::move(arguments);
  char* directory = ::getcwd(nullptr, 0);
  input.working_directory = directory == nullptr ? "/" : directory;
  std::free(directory);
  input.processors = static_cast<std::uint32_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  input.program = fmt::format("Ashlar {}", kAshlarVersion);
  return input;
}

config::Supervision supervisor(const config::Config& config) {
  using Supervision = config::Supervision;
  const Supervision admitted = config.process.supervised;
  const auto is = [&](Supervision who, const char* sign) {
    return (admitted == who || admitted == Supervision::kAuto) && std::getenv(sign) != nullptr;
  };
  if (is(Supervision::kUpstart, "UPSTART_JOB")) return Supervision::kUpstart;
  return is(Supervision::kSystemd, "NOTIFY_SOCKET") ? Supervision::kSystemd : Supervision::kNone;
}

Result<void> prepare_process(config::Config& config) {
  if (::chdir(config.snapshot.directory.c_str()) != 0) {
    return fail_errno("Can't chdir to", config.snapshot.directory, errno);
  }
  // Before the first thread starts: all inherit it, so that only the control loop ever hears of them.
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigaddset(&stop, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  if (auto opened = log::open(config.log.file); !opened) {
    return fail(fmt::format("Can't open the log file: {}", opened.error().text()));
  }
  ASH_TRY_VOID(fit_max_clients(config));  // while an error still has somebody to read it
  // Who is supervised stays where the supervisor sees it.
  if (config.process.daemonize && supervisor(config) == config::Supervision::kNone) ASH_TRY_VOID(detach());
  allocator_purge_in_background();
  log::notice("Ashlar {} (as Redis {}) is starting", kAshlarVersion, kRedisVersion);
  return {};
}

void announce_ready(const config::Config& config) {
  if (supervisor(config) != config::Supervision::kSystemd) return;
  tell_systemd("STATUS=Ready to accept connections\nREADY=1\n");
}

void announce_end(const config::Config& config) {
  if (supervisor(config) == config::Supervision::kSystemd) tell_systemd("STOPPING=1\n");
}

PidFile::PidFile(const config::Config& config) {
  std::string path = pid_path(config);
  if (path.empty()) return;
  std::error_code error;
  path = std::filesystem::absolute(path, error);  // `dir` may change
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    log::warning("Failed to write PID file: {}", std::strerror(errno));
    return;
  }
  std::fputs(fmt::format("{}\n", ::getpid()).c_str(), file);
  std::fclose(file);
  path_ = std::move(path);
}

PidFile::~PidFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace ashlar::server
