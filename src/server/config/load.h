/// From command line and files to a Config.
/// Reads files only through the FileSystem it is given; thread: any.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "server/config/settings.h"

namespace ashlar::config {

struct LoadInput {
  std::vector<std::string> arguments;  // of main(), without the program's name
  std::string standard_input;          // its whole text; looked at only when wants_standard_input(arguments)
  std::string working_directory;       // absolute: where relative paths start
  std::uint32_t processors = 1;        // `threads` defaults to so many, at most 4
  std::string program = "Ashlar";      // name and version for error messages
};

/// Whether `arguments` ask for directives on standard input (a lone '-').
[[nodiscard]] bool wants_standard_input(std::span<const std::string> arguments);

/// The configuration that the input asks for: file, then standard input, then options; the last word on a directive
/// holds. `snapshot.directory` and `origin.config_file` are absolute afterwards. An `include` is relative to the
/// working directory or to the `dir` set before it; a pattern may match no file; at most 16 levels deep, 1024 files, no
/// cycles. Errors: kGeneric whose detail is the whole text to print before exit(1): a "*** FATAL CONFIG FILE ERROR"
/// block that names file, line, the line itself, the reason and the nearest known directive.
[[nodiscard]] Result<Config> load(const LoadInput& input, FileSystem& files);

/// The block for a line that another part of the server refuses later (a `rename-command` of an unknown command, a bad
/// `user`).
[[nodiscard]] std::string fatal_text(std::string_view program, const Where& where, std::string_view reason);

/// One sentence for each directive that was set to something other than its default and has no effect here. For the
/// log.
[[nodiscard]] std::vector<std::string> warnings(const Config& config);

}  // namespace ashlar::config
