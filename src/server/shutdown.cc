#include "server/shutdown.h"

#include <cstdlib>
#include <utility>

#include "base/log.h"

namespace ashlar::server {

namespace {
constexpr Millis kLookPeriod{50};
constexpr int kLooks = 20;
}  // namespace

void Shutdown::request(ShutdownRequest request) {
  if (request.save == ShutdownRequest::Save::kNoSave && script() == Parts::Script::kOverdue) leave_unless_heard();
  control_.post([this, request = std::move(request)]() mutable { carry_out(std::move(request), Told::kNotYet); });
}

Shutdown::~Shutdown() { note_heard(); }

void Shutdown::note_heard() {
  MutexLock lock(mutex_);
  ++heard_;
  changed_.notify_all();
}

void Shutdown::leave_unless_heard() {
  Thread former;  // has ended, or is about to: joined behind the lock
  MutexLock lock(mutex_);
  if (waits_) return;  // one is enough: it ends the process, or the control thread does
  auto patience = Thread::start("last-way-out", [this, before = heard_] {
    MutexLock waiting(mutex_);
    for (int look = 0; heard_ == before && look < kLooks; ++look) (void)changed_.wait_for(mutex_, kLookPeriod);
    waits_ = false;
    if (heard_ != before || script() != Parts::Script::kOverdue) return;
    // What was acknowledged is with the kernel, or on the disk where that was promised.
    log::warning("User requested shutdown without saving while a script runs on: ending at once.");
    std::_Exit(0);
  });
  if (!patience) return;
  waits_ = true;
  former = std::exchange(patience_, std::move(*patience));
}

Shutdown::Parts::Script Shutdown::script() const { return parts_.script ? parts_.script() : Parts::Script::kNone; }

void Shutdown::carry_out(ShutdownRequest request, Told told) {
  note_heard();
  if (request.save != ShutdownRequest::Save::kNoSave && script() != Parts::Script::kNone) {
    if (told == Told::kNotYet) log::notice("Waiting for a script to end before shutting down.");
    (void)control_.call_after(
        kLookPeriod, [this, request = std::move(request)]() mutable { carry_out(std::move(request), Told::kAlready); });
    return;
  }
  log::warning("User requested shutdown...");
  if (waiting_) {
    if (!request.now && request.on_failure) {  // goes the way of the first
      also_waiting_.push_back(std::move(request.on_failure));
      return;
    }
    request.now = true;  // a second signal, or NOW: no more waiting
    end_wait();
  }
  const std::size_t lagging = parts_.replicas ? parts_.replicas().lagging : 0;
  const Seconds timeout = parts_.timeout ? parts_.timeout() : Seconds(0);
  if (request.now || lagging == 0 || timeout.count() == 0) return complete(request);
  log::notice("Waiting for replicas before shutting down.");
  waiting_ = std::move(request);
  deadline_ = control_.now() + timeout;
  waits_until_ = deadline_.time_since_epoch().count();
  parts_.hold_writes(Parts::Hold::kBegins);
  look_again();
}

void Shutdown::look_again() {
  (void)control_.call_after(kLookPeriod, [this] {
    if (!waiting_) return;
    if (parts_.replicas().lagging > 0 && control_.now() < deadline_) return look_again();
    const ShutdownRequest request = std::move(*waiting_);
    waiting_.reset();
    waits_until_ = 0;
    complete(request);  // the writes stay held: nothing may come behind what the replicas have
    if (!ended_) parts_.hold_writes(Parts::Hold::kEnds);
  });
}

void Shutdown::end_wait() {
  waiting_.reset();
  waits_until_ = 0;
  parts_.hold_writes(Parts::Hold::kEnds);
}

void Shutdown::give_up(const ShutdownRequest& request, const Error& why) {
  if (request.on_failure) request.on_failure(why);
  for (const auto& answer : std::exchange(also_waiting_, {})) answer(why);
}

void Shutdown::abort(std::function<void(Aborted)> answer) {
  control_.post([this, answer = std::move(answer)] {
    if (!waiting_) return answer(Aborted::kNothing);
    const ShutdownRequest request = std::move(*waiting_);
    end_wait();
    log::notice("Shutdown manually aborted.");
    give_up(request, Error{ErrorCode::kGeneric, "aborted"});
    answer(Aborted::kShutdown);
  });
}

void Shutdown::complete(const ShutdownRequest& request) {
  // Words that tools look for.
  if (const auto replicas = parts_.replicas ? parts_.replicas() : Parts::Replicas{}; replicas.all > 0) {
    if (replicas.lagging > 0) log::notice("Lagging replicas when shutting down: {}.", replicas.lagging);
    log::notice("{} of {} replicas are in sync when shutting down.", replicas.all - replicas.lagging, replicas.all);
  }
  if (parts_.finish) {
    if (auto finished = parts_.finish(request); !finished) {
      log::warning("{}", finished.error().text());
      if (!request.force) {
        log::warning("Errors trying to shut down the server. Check the logs for more information.");
        give_up(request, finished.error());
        return;
      }
    }
  }
  ended_ = true;
  control_.stop();
}

}  // namespace ashlar::server
