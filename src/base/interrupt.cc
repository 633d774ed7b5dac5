#include "base/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"
#include "base/scheduling.h"
#include "base/sync.h"

namespace ashlar {
namespace {

void on_signal(int, siginfo_t* info, void*) {
  if (info->si_code != SI_QUEUE || info->si_pid != ::getpid()) return;  // another process: its pointer means nothing
  const int saved = errno;
  const auto& interruption = *static_cast<const Interruption*>(info->si_value.sival_ptr);
  interruption.run(interruption.what);
  errno = saved;
}

}  // namespace

void allow_interruptions() {
  struct sigaction action{};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ASH_CHECK(::sigaction(SIGRTMIN, &action, nullptr) == 0);
}

void interrupt_thread(pthread_t thread, const Interruption& interruption) {
  sigval value{};
  value.sival_ptr = const_cast<Interruption*>(&interruption);
  while (::pthread_sigqueue(thread, SIGRTMIN, value) == EAGAIN) yield_core();  // too many signals wait
}

}  // namespace ashlar
