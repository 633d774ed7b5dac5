/// Configuration text from outside: loading must end with a Config or an error, and what CONFIG REWRITE writes must
/// load again and mean the same. Libraries: ashlar_server_config.
#include <cstdint>
#include <cstdlib>

#include "server/config/live.h"
#include "server/config/load.h"
#include "server/config/map_files.h"
#include "server/config/rewrite.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::config;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto load_from = [](const std::string& content) {
    MapFiles files(
        {{"/work/a.conf", content}, {"/work/b.conf", "hz 20\n"}, {"/work/sub/c.conf", "include /work/b.conf\n"}});
    return load({.arguments = {"a.conf"}, .working_directory = "/work"}, files);
  };
  const auto first = load_from(text);
  if (!first) return 0;
  const auto second = load_from(rewrite(text, *first));
  const std::vector<std::string> all = {"*"};
  if (!second || get(*first, all) != get(*second, all)) std::abort();
  return 0;
}
