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
  /// Whether a turn has recorded something.
  enum class Turn : std::uint8_t { kWrote, kRead };
  /// Hands what the turn has recorded to the system, unless the replies must wait for the disk anyway, and tells what
  /// becomes of them; of everything recorded before the call, by any thread. Before anybody hears of the turn, with
  /// nothing locked. Cost: one load, under `always` a few; a write(2) for a turn that wrote.
  [[nodiscard]] virtual Promised settle(Turn turn) = 0;
  /// Asks for everything before `position` to be written and synced; all loops that wait are told then.
  virtual void want(std::uint64_t position) = 0;
  /// The same at once for all that was recorded, under `always`: waits for the disk. What failed shows in settle().
  virtual void sync() = 0;
  [[nodiscard]] virtual aof::Reach reach() const = 0;
};

}  // namespace ashlar::server
