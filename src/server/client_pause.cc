#include "server/client_pause.h"

#include <algorithm>
#include <utility>

namespace ashlar::server {

void ClientPause::pause(Holder holder, Scope scope, MonoTime end) {
  {
    MutexLock lock(mutex_);
    std::optional<Hold>& hold = holds_[static_cast<std::size_t>(holder)];
    if (hold) {
      if (scope == Scope::kAll) hold->scope = scope;
      hold->end = std::max(hold->end, end);
    } else {
      hold = Hold{scope, end};
    }
    set_gates();
  }
  control_.post([this] { arm(); });
}

void ClientPause::unpause(Holder holder) {
  {
    MutexLock lock(mutex_);
    std::optional<Hold>& hold = holds_[static_cast<std::size_t>(holder)];
    if (!hold) return;
    hold.reset();
    set_gates();
  }
  control_.post([this] { arm(); });
  let_go();
}

void ClientPause::arm() {
  if (timer_) (void)control_.cancel(*std::exchange(timer_, std::nullopt));
  std::optional<MonoTime> next;
  {
    MutexLock lock(mutex_);
    for (const std::optional<Hold>& hold : holds_) {
      if (hold) next = next ? std::min(*next, hold->end) : hold->end;
    }
  }
  if (next) timer_ = control_.call_at(*next, [this] { end_due(); });
}

void ClientPause::end_due() {
  timer_.reset();
  {
    MutexLock lock(mutex_);
    for (std::optional<Hold>& hold : holds_) {
      if (hold && hold->end <= control_.now()) hold.reset();
    }
    set_gates();
  }
  arm();
  let_go();
}

void ClientPause::set_gates() {
  const auto wants = [this](Scope scope) {
    return std::ranges::any_of(holds_, [&](const auto& hold) { return hold && hold->scope == scope; });
  };
  wants(Scope::kAll) ? gates_.close(Gate::kAllPaused) : gates_.open(Gate::kAllPaused);
  wants(Scope::kWrites) ? gates_.close(Gate::kWritesPaused) : gates_.open(Gate::kWritesPaused);
}

void ClientPause::let_go() {
  // Those who are still paused run into the gate again and wait on.
  workers_.broadcast([](Worker& worker) { worker.unpause(); });
}

}  // namespace ashlar::server
