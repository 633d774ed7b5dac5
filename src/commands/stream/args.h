/// Arguments that several stream commands share: ids, ends of ranges, trimming. Pure. Thread: any.
/// Source: the behaviour of Redis 7.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "command/context.h"
#include "keyspace/values/stream.h"

namespace ashlar::commands {

using keyspace::StreamId;

/// What stands for the sequence number when only milliseconds are given.
enum class MissingSeq : std::uint8_t { kZero, kMax };

/// "ms", "ms-seq"; also "-" and "+" for the least and the greatest id. Errors: invalid stream ID.
[[nodiscard]] Result<StreamId> parse_id(std::string_view text, MissingSeq missing = MissingSeq::kZero);
/// The same without "-" and "+".
[[nodiscard]] Result<StreamId> parse_strict_id(std::string_view text, MissingSeq missing = MissingSeq::kZero);
/// All of `args` as strict ids.
[[nodiscard]] Result<std::vector<StreamId>> parse_strict_ids(std::span<const std::string_view> args);

/// The ends of a range, both included; "(" in front of an id excludes it. Errors: invalid stream ID, invalid start or
/// end ID for the interval.
[[nodiscard]] Result<StreamId> parse_range_start(std::string_view text);
[[nodiscard]] Result<StreamId> parse_range_end(std::string_view text);

/// The id that XADD shall give.
struct NewId {
  enum class Kind : std::uint8_t {
    kAuto,     // *
    kAutoSeq,  // ms-*
    kGiven,
  };
  Kind kind = Kind::kAuto;
  StreamId id;  // kAutoSeq: its ms only
};

/// The options of XADD and XTRIM.
struct AddOrTrim {
  std::optional<keyspace::StreamTrim> trim;
  std::size_t bound_at = 0;    // argument with the length or id of `trim`; "~" or "=" stands before it, if given
  bool keeps_missing = false;  // NOMKSTREAM
  NewId id;                    // XADD only
  std::size_t id_at = 0;       // XADD only
};
/// Reads from argument 2 on: XADD up to its id, XTRIM to the end. Errors: those that Redis gives for these options.
[[nodiscard]] Result<AddOrTrim> parse_add_options(const command::Context& ctx);
[[nodiscard]] Result<AddOrTrim> parse_trim_options(const command::Context& ctx);

/// Unix milliseconds of this command.
[[nodiscard]] std::int64_t now_millis(const command::Context& ctx) noexcept;
/// a - b without overflow, as far as 64 bits go round.
[[nodiscard]] std::int64_t elapsed(std::int64_t now, std::int64_t then) noexcept;

}  // namespace ashlar::commands
