#include <fmt/format.h>

#include "base/bytes.h"
#include "cli/reply_format.h"

namespace ashlar::cli {

using resp::Value;
using resp::ValueKind;

namespace {

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
      case '\\':
        out += '\\';
        out += c;
        break;
      case '\n': out += "\\n"; break;
      case '\f': out += "\\f"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      default:
        if (static_cast<unsigned char>(c) <= 0x1f) {
          out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

/// The quoted form as content of a JSON string: its inner quotes and backslashes are escaped once more.
void append_quoted_json_string(std::string_view text, std::string& out) {
  const std::string shown = quoted(text);
  out += '"';
  for (const char c : std::string_view(shown).substr(1, shown.size() - 2)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

void append_string(std::string_view text, OutputFormat format, std::string& out) {
  if (format == OutputFormat::kQuotedJson) {
    append_quoted_json_string(text, out);
  } else {
    append_json_string(text, out);
  }
}

void append_json(const Value& v, OutputFormat format, std::string& out);

void append_map(const Value& v, OutputFormat format, std::string& out) {
  out += '{';
  for (std::size_t i = 0; i + 1 < v.items().size(); i += 2) {
    if (i != 0) out += ',';
    // JSON knows only strings as keys.
    std::string key;
    append_json(v.items()[i], format, key);
    if (key.starts_with('"')) {
      out += key;
    } else {
      out += fmt::format("\"{}\"", key);
    }
    out += ':';
    append_json(v.items()[i + 1], format, out);
  }
  out += '}';
}

void append_json(const Value& v, OutputFormat format, std::string& out) {
  switch (v.kind()) {
    case ValueKind::kNull: out += "null"; return;
    case ValueKind::kError:
      out += "error:";
      append_string(v.text(), format, out);
      return;
    case ValueKind::kInteger: out += std::to_string(v.number()); return;
    case ValueKind::kBool: out += v.number() != 0 ? "true" : "false"; return;
    case ValueKind::kDouble:
    case ValueKind::kBigNumber: out += v.text(); return;
    case ValueKind::kSimple:
    case ValueKind::kBulk:
    case ValueKind::kVerbatim: append_string(v.text(), format, out); return;
    case ValueKind::kMap: append_map(v, format, out); return;
    case ValueKind::kArray:
    case ValueKind::kSet:
    case ValueKind::kPush: break;
  }
  out += '[';
  for (std::size_t i = 0; i < v.items().size(); ++i) {
    if (i != 0) out += ',';
    append_json(v.items()[i], format, out);
  }
  out += ']';
}

}  // namespace

std::string format_json(const Value& reply, OutputFormat format) {
  std::string out;
  append_json(reply, format, out);
  return out;
}

}  // namespace ashlar::cli
