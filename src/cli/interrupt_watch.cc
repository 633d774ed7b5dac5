#include "cli/interrupt_watch.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace ashlar::cli {

InterruptWatch::InterruptWatch(Session& session) : session_(session) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  ::sigprocmask(SIG_BLOCK, &interrupt, &before_);
  signals_ = Fd(::signalfd(-1, &interrupt, SFD_NONBLOCK | SFD_CLOEXEC));
  if (signals_) session_.set_stop_signal(signals_.get());
}

InterruptWatch::~InterruptWatch() {
  session_.set_stop_signal(std::nullopt);
  // One that came is taken, so that it does not kill the program now.
  signalfd_siginfo info;
  if (signals_) static_cast<void>(!::read(signals_.get(), &info, sizeof info));
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool InterruptWatch::seen() const {
  pollfd p{.fd = signals_.get(), .events = POLLIN, .revents = 0};
  return signals_ && ::poll(&p, 1, 0) > 0;
}

void InterruptWatch::pause_for(Micros duration) const {
  // Without a signal descriptor (-1) this is a plain pause.
  pollfd p{.fd = signals_ ? signals_.get() : -1, .events = POLLIN, .revents = 0};
  ::poll(&p, 1, static_cast<int>(std::chrono::ceil<Millis>(duration).count()));
}

}  // namespace ashlar::cli
