/// Ends the server in order: replicas get what they lack, what must be saved is saved, and a failure to save keeps it
/// running. Thread: request() and abort() any; the rest control.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/sync.h"
#include "base/time.h"
#include "net/event_loop.h"

namespace ashlar::server {

struct ShutdownRequest {
  enum class Save : std::uint8_t { kAsConfigured, kSave, kNoSave };
  Save save = Save::kAsConfigured;
  bool now = false;    // do not wait for replicas
  bool force = false;  // go even if saving fails
  /// Called on the control thread when the shutdown was given up.
  std::function<void(const Error&)> on_failure = {};
};

class Shutdown {
 public:
  struct Parts {
    /// Does what has to be done before the process ends (saving, closing files). An error keeps the server running.
    std::function<Result<void>(const ShutdownRequest&)> finish;
    /// How many replicas there are, and how many of them lack a part of the stream.
    struct Replicas {
      std::size_t all = 0;
      std::size_t lagging = 0;
    };
    std::function<Replicas()> replicas;
    /// How long to wait for them (shutdown-timeout).
    std::function<Seconds()> timeout;
    /// Holds the writes of clients back meanwhile, or lets them go.
    enum class Hold : std::uint8_t { kBegins, kEnds };
    std::function<void(Hold)> hold_writes;
    /// What is to be saved waits for a script that runs, kLong: for longer than most, kOverdue: for too long. The
    /// control thread should not wait with it, for it lets in those who could end the script; should it do so
    /// nevertheless, a shutdown without saving, which is the way out then, ends the process without that thread.
    /// Thread: any.
    enum class Script : std::uint8_t { kNone, kLong, kOverdue };
    std::function<Script()> script;
  };
  explicit Shutdown(net::EventLoop& control) : control_(control) {}
  ~Shutdown();
  void connect(Parts parts) { parts_ = std::move(parts); }

  void request(ShutdownRequest request);
  /// Gives up a shutdown that waits; `answer`, on the control thread, is told whether there was one.
  enum class Aborted : std::uint8_t { kNothing, kShutdown };
  void abort(std::function<void(Aborted)> answer);
  /// When a shutdown that waits for replicas goes on without them; nullopt while none waits. Thread: any.
  [[nodiscard]] std::optional<MonoTime> waits_until() const noexcept {
    const Micros at(waits_until_.load());
    return at.count() == 0 ? std::nullopt : std::optional(MonoTime(at));
  }

 private:
  enum class Told : std::uint8_t { kNotYet, kAlready };  // the log, that a script is waited for
  void carry_out(ShutdownRequest request, Told told);
  [[nodiscard]] Parts::Script script() const;
  void leave_unless_heard();
  void note_heard();
  void look_again();
  void end_wait();
  void complete(const ShutdownRequest& request);
  void give_up(const ShutdownRequest& request, const Error& why);

  net::EventLoop& control_;
  Parts parts_;
  std::optional<ShutdownRequest> waiting_;
  std::vector<std::function<void(const Error&)>> also_waiting_;  // who asked for the same meanwhile
  std::atomic<std::int64_t> waits_until_{0};                     // deadline_ in microseconds, while there is one
  MonoTime deadline_;
  bool ended_ = false;
  Mutex mutex_;
  CondVar changed_;
  std::uint64_t heard_ ASH_GUARDED_BY(mutex_) = 0;  // requests that the control thread has taken up
  bool waits_ ASH_GUARDED_BY(mutex_) = false;       // patience_ does
  Thread patience_ ASH_GUARDED_BY(mutex_);          // in leave_unless_heard(); last: it uses the others
};

}  // namespace ashlar::server
