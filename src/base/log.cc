#include "base/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "base/fd.h"
#include "base/sync.h"

namespace ashlar::log {
namespace {

/// Which file a descriptor or a path leads to, whatever its name is now.
struct Inode {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const Inode&) const = default;
};

/// All state of the log; one per process because a log line may come from any thread at any time.
struct State {
  std::atomic<Level> level{Level::kNotice};
  std::atomic<char> role{static_cast<char>(Role::kPrimary)};
  std::atomic<int> descriptor{STDOUT_FILENO};
  Mutex mutex;
  std::string path ASH_GUARDED_BY(mutex);  // absolute; empty: standard output
  Inode inode ASH_GUARDED_BY(mutex);       // of the open file
};

State& state() {
  static State* const kState = new State;  // never destroyed: threads may log while the process exits
  return *kState;
}

Fd open_file(const std::string& path) {
  return Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
}

Inode inode_of(int fd) {
  struct stat st{};
  return ::fstat(fd, &st) == 0 ? Inode{st.st_dev, st.st_ino} : Inode{};
}

/// Whoever rotates logs renames the file or removes it, and expects the next line in a new one. While that cannot be
/// opened, the old one goes on. The descriptor keeps its number.
void follow_path(State& s) ASH_REQUIRES(s.mutex) {
  if (s.path.empty()) return;
  struct stat st{};
  if (::stat(s.path.c_str(), &st) == 0 && Inode{st.st_dev, st.st_ino} == s.inode) return;
  const Fd fresh = open_file(s.path);
  if (fresh && ::dup3(fresh.get(), s.descriptor, O_CLOEXEC) >= 0) s.inode = inode_of(s.descriptor);
}

/// What cannot be written (a full disk) is left out: the server goes on without it.
void put(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

constexpr char mark(Level level) {
  switch (level) {
    case Level::kDebug: return '.';
    case Level::kVerbose: return '-';
    case Level::kNotice: return '*';
    case Level::kWarning:
    case Level::kNothing: return '#';
  }
  return '#';
}

}  // namespace

Result<void> open(const std::string& path) {
  State& s = state();
  MutexLock lock(s.mutex);
  if (path.empty()) {
    s.path.clear();
    s.descriptor = STDOUT_FILENO;
    return {};
  }
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(path, error);
  if (error) return fail_errno("getcwd", path, error.value());
  Fd file = open_file(absolute);
  if (!file) return fail_errno("open", path, errno);
  s.path = absolute;
  s.inode = inode_of(file.get());
  s.descriptor = file.release();
  return {};
}

int descriptor() noexcept { return state().descriptor; }
void set_level(Level level) noexcept { state().level.store(level, std::memory_order_relaxed); }
Level level() noexcept { return state().level.load(std::memory_order_relaxed); }
void set_role(Role role) noexcept { state().role.store(static_cast<char>(role), std::memory_order_relaxed); }

void write(Level level, std::string_view text) {
  timespec ts{};
  ::clock_gettime(CLOCK_REALTIME, &ts);
  tm local{};
  ::localtime_r(&ts.tv_sec, &local);
  char stamp[64];
  std::strftime(stamp, sizeof stamp, "%d %b %Y %H:%M:%S", &local);
  const std::string line =
      fmt::format("{}:{} {}.{:03} {} {}\n", ::getpid(), state().role.load(std::memory_order_relaxed), stamp,
                  ts.tv_nsec / 1'000'000, mark(level), text);
  State& s = state();
  MutexLock lock(s.mutex);
  follow_path(s);
  put(s.descriptor, line);
}

}  // namespace ashlar::log
