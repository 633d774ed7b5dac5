#include "cli/line_editor/keys.h"

#include <utility>

namespace ashlar::cli {
namespace {

constexpr char kEscapeByte = '\x1b';
constexpr std::size_t kLongestSequence = 16;  // longer ones are no key

/// Bytes of the UTF-8 character that `lead` begins; 1 for a byte that begins none, which then stands for itself.
std::size_t utf8_length(unsigned char lead) {
  if (lead >= 0xf0 && lead < 0xf8) return 4;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xc0 && lead < 0xe0 ? 2 : 1;
}

Key key(KeyKind kind) { return Key{kind, {}}; }

KeyKind control_key(char byte) {
  switch (byte) {
    case 1: return KeyKind::kHome;
    case 2: return KeyKind::kLeft;
    case 3: return KeyKind::kInterrupt;
    case 4: return KeyKind::kEndOfInput;
    case 5: return KeyKind::kEnd;
    case 6: return KeyKind::kRight;
    case 7: return KeyKind::kEscape;
    case 8:
    case 127: return KeyKind::kBackspace;
    case '\t': return KeyKind::kTab;
    case '\n':
    case '\r': return KeyKind::kEnter;
    case 11: return KeyKind::kKillToEnd;
    case 12: return KeyKind::kClearScreen;
    case 14: return KeyKind::kDown;
    case 16: return KeyKind::kUp;
    case 18: return KeyKind::kSearch;
    case 20: return KeyKind::kTranspose;
    case 21: return KeyKind::kKillToStart;
    case 23: return KeyKind::kKillWord;
    default: return KeyKind::kUnknown;
  }
}

/// Last byte of "ESC [ x" and "ESC O x".
KeyKind arrow_key(char last) {
  switch (last) {
    case 'A': return KeyKind::kUp;
    case 'B': return KeyKind::kDown;
    case 'C': return KeyKind::kRight;
    case 'D': return KeyKind::kLeft;
    case 'H': return KeyKind::kHome;
    case 'F': return KeyKind::kEnd;
    default: return KeyKind::kUnknown;
  }
}

/// "ESC [ <parameters> <last>" with parameters.
KeyKind csi_key(std::string_view parameters, char last) {
  const bool modified = parameters == "1;5" || parameters == "1;3";  // with ctrl or alt
  if (modified && last == 'C') return KeyKind::kWordRight;
  if (modified && last == 'D') return KeyKind::kWordLeft;
  if (last != '~') return arrow_key(last);
  if (parameters == "1" || parameters == "7") return KeyKind::kHome;
  if (parameters == "3") return KeyKind::kDelete;
  if (parameters == "4" || parameters == "8") return KeyKind::kEnd;
  return KeyKind::kUnknown;
}

}  // namespace

std::optional<Key> KeyDecoder::feed(char byte) {
  if (pending_.empty()) return feed_first(byte);
  pending_ += byte;
  return pending_[0] == kEscapeByte ? feed_escape() : feed_text();
}

std::optional<Key> KeyDecoder::feed_first(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  if (byte == kEscapeByte || utf8_length(code) > 1) {
    pending_ = byte;
    return std::nullopt;
  }
  if (code < 0x20 || code == 0x7f) return key(control_key(byte));
  return Key{KeyKind::kText, std::string(1, byte)};
}

std::optional<Key> KeyDecoder::feed_text() {
  const auto last = static_cast<unsigned char>(pending_.back());
  if ((last & 0xc0) != 0x80) {
    // The character was cut off; what interrupted it counts on its own.
    const char byte = pending_.back();
    pending_.clear();
    return feed_first(byte);
  }
  if (pending_.size() < utf8_length(static_cast<unsigned char>(pending_[0]))) return std::nullopt;
  return Key{KeyKind::kText, std::exchange(pending_, {})};
}

std::optional<Key> KeyDecoder::feed_escape() {
  const char second = pending_[1];
  if (second != '[' && second != 'O') {
    pending_.clear();
    if (second == 'b') return key(KeyKind::kWordLeft);
    if (second == 'f') return key(KeyKind::kWordRight);
    if (second == '\x7f' || second == '\b') return key(KeyKind::kKillWord);
    return key(second == kEscapeByte ? KeyKind::kEscape : KeyKind::kUnknown);
  }
  if (pending_.size() == 2) return std::nullopt;
  const char last = pending_.back();
  const bool is_final = last >= 0x40 && last <= 0x7e;
  if (!is_final && pending_.size() < kLongestSequence) return std::nullopt;
  const std::string sequence = std::exchange(pending_, {});
  if (!is_final) return key(KeyKind::kUnknown);
  if (sequence.size() == 3) return key(arrow_key(last));
  return key(csi_key(std::string_view(sequence).substr(2, sequence.size() - 3), last));
}

std::optional<Key> KeyDecoder::flush() {
  if (pending_.empty()) return std::nullopt;
  const bool escape = pending_.size() == 1 && pending_[0] == kEscapeByte;
  pending_.clear();
  return key(escape ? KeyKind::kEscape : KeyKind::kUnknown);
}

}  // namespace ashlar::cli
