/// ashlar-server: reads the configuration, detaches if asked, runs the server.

#include <cstdio>
#include <string>
#include <vector>

#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "ds/seeded_hash.h"
#include "server/config/load.h"
#include "server/root/server.h"
#include "server/startup.h"

int main(int argc, char** argv) {
  using namespace ashlar;
  memory_thread_begin();
  const auto files = make_posix_file_system();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (const auto answered = server::answer_without_server(arguments)) return *answered;
  auto config = config::load(server::load_input(arguments), *files);
  if (!config) {
    std::fprintf(stderr, "%s\n", std::string(config.error().text()).c_str());
    return 1;
  }
  if (auto prepared = server::prepare_process(*config); !prepared) {
    std::fprintf(stderr, "%s\n", std::string(prepared.error().text()).c_str());
    return 1;
  }
  if (config->log.crash_report) crash::report();
  ds::HashSeed::set(random_seed());  // before the first key
  const SystemClock clock;
  const config::Config boot = *config;
  server::Server server(std::move(*config), clock, *files);
  if (auto started = server.start(); !started) {
    log::warning("{}", started.error().text());
    return 1;
  }
  server::announce_ready(boot);
  const int code = server.run();
  server::announce_end(boot);
  return code;
}
