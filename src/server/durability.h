/// What `appendfsync` promises of replies, as the loops see it. Positions count the bytes of the append-only file's
/// stream. Thread: any.
#pragma once

#include <cstdint>

#include "aof/aof_writer.h"
#include "base/ids.h"

namespace ashlar::server {

/// Output of one turn for one client that waits for the disk.
struct Sealed {
  std::uint64_t position;  // up to which the log must be durable
  ClientId client;
  std::uint64_t end;          // the place behind its last byte, counted as Client counts them
  std::uint32_t arrangement;  // of the client's bytes, for which `end` is right
  bool wrote;                 // a reply of a write is among it
};

class Durability {
 public:
  virtual ~Durability() = default;

  /// Whether others than those of this turn are there whom a loop that waits for the disk would keep waiting.
  enum class Others : std::uint8_t { kNone, kSome };
  /// Hands to the system what was recorded; before anybody hears of it. Under `always` it asks for its sync as well or,
  /// where nobody else waits, does it: that saves a hand-over to another thread and back. Waits for the disk: only with
  /// nothing locked. What failed shows in promised().
  virtual void write(Others others) = 0;

  /// What becomes of replies that are about to leave.
  enum class Promise : std::uint8_t {
    kKept,    // they may
    kOpen,    // they may when all before `position` is durable
    kBroken,  // those of writes must not leave at all; what is read may, for the data is there
  };
  struct Promised {
    Promise promise = Promise::kKept;
    std::uint64_t position = 0;
  };
  /// Of everything recorded before the call, by any thread. Cost: one load, under `always` a few.
  [[nodiscard]] virtual Promised promised() const = 0;
  /// Asks for everything before `position` to be durable soon; somebody tells all loops then.
  virtual void want(std::uint64_t position) = 0;
  [[nodiscard]] virtual aof::Reach reach() const = 0;
};

}  // namespace ashlar::server
