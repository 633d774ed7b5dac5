#include "base/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string_view>

#include "base/log.h"

namespace ashlar::crash {

// GCC tells by a macro, Clang by a feature.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ASHLAR_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ASHLAR_SANITIZED
#endif

#ifdef ASHLAR_SANITIZED

void report() {}
void report_nothing() {}

#else

namespace {

constexpr std::array kDeadly = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/// Where reports go: one per process, as there is one set of signal handlers.
std::atomic<int>& target() {
  // tidy: allow(function-static): a signal handler is given nothing, and there is one set of them in a process
  static std::atomic<int> fd{STDOUT_FILENO};
  return fd;
}

// Only what a signal handler may call: no allocation, no locks.
void say(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(target().load(), text.data(), text.size());
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void say(int number) {
  std::array<char, 12> digits{};
  std::size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  say(std::string_view(digits.data() + at, digits.size() - at));
}

void on_signal(int number, siginfo_t* /*info*/, void* /*context*/) {
  // The words are those that tools look for in the log of a server that died.
  say("\n=== ASHLAR BUG REPORT START ===\nAshlar crashed by signal: ");
  say(number);
  say(", process ");
  say(::getpid());
  say("\n------ STACK TRACE ------\n");
  std::array<void*, 64> frames{};
  ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), static_cast<int>(frames.size())), target().load());
  say("\n=== ASHLAR BUG REPORT END ===\n");
  ::raise(number);  // its handler is the default one again
}

void handle(void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction action{};
  ::sigemptyset(&action.sa_mask);
  if (handler != nullptr) {
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | static_cast<int>(SA_RESETHAND) | SA_NODEFER;
  } else {
    action.sa_handler = SIG_DFL;
  }
  for (const int number : kDeadly) ::sigaction(number, &action, nullptr);
}

}  // namespace

void report() {
  target() = log::descriptor();
  void* frame = nullptr;
  (void)::backtrace(&frame, 1);  // loads what it needs now; in a handler it must not
  handle(&on_signal);
}

void report_nothing() { handle(nullptr); }

#endif

}  // namespace ashlar::crash
