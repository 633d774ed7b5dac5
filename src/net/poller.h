/// What the event loop needs from the kernel: which of many descriptors are ready.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/error.h"
#include "base/time.h"

namespace ashlar::net {

/// What a watcher wants to hear about. Failures and hang-ups are always reported.
enum class Interest : std::uint8_t { kNone, kRead, kWrite, kReadWrite };

/// When a watcher hears about it.
enum class Trigger : std::uint8_t {
  kLevel,  // in every turn in which it is so
  kEdge,   // when it becomes so, and after a change of interest or ask_again(): saves the kernel from looking again
};

/// What a descriptor can do now without blocking. After a failure or hang-up both directions count as ready, so that
/// the next read or write tells what happened.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool failed = false;  // error or hang-up of both directions
  bool ended = false;   // the peer sends no more than what is there to be read
};

/// Readiness of descriptors. Thread: the loop's only.
class Poller {
 public:
  /// Handed back with each event; the poller does not look at it.
  using Token = std::uint64_t;
  struct Ready {
    Token token;
    Readiness readiness;
  };

  virtual ~Poller() = default;
  /// Errors: kIo (a descriptor that cannot be polled, or the kernel's limits).
  [[nodiscard]] virtual Result<void> add(int fd, Interest interest, Trigger trigger, Token token) = 0;
  /// `fd` was added before and is still open. What is so already is reported, by an edge too.
  virtual void modify(int fd, Interest interest, Trigger trigger, Token token) noexcept = 0;
  /// `fd` was added before and is still open. Events already returned by wait() stay in its span.
  virtual void remove(int fd) noexcept = 0;
  /// Waits until something is ready or `timeout` has passed; without a timeout for as long as it takes. A signal ends
  /// the wait with nothing. The span lives until the next call.
  [[nodiscard]] virtual std::span<const Ready> wait(std::optional<Micros> timeout) noexcept = 0;
  /// Lets `time` pass, about; what becomes ready meanwhile is there for wait(). A signal may end it early.
  virtual void rest(Micros time) noexcept = 0;
};

/// Errors: kIo.
[[nodiscard]] Result<std::unique_ptr<Poller>> make_epoll_poller();

}  // namespace ashlar::net
