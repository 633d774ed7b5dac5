/// The list of files that make up an append-only log: which base, which increments, which are history.
///
/// A value: changes make a new manifest that is written before it is believed (AofFiles). Thread: any.
/// Source: the manifest of Redis 7; docs/formats/aof.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace ashlar::aof {

struct ManifestFile {
  std::string name;       // without directory
  std::uint64_t seq = 0;  // 1 or more
  bool operator==(const ManifestFile&) const = default;
};

/// Form of a base file.
enum class BaseForm : std::uint8_t { kRdb, kCommands };

struct Manifest {
  std::optional<ManifestFile> base;
  std::vector<ManifestFile> history;     // replaced, to be deleted
  std::vector<ManifestFile> increments;  // ascending seq; the last one is written to
  bool operator==(const Manifest&) const = default;

  [[nodiscard]] bool empty() const noexcept { return !base && increments.empty(); }
  /// Highest number in use, 0 when none: the next file of the kind takes one more.
  [[nodiscard]] std::uint64_t base_seq() const noexcept { return base ? base->seq : 0; }
  [[nodiscard]] std::uint64_t increment_seq() const noexcept { return increments.empty() ? 0 : increments.back().seq; }
};

/// `file <name> seq <n> type b|h|i` lines: base, history, increments.
[[nodiscard]] std::string format_manifest(const Manifest& manifest);
/// Errors: kCorrupt naming the line.
[[nodiscard]] Result<Manifest> parse_manifest(std::string_view text);

/// "appendonly.aof.3.base.rdb" or "....base.aof".
[[nodiscard]] std::string base_name(std::string_view prefix, std::uint64_t seq, BaseForm form);
/// "appendonly.aof.3.incr.aof".
[[nodiscard]] std::string increment_name(std::string_view prefix, std::uint64_t seq);

}  // namespace ashlar::aof
