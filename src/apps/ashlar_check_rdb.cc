// Checks RDB files. See snapshot/rdb_check.h.
#include <cstdio>
#include <string>
#include <vector>

#include "snapshot/rdb_check.h"

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto files = ashlar::make_posix_file_system();
  const auto to = [](std::FILE* file) {
    return [file](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), file);
      std::fflush(file);
    };
  };
  return ashlar::snapshot::run_check_rdb(args, *files, ashlar::SystemClock().wall(), to(stdout), to(stderr));
}
