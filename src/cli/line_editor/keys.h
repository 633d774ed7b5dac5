/// Terminal bytes -> keys. Pure: no terminal, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ashlar::cli {

enum class KeyKind : std::uint8_t {
  kText,  // one character, UTF-8
  kEnter,
  kTab,
  kBackspace,
  kDelete,
  kLeft,
  kRight,
  kUp,
  kDown,
  kHome,
  kEnd,
  kWordLeft,
  kWordRight,
  kKillToEnd,    // ctrl-k
  kKillToStart,  // ctrl-u
  kKillWord,     // ctrl-w
  kTranspose,    // ctrl-t
  kClearScreen,  // ctrl-l
  kSearch,       // ctrl-r
  kInterrupt,    // ctrl-c
  kEndOfInput,   // ctrl-d
  kEscape,       // the escape key, or ctrl-g
  kUnknown,      // a sequence that means nothing here
};

struct Key {
  KeyKind kind;
  std::string text;  // of kText
  bool operator==(const Key&) const = default;
};

/// Decodes UTF-8 and the escape sequences of common terminals, a byte at a time. Thread: one.
class KeyDecoder {
 public:
  /// The key that `byte` completes, if any.
  [[nodiscard]] std::optional<Key> feed(char byte);
  /// True while a key is cut in half: after a pause of some tens of milliseconds call flush().
  [[nodiscard]] bool is_waiting() const noexcept { return !pending_.empty(); }
  /// What the half of a key means when nothing follows: a lone escape byte is the escape key.
  [[nodiscard]] std::optional<Key> flush();

 private:
  [[nodiscard]] std::optional<Key> feed_first(char byte);
  [[nodiscard]] std::optional<Key> feed_escape();
  [[nodiscard]] std::optional<Key> feed_text();

  std::string pending_;
};

}  // namespace ashlar::cli
