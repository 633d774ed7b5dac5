#include "cli/reply_format.h"

#include <fmt/format.h>

#include "base/bytes.h"

namespace ashlar::cli {

using resp::Value;
using resp::ValueKind;

namespace {

std::string_view empty_aggregate(ValueKind kind) {
  switch (kind) {
    case ValueKind::kMap: return "(empty hash)\n";
    case ValueKind::kSet: return "(empty set)\n";
    case ValueKind::kPush: return "(empty push)\n";
    default: return "(empty array)\n";
  }
}

char number_mark(ValueKind kind) {
  if (kind == ValueKind::kSet) return '~';
  return kind == ValueKind::kMap ? '#' : ')';
}

std::size_t decimal_width(std::size_t n) {
  std::size_t width = 1;
  while (n >= 10) {
    n /= 10;
    ++width;
  }
  return width;
}

void append_typed(const Value& v, std::string& prefix, std::string& out);

/// `prefix` is what indents the lines after the first one; the caller has put the first one in its place.
void append_typed_aggregate(const Value& v, std::string& prefix, std::string& out) {
  const Value::Items& items = v.items();
  if (items.empty()) {
    out += empty_aggregate(v.kind());
    return;
  }
  const bool is_map = v.kind() == ValueKind::kMap;
  const std::size_t step = is_map ? 2 : 1;
  const std::size_t width = decimal_width(items.size() / step);
  const std::size_t outer = prefix.size();
  for (std::size_t i = 0; i + step <= items.size(); i += step) {
    if (i != 0) out += prefix;
    fmt::format_to(std::back_inserter(out), "{:>{}}{} ", i / step + 1, width, number_mark(v.kind()));
    prefix.append(width + 2, ' ');
    append_typed(items[i], prefix, out);
    if (is_map) {
      const Value& mapped = items[i + 1];
      out.back() = ' ';  // the line end of the key
      out += "=> ";
      const std::size_t start = out.size();
      append_typed(mapped, prefix, out);
      // An aggregate of several lines begins on a line of its own.
      if (mapped.is_aggregate() && out.find('\n', start) != out.size() - 1) out.insert(start, "\n" + prefix);
    }
    prefix.resize(outer);
  }
}

void append_typed(const Value& v, std::string& prefix, std::string& out) {
  switch (v.kind()) {
    case ValueKind::kNull: out += "(nil)"; break;
    case ValueKind::kSimple:
    case ValueKind::kVerbatim: out += v.text(); break;
    case ValueKind::kError:
      out += "(error) ";
      out += v.text();
      break;
    case ValueKind::kInteger: out += fmt::format("(integer) {}", v.number()); break;
    case ValueKind::kBulk: out += quoted(v.text()); break;
    case ValueKind::kDouble:
      out += "(double) ";
      out += v.text();
      break;
    case ValueKind::kBool: out += v.number() != 0 ? "(true)" : "(false)"; break;
    case ValueKind::kBigNumber:
      out += "(big number) ";
      out += v.text();
      break;
    case ValueKind::kArray:
    case ValueKind::kMap:
    case ValueKind::kSet:
    case ValueKind::kPush: append_typed_aggregate(v, prefix, out); return;
  }
  out += '\n';
}

void append_raw(const Value& v, std::string_view delimiter, std::string& out) {
  switch (v.kind()) {
    case ValueKind::kNull: return;
    case ValueKind::kError:
      out += v.text();
      out += '\n';
      return;
    case ValueKind::kInteger: out += std::to_string(v.number()); return;
    case ValueKind::kBool: out += v.number() != 0 ? "(true)" : "(false)"; return;
    case ValueKind::kSimple:
    case ValueKind::kBulk:
    case ValueKind::kVerbatim:
    case ValueKind::kDouble:
    case ValueKind::kBigNumber: out += v.text(); return;
    case ValueKind::kArray:
    case ValueKind::kMap:
    case ValueKind::kSet:
    case ValueKind::kPush: break;
  }
  const bool is_map = v.kind() == ValueKind::kMap;
  for (std::size_t i = 0; i < v.items().size(); ++i) {
    if (i != 0) out += is_map && i % 2 == 1 ? std::string_view(" ") : delimiter;
    append_raw(v.items()[i], delimiter, out);
  }
}

void append_csv(const Value& v, std::string& out) {
  switch (v.kind()) {
    case ValueKind::kNull: out += "NULL"; return;
    case ValueKind::kError:
      out += "ERROR,";
      out += quoted(v.text());
      return;
    case ValueKind::kInteger: out += std::to_string(v.number()); return;
    case ValueKind::kBool: out += v.number() != 0 ? "true" : "false"; return;
    case ValueKind::kSimple:
    case ValueKind::kBulk:
    case ValueKind::kVerbatim: out += quoted(v.text()); return;
    case ValueKind::kDouble:
    case ValueKind::kBigNumber: out += v.text(); return;
    case ValueKind::kArray:
    case ValueKind::kMap:
    case ValueKind::kSet:
    case ValueKind::kPush: break;
  }
  for (std::size_t i = 0; i < v.items().size(); ++i) {
    if (i != 0) out += ',';
    append_csv(v.items()[i], out);
  }
}

}  // namespace

std::string format_typed(const Value& reply) {
  std::string out;
  std::string prefix;
  append_typed(reply, prefix, out);
  return out;
}

std::string format_raw(const Value& reply, std::string_view element_delimiter) {
  std::string out;
  append_raw(reply, element_delimiter, out);
  return out;
}

std::string format_csv(const Value& reply) {
  std::string out;
  append_csv(reply, out);
  return out;
}

std::string format_reply(const Value& reply, OutputFormat format, const RawDelimiters& delimiters) {
  switch (format) {
    case OutputFormat::kTyped: return format_typed(reply);
    case OutputFormat::kRaw: return format_raw(reply, delimiters.element) + delimiters.reply;
    case OutputFormat::kCsv: return format_csv(reply) + '\n';
    case OutputFormat::kJson:
    case OutputFormat::kQuotedJson: break;
  }
  return format_json(reply, format) + '\n';
}

std::string format_push(const Value& push) {
  const Value::Items& items = push.items();
  const bool is_invalidation = items.size() == 2 && items[0].text() == "invalidate" && items[1].is_aggregate();
  if (!is_invalidation) return format_typed(push);
  std::string out = "-> invalidate: ";
  for (std::size_t i = 0; i < items[1].items().size(); ++i) {
    if (i != 0) out += ", ";
    out += fmt::format("'{}'", items[1].items()[i].text());
  }
  out += '\n';
  return out;
}

}  // namespace ashlar::cli
