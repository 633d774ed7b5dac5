#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "base/sync.h"

namespace ashlar::log {
namespace {

/// All state of the log; one per process because a log line may come from any thread at any time.
struct State {
  std::atomic<Level> level{Level::kNotice};
  std::atomic<char> role{static_cast<char>(Role::kPrimary)};
  Mutex mutex;
  std::shared_ptr<spdlog::sinks::sink> sink ASH_GUARDED_BY(mutex);
};

State& state() {
  static State* const kState = [] {  // never destroyed: threads may log while the process exits
    auto* s = new State;
    s->sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    s->sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
    return s;
  }();
  return *kState;
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

bool open(const std::string& path) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (path.empty()) {
    sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path);
    } catch (const spdlog::spdlog_ex&) {  // adapter of a throwing library: the error stops here
      return false;
    }
  }
  sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v"));
  MutexLock lock(state().mutex);
  state().sink = std::move(sink);
  return true;
}

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
  const std::string line = fmt::format("{}:{} {}.{:03} {} {}", ::getpid(), state().role.load(std::memory_order_relaxed),
                                       stamp, ts.tv_nsec / 1'000'000, mark(level), text);
  const spdlog::details::log_msg message(spdlog::string_view_t{}, spdlog::level::info,
                                         spdlog::string_view_t(line.data(), line.size()));
  MutexLock lock(state().mutex);
  state().sink->log(message);
  state().sink->flush();
}

}  // namespace ashlar::log
