/// The log of the process, in the shape Redis users grep: "pid:role 22 Nov 2026 16:50:26.123 * text".
/// Thread: any. Cost: below the configured level one relaxed load. Never called from pure core/ folders.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace ashlar::log {

/// Order matters: each level contains those behind it. Marks in the line: '.', '-', '*', '#'.
enum class Level : std::uint8_t { kDebug, kVerbose, kNotice, kWarning, kNothing };
/// Role letter of the line: M primary, S replica, C helper that writes files, X sentinel.
enum class Role : char { kPrimary = 'M', kReplica = 'S', kWriter = 'C', kSentinel = 'X' };

/// Sends the log to the file at `path`, or to stdout when it is empty. A file that is renamed or removed later is made
/// anew by the next line. Errors: kIo, the target stays as it was. Thread: main, before any other exists.
[[nodiscard]] Result<void> open(const std::string& path);
/// Where lines go, until the next open(). For a signal handler, which may do no more than write.
[[nodiscard]] int descriptor() noexcept;
void set_level(Level level) noexcept;
[[nodiscard]] Level level() noexcept;
void set_role(Role role) noexcept;
/// A line that cannot be written is lost, and nothing else.
void write(Level level, std::string_view text);

[[nodiscard]] inline bool enabled(Level at) noexcept { return at >= level(); }

template <typename... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug)) write(Level::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void verbose(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kVerbose)) write(Level::kVerbose, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void notice(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kNotice)) write(Level::kNotice, fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarning)) write(Level::kWarning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ashlar::log
