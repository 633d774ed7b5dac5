/// SIGINT as something to wait for, while a session does what the user may want to stop. Thread: one.
#pragma once

#include <csignal>

#include "base/fd.h"
#include "base/time.h"
#include "cli/session.h"

namespace ashlar::cli {

/// While it lives SIGINT does not end the program: it ends the waits of the session for the server, whose connection is
/// lost then, and the pauses of this object.
class InterruptWatch {
 public:
  /// `session` is borrowed and outlives the watch. One at a time.
  explicit InterruptWatch(Session& session);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  /// True once the user asked to stop.
  [[nodiscard]] bool seen() const;
  /// Sleeps, but not on after the user asked to stop.
  void pause_for(Micros duration) const;

 private:
  Session& session_;
  sigset_t before_{};
  Fd signals_;
};

}  // namespace ashlar::cli
