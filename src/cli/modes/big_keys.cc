#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cli/interrupt_watch.h"
#include "cli/modes/mode_tools.h"

namespace ashlar::cli {
namespace {

constexpr std::uint64_t kProgressEvery = 1'000'000;  // keys
constexpr std::uint64_t kPauseEvery = 100;           // SCAN calls

constexpr std::string_view kIntroduction =
    "\n# Scanning the entire keyspace to find biggest keys as well as\n"
    "# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n"
    "# per 100 SCAN commands (not usually needed).\n\n";

/// What is known of one type of value.
struct TypeSummary {
  std::string name;
  std::string size_command;  // empty: none
  std::string unit;
  std::string biggest_key{};  // quoted
  bool found = false;
  std::uint64_t biggest = 0;
  std::uint64_t total = 0;
  std::uint64_t count = 0;
};

/// The types that every server has, in the order of the report; others join when met.
std::vector<TypeSummary> known_types() {
  return {{"list", "LLEN", "items"},     {"hash", "HLEN", "fields"},  {"string", "STRLEN", "bytes"},
          {"stream", "XLEN", "entries"}, {"set", "SCARD", "members"}, {"zset", "ZCARD", "members"}};
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

class BigKeys {
 public:
  explicit BigKeys(const ModeContext& context)
      : context_(context), by_memory_(context.options.mode == Mode::kMemKeys), types_(known_types()) {}

  int run() {
    const auto total = database_size(context_);
    if (!total) return 1;
    say(context_.console.out, kIntroduction);
    const InterruptWatch interrupt(context_.session);
    KeyWalk walk(context_);
    std::uint64_t batches = 0;
    while (!interrupt.seen()) {
      progress_ = percent(sampled_, *total);
      const auto keys = walk.next();
      if (!keys) break;
      if (!sample(*keys) && !interrupt.seen()) return 1;
      if (context_.options.interval && ++batches % kPauseEvery == 0) interrupt.pause_for(*context_.options.interval);
    }
    if (walk.failed() && !interrupt.seen()) return 1;
    report(interrupt.seen());
    return 0;
  }

 private:
  bool sample(const std::vector<std::string>& keys) {
    std::vector<std::vector<std::string>> questions;
    for (const std::string& key : keys) questions.push_back({"TYPE", key});
    const auto kinds = call_all(context_, questions);
    if (!kinds) return false;
    std::vector<std::pair<const std::string*, std::size_t>> present;  // key, index of its type
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if ((*kinds)[i].is_error()) {
        say(context_.console.err, fmt::format("TYPE returned an error: {}\n", (*kinds)[i].text()));
        return false;
      }
      // A key that went away meanwhile has no type.
      if (!(*kinds)[i].is_simple("none")) present.emplace_back(&keys[i], type_index((*kinds)[i].text()));
    }
    return measure(present);
  }

  bool measure(const std::vector<std::pair<const std::string*, std::size_t>>& present) {
    std::vector<std::vector<std::string>> questions;
    for (const auto& [key, type] : present) {
      if (by_memory_) {
        questions.push_back({"MEMORY", "USAGE", *key});
        if (const auto samples = context_.options.memory_samples)
          questions.back().insert(questions.back().end(), {"SAMPLES", std::to_string(*samples)});
      } else if (!types_[type].size_command.empty()) {
        questions.push_back({types_[type].size_command, *key});
      }
    }
    const auto sizes = call_all(context_, questions);
    if (!sizes) return false;
    std::size_t next = 0;
    for (const auto& [key, type] : present) {
      std::uint64_t size = 0;
      if (by_memory_ || !types_[type].size_command.empty()) {
        const resp::Value& answer = (*sizes)[next];
        if (answer.kind() == resp::ValueKind::kInteger) {
          size = static_cast<std::uint64_t>(std::max<std::int64_t>(answer.number(), 0));
        } else {
          say(context_.console.err,
              fmt::format("Warning:  {} on '{}' failed (may have changed type)\n", questions[next][0], *key));
        }
        ++next;
      }
      count(*key, types_[type], size);
    }
    return true;
  }

  void count(const std::string& key, TypeSummary& type, std::uint64_t size) {
    type.total += size;
    ++type.count;
    key_bytes_ += key.size();
    ++sampled_;
    if (size > type.biggest) {
      type.biggest = size;
      type.found = true;
      type.biggest_key = quoted(key);
      say(context_.console.out, fmt::format("[{:05.2f}%] Biggest {:<6} found so far '{}' with {} {}\n", progress_,
                                            type.name, type.biggest_key, size, unit(type)));
    }
    if (sampled_ % kProgressEvery == 0)
      say(context_.console.out, fmt::format("[{:05.2f}%] Sampled {} keys so far\n", progress_, sampled_));
  }

  void report(bool interrupted) {
    std::string out = "\n-------- summary -------\n\n";
    if (interrupted) out += fmt::format("[{:05.2f}%] ", progress_);
    out += fmt::format("Sampled {} keys in the keyspace!\n", sampled_);
    const double average = sampled_ == 0 ? 0 : static_cast<double>(key_bytes_) / static_cast<double>(sampled_);
    out += fmt::format("Total key length in bytes is {} (avg len {:.2f})\n\n", key_bytes_, average);
    for (const TypeSummary& t : types_) {
      if (t.found)
        out += fmt::format("Biggest {:>6} found '{}' has {} {}\n", t.name, t.biggest_key, t.biggest, unit(t));
    }
    out += '\n';
    for (const TypeSummary& t : types_) {
      const double size = t.count == 0 ? 0 : static_cast<double>(t.total) / static_cast<double>(t.count);
      out += fmt::format("{} {}s with {} {} ({:05.2f}% of keys, avg size {:.2f})\n", t.count, t.name, t.total, unit(t),
                         percent(t.count, sampled_), size);
    }
    say(context_.console.out, out);
  }

  [[nodiscard]] std::string_view unit(const TypeSummary& type) const {
    return by_memory_ ? std::string_view("bytes") : std::string_view(type.unit);
  }

  std::size_t type_index(std::string_view name) {
    const auto known = std::ranges::find(types_, name, &TypeSummary::name);
    if (known != types_.end()) return static_cast<std::size_t>(known - types_.begin());
    types_.push_back({std::string(name), "", "?"});
    return types_.size() - 1;
  }

  const ModeContext& context_;
  bool by_memory_;
  std::vector<TypeSummary> types_;
  std::uint64_t sampled_ = 0;
  std::uint64_t key_bytes_ = 0;
  double progress_ = 0;
};

}  // namespace

int run_big_keys(const ModeContext& context) { return BigKeys(context).run(); }

}  // namespace ashlar::cli
