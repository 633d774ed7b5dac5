#include "cli/cluster/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/bytes.h"
#include "base/ids.h"

namespace ashlar::cli::cluster {
namespace {

/// What stands between the command and its options.
enum class Shape : std::uint8_t { kNothing, kEntry, kEntryAndOne, kEntryAndMore, kNodes, kNewAndEntry };

struct CommandSpec {
  Command command;
  std::string_view name;
  Shape shape;
  std::string_view arguments;  // for the help
  std::string_view options;    // names without "--cluster-", a blank between them
};

constexpr std::string_view kEntryHelp = "host:port (or host port)";

constexpr std::array kCommands = {
    CommandSpec{Command::kCreate, "create", Shape::kNodes, "host1:port1 ... hostN:portN", "replicas"},
    CommandSpec{Command::kCheck, "check", Shape::kEntry, kEntryHelp, "search-multiple-owners"},
    CommandSpec{Command::kInfo, "info", Shape::kEntry, kEntryHelp, ""},
    CommandSpec{Command::kFix, "fix", Shape::kEntry, kEntryHelp,
                "search-multiple-owners fix-with-unreachable-masters replace timeout pipeline"},
    CommandSpec{Command::kReshard, "reshard", Shape::kEntry, kEntryHelp, "from to slots timeout pipeline replace"},
    CommandSpec{Command::kRebalance, "rebalance", Shape::kEntry, kEntryHelp,
                "weight use-empty-masters timeout simulate pipeline threshold replace"},
    CommandSpec{Command::kAddNode, "add-node", Shape::kNewAndEntry, "new_host:new_port existing_host:existing_port",
                "slave replica master-id"},
    CommandSpec{Command::kDelNode, "del-node", Shape::kEntryAndOne, "host:port node_id", ""},
    CommandSpec{Command::kCall, "call", Shape::kEntryAndMore, "host:port command arg ... arg",
                "only-masters only-replicas"},
    CommandSpec{Command::kSetTimeout, "set-timeout", Shape::kEntryAndOne, "host:port milliseconds", ""},
    CommandSpec{Command::kImport, "import", Shape::kEntry, kEntryHelp,
                "from from-user from-pass from-askpass copy replace timeout"},
    CommandSpec{Command::kBackup, "backup", Shape::kEntryAndOne, "host:port directory", ""},
    CommandSpec{Command::kHelp, "help", Shape::kNothing, "", ""},
};

struct OptionHelp {
  std::string_view name;
  std::string_view argument;
  std::string_view text;
};

constexpr std::array kOptionHelp = {
    OptionHelp{"replicas", "<n>", "replicas that every master gets (default 0)"},
    OptionHelp{"search-multiple-owners", "", "look for slots that several masters claim"},
    OptionHelp{"fix-with-unreachable-masters", "", "give slots of masters that do not answer to others; may lose data"},
    OptionHelp{"from", "<id,id,...|all>", "masters that give slots (import: host:port of the source)"},
    OptionHelp{"to", "<id>", "master that gets the slots"},
    OptionHelp{"slots", "<n>", "how many slots to move"},
    OptionHelp{"timeout", "<ms>", "silence allowed while keys are moved (default 60000)"},
    OptionHelp{"pipeline", "<n>", "keys that are moved at a time (default 10)"},
    OptionHelp{"replace", "", "overwrite keys that the receiving node has already"},
    OptionHelp{"copy", "", "leave the keys on the source as well"},
    OptionHelp{"weight", "<id=w> ...", "share of a master, relative to the others (default 1; 0 empties it)"},
    OptionHelp{"use-empty-masters", "", "give slots to masters without any, too"},
    OptionHelp{"simulate", "", "show what would be moved, move nothing"},
    OptionHelp{"threshold", "<percent>", "imbalance that is left as it is (default 2)"},
    OptionHelp{"slave", "", "same as --cluster-replica"},
    OptionHelp{"replica", "", "make the new node a replica"},
    OptionHelp{"master-id", "<id>", "of this master (default: the one with fewest replicas)"},
    OptionHelp{"only-masters", "", "send the command to masters only"},
    OptionHelp{"only-replicas", "", "send the command to replicas only"},
    OptionHelp{"from-user", "<name>", "user name at the source"},
    OptionHelp{"from-pass", "<password>", "password at the source"},
    OptionHelp{"from-askpass", "", "ask for the password at the source"},
};

bool names_option(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == name) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::unexpected<Error> wrong(std::string text) { return fail(ErrorCode::kSyntax, std::move(text)); }

class Parser {
 public:
  Parser(std::span<const std::string> words, const CommandSpec& spec) : words_(words), spec_(spec) {}

  Result<Options> run() {
    options_.command = spec_.command;
    for (next_ = 1; next_ < words_.size();) {
      const std::string& word = words_[next_++];
      if (!word.starts_with("--cluster-")) {
        plain_.push_back(word);
        continue;
      }
      const std::string_view name = std::string_view(word).substr(std::string_view("--cluster-").size());
      if (name != "yes" && !names_option(spec_.options, name))
        return wrong(fmt::format("--cluster {} takes no option '{}'", spec_.name, word));
      ASH_TRY_VOID(option(name));
    }
    ASH_TRY_VOID(place_arguments());
    return std::move(options_);
  }

 private:
  Result<std::string> value(std::string_view name) {
    if (next_ == words_.size()) return wrong(fmt::format("--cluster-{} needs a value", name));
    return words_[next_++];
  }
  Result<std::size_t> number(std::string_view name, std::size_t least, std::size_t most) {
    ASH_TRY(const std::string text, value(name));
    const auto n = parse_u64(text);
    if (!n || *n < least || *n > most)
      return wrong(
          fmt::format("'{}' is no value for --cluster-{}: a whole number from {} to {} is", text, name, least, most));
    return static_cast<std::size_t>(*n);
  }

  Result<void> option(std::string_view name) {
    if (flag(name)) return {};
    if (name == "replicas") {
      ASH_TRY(options_.replicas, number(name, 0, 1000));
    } else if (name == "slots") {
      ASH_TRY(const std::size_t slots, number(name, 1, kSlotCount));
      options_.slots = slots;
    } else if (name == "timeout") {
      ASH_TRY(const std::size_t ms, number(name, 1, std::numeric_limits<std::int32_t>::max()));
      options_.timeout = Millis(ms);
    } else if (name == "pipeline") {
      ASH_TRY(options_.pipeline, number(name, 1, 100'000));
    } else if (name == "threshold") {
      ASH_TRY(const std::string text, value(name));
      const auto percent = parse_double(text);
      if (!percent || !std::isfinite(*percent) || *percent < 0)
        return wrong(fmt::format("'{}' is no value for --cluster-threshold: a percentage from 0 up is", text));
      options_.threshold = *percent;
    } else if (name == "weight") {
      return weights();
    } else {
      ASH_TRY(std::string text, value(name));
      if (name == "from") options_.from = std::move(text);
      if (name == "to") options_.to = std::move(text);
      if (name == "master-id") options_.master_id = std::move(text);
      if (name == "from-user") options_.from_user = std::move(text);
      if (name == "from-pass") options_.from_password = std::move(text);
    }
    return {};
  }

  bool flag(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, bool Options::*>, 10> kFlags = {{
        {"yes", &Options::yes},
        {"search-multiple-owners", &Options::search_multiple_owners},
        {"fix-with-unreachable-masters", &Options::fix_with_unreachable_masters},
        {"replace", &Options::replace},
        {"copy", &Options::copy},
        {"use-empty-masters", &Options::use_empty_masters},
        {"simulate", &Options::simulate},
        {"slave", &Options::as_replica},
        {"replica", &Options::as_replica},
        {"from-askpass", &Options::ask_from_password},
    }};
    for (const auto& [flag_name, member] : kFlags) {
      if (flag_name != name) continue;
      options_.*member = true;
      return true;
    }
    if (name == "only-masters" || name == "only-replicas") {
      options_.call_target = name == "only-masters" ? CallTarget::kMasters : CallTarget::kReplicas;
      return true;
    }
    return false;
  }

  /// All words id=weight that follow.
  Result<void> weights() {
    const std::size_t before = options_.weights.size();
    while (next_ < words_.size() && !words_[next_].starts_with("-")) {
      const std::string& word = words_[next_];
      const std::size_t equals = word.find('=');
      const auto weight =
          equals == std::string::npos ? std::nullopt : parse_double(std::string_view(word).substr(equals + 1));
      if (equals == 0 || !weight || !std::isfinite(*weight) || *weight < 0) {
        // After at least one pair this may be an argument of the command that was written last.
        if (options_.weights.size() > before && equals == std::string::npos) break;
        return wrong(fmt::format("'{}' is no value for --cluster-weight: <node id>=<number from 0 up> is", word));
      }
      options_.weights.emplace_back(word.substr(0, equals), *weight);
      ++next_;
    }
    if (options_.weights.size() == before) return wrong("--cluster-weight needs <node id>=<weight>");
    return {};
  }

  Result<Endpoint> endpoint(const std::string& word) const {
    auto parsed = parse_endpoint(word);
    if (!parsed) return wrong(fmt::format("Invalid address format: {}", word));
    return std::move(*parsed);
  }

  /// Takes "host:port", or "host" "port", from the front of the arguments.
  Result<void> take_entry() {
    if (plain_.empty()) return too_few();
    if (auto parsed = parse_endpoint(plain_.front())) {
      options_.entry = std::move(*parsed);
      plain_.erase(plain_.begin());
      return {};
    }
    const auto port = plain_.size() < 2 ? std::nullopt : parse_u64(plain_[1]);
    if (!port || *port == 0 || *port > 65535)
      return wrong(
          fmt::format("'{}' is no address: host:port, or host and port with a blank between them, is", plain_.front()));
    options_.entry.host = plain_[0];
    options_.entry.port = static_cast<std::uint16_t>(*port);
    plain_.erase(plain_.begin(), plain_.begin() + 2);
    return {};
  }

  std::unexpected<Error> too_few() const {
    return wrong(fmt::format("--cluster {} needs {}", spec_.name, spec_.arguments));
  }

  Result<void> place_arguments() {
    if (spec_.shape == Shape::kNothing) return {};
    if (spec_.shape == Shape::kNodes) {
      if (plain_.empty()) return too_few();
      for (const std::string& word : plain_) {
        ASH_TRY(Endpoint node, endpoint(word));
        if (std::find(options_.nodes.begin(), options_.nodes.end(), node) != options_.nodes.end())
          return wrong(fmt::format("{} is given twice", word));
        options_.nodes.push_back(std::move(node));
      }
      return {};
    }
    if (spec_.shape == Shape::kNewAndEntry) {
      if (plain_.empty()) return too_few();
      ASH_TRY(Endpoint node, endpoint(plain_.front()));
      options_.nodes.push_back(std::move(node));
      plain_.erase(plain_.begin());
    }
    ASH_TRY_VOID(take_entry());
    const bool one = spec_.shape == Shape::kEntryAndOne;
    if ((one && plain_.empty()) || (spec_.shape == Shape::kEntryAndMore && plain_.empty())) return too_few();
    const std::size_t most = one ? 1 : spec_.shape == Shape::kEntryAndMore ? plain_.size() : 0;
    if (plain_.size() > most) return wrong(fmt::format("--cluster {} has no use for '{}'", spec_.name, plain_[most]));
    options_.arguments = std::move(plain_);
    return {};
  }

  std::span<const std::string> words_;
  const CommandSpec& spec_;
  std::size_t next_ = 0;
  std::vector<std::string> plain_;
  Options options_;
};

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_u64(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.ends_with(':')) {
    return std::nullopt;  // "::1" is an address without a port
  }
  if (host.empty() || !port || *port == 0 || *port > 65535) return std::nullopt;
  Endpoint out;
  out.host = host;
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

Result<Options> parse_options(std::span<const std::string> words) {
  if (words.empty()) return wrong("--cluster needs a command; --cluster help lists them");
  const auto it = std::find_if(kCommands.begin(), kCommands.end(),
                               [&](const CommandSpec& spec) { return iequals(spec.name, words.front()); });
  if (it != kCommands.end()) return Parser(words, *it).run();
  const auto nearest =
      std::min_element(kCommands.begin(), kCommands.end(), [&](const CommandSpec& a, const CommandSpec& b) {
        return edit_distance(a.name, words.front()) < edit_distance(b.name, words.front());
      });
  std::string text = fmt::format("Unknown --cluster subcommand '{}'", words.front());
  if (edit_distance(nearest->name, words.front()) <= 3) text += fmt::format("; did you mean '{}'?", nearest->name);
  return wrong(std::move(text));
}

std::string help_text() {
  std::string out = "Cluster Manager Commands:\n";
  for (const CommandSpec& spec : kCommands) {
    out += fmt::format("  {:<15}{}\n", spec.name, spec.arguments);
    for (const OptionHelp& option : kOptionHelp) {
      if (!names_option(spec.options, option.name)) continue;
      out += fmt::format("  {:<15}{:<47} {}\n", "", fmt::format("--cluster-{} {}", option.name, option.argument),
                         option.text);
    }
  }
  out +=
      "\nAny node of a cluster that works can stand for the cluster in host:port.\n"
      "\nCluster Manager Options:\n"
      "  --cluster-yes  Take every question as answered with yes\n\n";
  return out;
}

}  // namespace ashlar::cli::cluster
