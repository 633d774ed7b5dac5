/// Replies as text, byte for byte as redis-cli 7.0 prints them. Thread: any. Nothing here does I/O.
///
/// Where redis-cli gives up (big numbers) or prints JSON that no parser takes (a quote in --quoted-json), this prints
/// something useful.
#pragma once

#include <cstdint>
#include <string>

#include "resp/value.h"

namespace ashlar::cli {

enum class OutputFormat : std::uint8_t {
  kTyped,       // for people: (integer) 1, "quoted", numbered lists
  kRaw,         // bytes as they are
  kCsv,         // one line of comma-separated values
  kJson,        // one line of JSON, UTF-8 kept
  kQuotedJson,  // JSON whose strings hold the quoted form of binary data
};

/// What stands between the elements of a raw aggregate and after a raw reply.
struct RawDelimiters {
  std::string element = "\n";
  std::string reply = "\n";
};

/// The whole output for one reply, with its line end.
[[nodiscard]] std::string format_reply(const resp::Value& reply, OutputFormat format, const RawDelimiters& delimiters);

/// Typed form, always ending in a line end.
[[nodiscard]] std::string format_typed(const resp::Value& reply);
/// Raw form without anything after it; errors alone end their line.
[[nodiscard]] std::string format_raw(const resp::Value& reply, std::string_view element_delimiter);
[[nodiscard]] std::string format_csv(const resp::Value& reply);
/// `format` is kJson or kQuotedJson.
[[nodiscard]] std::string format_json(const resp::Value& reply, OutputFormat format);

/// A RESP3 push for the screen: client-side-caching invalidations in one line, everything else typed.
[[nodiscard]] std::string format_push(const resp::Value& push);

}  // namespace ashlar::cli
