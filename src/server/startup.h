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
/// Blocks the signals that end the server, makes `dir` the working directory, opens the log, becomes a daemon. Lowers
/// `maxclients` to what the system has files for. Errors: the text to print.
[[nodiscard]] Result<void> prepare_process(config::Config& config);
/// Who supervises this process, of those that `supervised` admits. Thread: any.
[[nodiscard]] config::Supervision supervisor(const config::Config& config);
/// Tells systemd that the server is ready or gone.
void announce_ready(const config::Config& config);
void announce_end(const config::Config& config);

/// The file that names this process, while the object lives. One that cannot be written is logged, and is no error.
class PidFile {
 public:
  explicit PidFile(const config::Config& config);
  ~PidFile();
  PidFile(const PidFile&) = delete;
  PidFile& operator=(const PidFile&) = delete;

 private:
  std::string path_;  // absolute; empty: none was written
};

}  // namespace ashlar::server
