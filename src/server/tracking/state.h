/// What a connection asked for with CLIENT TRACKING. Thread: the connection's loop.
/// Source: CLIENT TRACKING, CLIENT CACHING and "Client-side caching in Redis".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"

namespace ashlar::server::tracking {

/// Whose changes a connection hears of.
enum class Mode : std::uint8_t {
  kEveryRead,  // keys that it has read
  kOptIn,      // of those, keys read right after CLIENT CACHING YES
  kOptOut,     // of those, all but keys read right after CLIENT CACHING NO
  kBroadcast,  // all keys that begin with one of its prefixes, read or not
};
/// Whether it hears of its own changes.
enum class OwnChanges : std::uint8_t { kTold, kNotTold };

struct State {
  Mode mode = Mode::kEveryRead;
  OwnChanges own_changes = OwnChanges::kTold;
  std::optional<ClientId> redirect;   // where invalidations go instead
  bool redirect_broken = false;       // that connection is gone
  bool caching_said = false;          // CLIENT CACHING has been said for the next command
  std::vector<std::string> prefixes;  // kBroadcast only; "" matches every key

  /// Whether the keys that a command reads now are to be remembered.
  [[nodiscard]] bool remembers() const noexcept {
    switch (mode) {
      case Mode::kEveryRead: return true;
      case Mode::kOptIn: return caching_said;
      case Mode::kOptOut: return !caching_said;
      case Mode::kBroadcast: return false;
    }
    return false;
  }
};

}  // namespace ashlar::server::tracking
