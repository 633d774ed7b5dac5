#include "server/config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/bytes.h"
#include "server/config/command_line.h"
#include "server/config/directive.h"
#include "server/config/grammar.h"
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

constexpr std::size_t kMaxIncludeDepth = 16;
constexpr std::size_t kMaxFiles = 1024;
constexpr std::uint32_t kMostThreadsByDefault = 4;
constexpr std::uint16_t kBusPortOffset = 10'000;
constexpr std::string_view kBadDirective = "Bad directive or wrong number of arguments";

/// Directives of old releases that Redis 7 ignores; each takes one value.
constexpr std::array<std::string_view, 3> kForgotten = {"list-max-ziplist-entries", "list-max-ziplist-value",
                                                        "lua-replicate-commands"};

[[nodiscard]] std::string absolute_path(const std::string& base, const std::string& path) {
  return (std::filesystem::path(base) / std::filesystem::path(path)).lexically_normal();
}

[[nodiscard]] bool is_pattern(std::string_view path) noexcept {
  return path.find_first_of("*?[") != std::string_view::npos;
}

/// Existing paths that match `pattern` (absolute), sorted. A leading dot is matched only by a dot.
[[nodiscard]] std::vector<std::string> expand_pattern(FileSystem& files, const std::string& pattern) {
  std::vector<std::string> found = {"/"};
  for (const auto& part : std::filesystem::path(pattern).relative_path()) {
    std::vector<std::string> next;
    for (const std::string& folder : found) {
      const std::string prefix = folder == "/" ? folder : folder + "/";
      if (!is_pattern(part.native())) {
        if (files.exists(prefix + part.native())) next.push_back(prefix + part.native());
        continue;
      }
      const auto names = files.list(folder);
      if (!names) continue;
      for (const std::string& name : *names) {
        if (name.starts_with('.') && !part.native().starts_with('.')) continue;
        if (glob_match(part.native(), name)) next.push_back(prefix + name);
      }
    }
    found = std::move(next);
  }
  return found;
}

/// The text of the system alone, without the call and the path in front.
[[nodiscard]] std::string_view system_text(const Error& error) {
  const std::string_view text = error.text();
  const auto colon = text.rfind(": ");
  return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

/// One load: the configuration so far and what must be remembered between lines.
class Loader {
 public:
  Loader(const LoadInput& input, FileSystem& files) : input_(input), files_(files) {
    const std::uint32_t threads = std::clamp<std::uint32_t>(input.processors, 1, kMostThreadsByDefault);
    config_ =
        defaults_of({.config_file = {}, .default_threads = threads, .working_directory = input.working_directory});
  }

  Result<void> read_main_file(const std::string& path) {
    config_.origin.config_file = absolute_path(input_.working_directory, path);
    return read_file(config_.origin.config_file, path);
  }

  Result<void> read_text(const std::string& source, std::string_view text) {
    for (const Line& line : meaningful_lines(text)) {
      const Where where{source, line.number, std::string(line.text)};
      if (auto done = read_line(where); !done) return std::unexpected(std::move(done.error()));
    }
    return {};
  }

  /// Checks what only the whole can show.
  Result<Config> finish() {
    if (config_.cluster.enabled && config_.replication.upstream) {
      return fail(fatal_text(input_.program, {}, "replicaof directive not allowed in cluster mode"));
    }
    if (config_.cluster.enabled && config_.cluster.bus_port == 0 && config_.network.port > 65'535 - kBusPortOffset) {
      return fail(fatal_text(input_.program, {},
                             "Redis port number too high for cluster mode: the bus listens 10000 ports higher. Use a "
                             "port of 55535 or less, or set cluster-port."));
    }
    return std::move(config_);
  }

 private:
  Result<void> refuse(const Where& where, std::string_view reason) const {
    return fail(fatal_text(input_.program, where, reason));
  }

  Result<void> read_line(const Where& where) {
    if (where.text.find('\0') != std::string::npos) return refuse(where, "Zero byte in configuration line");
    auto words = split_words(where.text);
    if (!words) return refuse(where, "Unbalanced quotes in configuration line");
    if (words->empty()) return {};  // nothing but form feeds and their like
    const std::string& name = words->front();
    if (const Directive* directive = find_directive(name)) return set(where, *directive, std::move(*words));
    if (words->size() == 2 &&
        std::any_of(kForgotten.begin(), kForgotten.end(), [&](std::string_view old) { return iequals(old, name); })) {
      return {};
    }
    if (iequals(name, "include") && words->size() == 2) return include(where, (*words)[1]);
    if (iequals(name, "rename-command") && words->size() == 3) {
      config_.security.renamed_commands.push_back({(*words)[1], (*words)[2], where});
      return {};
    }
    if (iequals(name, "user") && words->size() >= 2) {
      config_.security.users.push_back({std::move(*words), where});
      return {};
    }
    if (iequals(name, "loadmodule") && words->size() >= 2) return refuse(where, "this server cannot load modules");
    if (iequals(name, "sentinel")) return refuse(where, "sentinel directive while not in sentinel mode");
    if (name.find('.') != std::string::npos) {
      return refuse(where, words->size() == 2 ? "this server has no modules to configure"
                                              : "Module config specified without value");
    }
    return refuse_unknown(where, name);
  }

  Result<void> refuse_unknown(const Where& where, std::string_view name) const {
    const std::string_view nearest = nearest_name(name);
    if (nearest.empty()) return refuse(where, kBadDirective);
    return refuse(where, fmt::format("{}\nDid you mean '{}'?", kBadDirective, nearest));
  }

  Result<void> set(const Where& where, const Directive& directive, std::vector<std::string> words) {
    words.erase(words.begin());
    if (directive.takes_many() && words.size() == 1 && words[0].find(' ') != std::string::npos) {
      auto pieces = split_words(words[0]);
      if (!pieces) return refuse(where, "Unbalanced quotes in configuration line");
      if (!pieces->empty()) words = std::move(*pieces);
    }
    const std::size_t depth = std::max<std::size_t>(open_files_.size(), 1);  // options are as deep as the main file
    const auto [last, is_first] = used_.try_emplace(&directive, depth);
    // What stands behind an `include` replaces what came with it: CONFIG REWRITE changes the main file alone.
    const Use use = is_first || depth < last->second ? Use::kFirst : Use::kAgain;
    last->second = depth;
    if (auto done = assign(config_, directive, words, use); !done) return refuse(where, done.error().text());
    if (directive.special == &kDirectoryRules && !files_.exists(config_.snapshot.directory)) {
      return refuse(where, "No such file or directory");
    }
    return {};
  }

  Result<void> include(const Where& where, const std::string& path) {
    if (open_files_.size() >= kMaxIncludeDepth) return refuse(where, "include goes too deep");
    const std::string absolute = absolute_path(config_.snapshot.directory, path);
    const std::vector<std::string> paths =
        is_pattern(path) ? expand_pattern(files_, absolute) : std::vector<std::string>{absolute};
    for (const std::string& each : paths) {
      if (std::find(open_files_.begin(), open_files_.end(), each) != open_files_.end()) {
        return refuse(where, fmt::format("include of '{}' makes a circle", each));
      }
      if (auto done = read_file(each, is_pattern(path) ? each : path); !done) return done;
    }
    return {};
  }

  Result<void> read_file(const std::string& absolute, const std::string& as_given) {
    if (++files_read_ > kMaxFiles) return fail("Fatal error, too many configuration files are included");
    auto text = ashlar::read_file(files_, absolute);
    if (!text) {
      return fail(fmt::format("Fatal error, can't open config file '{}': {}", as_given, system_text(text.error())));
    }
    open_files_.push_back(absolute);
    auto done = read_text(absolute, *text);
    open_files_.pop_back();
    return done;
  }

  const LoadInput& input_;
  FileSystem& files_;
  Config config_;
  std::map<const Directive*, std::size_t> used_;  // with the depth of includes of the last use
  std::vector<std::string> open_files_;
  std::size_t files_read_ = 0;
};

}  // namespace

bool wants_standard_input(std::span<const std::string> arguments) {
  return parse_command_line(arguments).standard_input == CommandLine::StandardInput::kRead;
}

Result<Config> load(const LoadInput& input, FileSystem& files) {
  const CommandLine line = parse_command_line(input.arguments);
  Loader loader(input, files);
  if (line.file) ASH_TRY_VOID(loader.read_main_file(*line.file));
  if (line.standard_input == CommandLine::StandardInput::kRead) {
    ASH_TRY_VOID(loader.read_text("standard input", input.standard_input));
  }
  ASH_TRY_VOID(loader.read_text("the command line options", line.options));
  return loader.finish();
}

std::string fatal_text(std::string_view program, const Where& where, std::string_view reason) {
  std::string out = fmt::format("\n*** FATAL CONFIG FILE ERROR ({}) ***\n", program);
  if (where.line != 0) {
    out += fmt::format("Reading the configuration file, at line {} of {}\n>>> '{}'\n", where.line, where.source,
                       where.text);
  }
  out += fmt::format("{}\n", reason);
  return out;
}

std::vector<std::string> warnings(const Config& config) {
  const Config defaults = defaults_of(config.origin);
  std::vector<std::string> out;
  for (const DirectiveGroup& group : directive_groups()) {
    for (const Directive& directive : group.rows) {
      if (directive.reason.empty() || format_value(config, directive) == format_value(defaults, directive)) continue;
      out.push_back(fmt::format("The directive '{}' has no effect: {}.", directive.name, directive.reason));
    }
  }
  return out;
}

}  // namespace ashlar::config
