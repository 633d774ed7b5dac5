#include "server/client_pause.h"

#include <algorithm>

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
  control_.post([this, end] { (void)control_.call_at(end, [this] { end_due(); }); });
}

void ClientPause::unpause(Holder holder) {
  {
    MutexLock lock(mutex_);
    std::optional<Hold>& hold = holds_[static_cast<std::size_t>(holder)];
    if (!hold) return;
    hold.reset();
    set_gates();
  }
  let_go();
}

void ClientPause::end_due() {
  {
    MutexLock lock(mutex_);
    for (std::optional<Hold>& hold : holds_) {
      if (hold && hold->end <= control_.now()) hold.reset();
    }
    set_gates();
  }
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
