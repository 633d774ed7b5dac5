// Checks append-only logs. See aof/check.h.
#include <cstdio>
#include <string>
#include <vector>

#include "aof/check.h"

namespace {

std::string read_line() {
  std::string line;
  for (int c = 0; (c = std::getchar()) != EOF && c != '\n';) line += static_cast<char>(c);
  return line;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto files = ashlar::make_posix_file_system();
  const ashlar::aof::CheckTerminal terminal{
      .out =
          [](std::string_view text) {
            std::fwrite(text.data(), 1, text.size(), stdout);
            std::fflush(stdout);
          },
      .answer = read_line,
  };
  return ashlar::aof::run_check_aof(args, *files, ashlar::SystemClock().wall(), terminal);
}
