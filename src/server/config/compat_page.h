/// The page that tells what each configuration directive does here, made from the table.
/// Pure; thread: any.
#pragma once

#include <string>

namespace ashlar::config {

/// Markdown of docs/compat-directives.md. A test compares it with the file.
[[nodiscard]] std::string render_compat_page();

}  // namespace ashlar::config
