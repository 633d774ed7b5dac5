/// What happens between main() and the server: command line, standard input, working directory, log file, detaching.
/// Thread: main, before any other exists.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "server/config/load.h"
#include "server/config/settings.h"

namespace ashlar::server {

/// Handles --version and --help; the exit code when there is nothing more to do.
[[nodiscard]] std::optional<int> answer_without_server(const std::vector<std::string>& arguments);
/// Gathers what config::load() needs to know of the process.
[[nodiscard]] config::LoadInput load_input(std::vector<std::string> arguments);
/// Blocks the signals that end the server, makes `dir` the working directory, opens the log, becomes a daemon, writes
/// the pid file. Errors: the text to print.
[[nodiscard]] Result<void> prepare_process(const config::Config& config);
/// Removes the pid file and tells systemd that the server is ready or gone.
void announce_ready(const config::Config& config);
void clean_up_process(const config::Config& config);

}  // namespace ashlar::server
