#include "resp/request_writer.h"

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace ashlar::resp {
namespace {

void append_header(char type, std::size_t count, std::string& out) {
  DecimalBuffer digits;
  out += type;
  out += format_i64(static_cast<std::int64_t>(count), digits);
  out += "\r\n";
}

template <typename Args>
void append_request(const Args& args, std::string& out) {
  // A header is at most 24 bytes; growing once matters for a MIGRATE of many keys.
  std::size_t bytes = 24;
  for (const auto& arg : args) bytes += arg.size() + 26;
  if (out.capacity() - out.size() < bytes) out.reserve(std::max(out.size() + bytes, out.capacity() * 2));
  append_header('*', args.size(), out);
  for (const auto& arg : args) {
    append_header('$', arg.size(), out);
    out += arg;
    out += "\r\n";
  }
}

}  // namespace

void write_request(std::span<const std::string_view> args, std::string& out) { append_request(args, out); }
void write_request(std::span<const std::string> args, std::string& out) { append_request(args, out); }

}  // namespace ashlar::resp
