// The command-line client. See cli/shell/program.h.
#include <cstdio>
#include <cstdlib>

#include "base/time.h"
#include "cli/shell/program.h"

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  const ashlar::SystemClock clock;
  const ashlar::cli::Environment environment{
      .variable =
          [](const char* name) {
            const char* value = std::getenv(name);
            return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
          },
      .clock = clock,
      .console = {stdout, stderr},
  };
  return ashlar::cli::run_program(args, environment);
}
