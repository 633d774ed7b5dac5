/// Speaks for src/server/config on the command line:
///   config_tool compat                    prints docs/compat-directives.md
///   config_tool session [arguments ...]   loads as ashlar-server would with these arguments, then answers lines of
///   standard
///                                         input: GET <pattern ...>, SET <name> <value> ..., REWRITE
/// A GET answers the quoted names and values on one line, SET "+OK" or "-<error>", REWRITE the quoted new text of the
/// file.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "base/bytes.h"
#include "base/file.h"
#include "server/config/compat_page.h"
#include "server/config/grammar.h"
#include "server/config/live.h"
#include "server/config/load.h"
#include "server/config/rewrite.h"

namespace {

using namespace ashlar;
using namespace ashlar::config;

/// Accepts everything but a directory that is not there.
class OnlyDirectories final : public ApplyHook {
 public:
  explicit OnlyDirectories(FileSystem& files) : files_(files) {}
  Result<void> apply(const Directive& directive, const Config& now) override {
    if (directive.name == "dir" && !files_.exists(now.snapshot.directory)) return fail("No such file or directory");
    return {};
  }

 private:
  FileSystem& files_;
};

std::string answer_get(const Config& config, std::span<const std::string> patterns) {
  std::string out;
  for (const NameValue& each : get(config, patterns)) {
    out += fmt::format("{}{} {}", out.empty() ? "" : " ", ashlar::quoted(each.name), ashlar::quoted(each.value));
  }
  return out;
}

std::string answer_set(FileSystem& files, Config& config, std::span<const std::string> words) {
  std::vector<NameValue> pairs;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) pairs.push_back({words[i], words[i + 1]});
  OnlyDirectories hook(files);
  const auto done = set(config, pairs, {.client = Locality::kLocal}, hook);
  return done ? "+OK" : "-" + done.error().resp_text();
}

std::string answer_rewrite(FileSystem& files, const Config& config) {
  const auto old_text = read_file(files, config.origin.config_file);
  return old_text ? ashlar::quoted(rewrite(*old_text, config)) : "-" + old_text.error().resp_text();
}

int session(std::vector<std::string> arguments) {
  const auto files = make_posix_file_system();
  const auto loaded = load({.arguments = std::move(arguments),
                            .standard_input = {},
                            .working_directory = std::filesystem::current_path().native(),
                            .processors = 1},
                           *files);
  if (!loaded) {
    std::cout << loaded.error().text() << std::flush;
    return 1;
  }
  Config config = *loaded;
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const auto words = split_words(line);
    if (!words || words->empty()) continue;
    const auto rest = std::span(*words).subspan(1);
    if (iequals(words->front(), "GET")) std::cout << answer_get(config, rest) << std::endl;
    if (iequals(words->front(), "SET")) std::cout << answer_set(*files, config, rest) << std::endl;
    if (iequals(words->front(), "REWRITE")) std::cout << answer_rewrite(*files, config) << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments[0] == "compat") {
    std::cout << render_compat_page();
    return 0;
  }
  if (!arguments.empty() && arguments[0] == "session") return session({arguments.begin() + 1, arguments.end()});
  std::cerr << "usage: config_tool compat | config_tool session [arguments of ashlar-server]\n";
  return 2;
}
