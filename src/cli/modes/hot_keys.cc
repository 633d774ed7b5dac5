#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "cli/interrupt_watch.h"
#include "cli/modes/mode_tools.h"

namespace ashlar::cli {
namespace {

constexpr std::size_t kReported = 16;
constexpr std::uint64_t kPauseEvery = 100;  // SCAN calls

constexpr std::string_view kIntroduction =
    "\n# Scanning the entire keyspace to find hot keys as well as\n"
    "# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n"
    "# per 100 SCAN commands (not usually needed).\n\n";

struct HotKey {
  std::int64_t counter;
  std::string key;  // quoted
};

}  // namespace

int run_hot_keys(const ModeContext& context) {
  const auto total = database_size(context);
  if (!total) return 1;
  say(context.console.out, kIntroduction);
  const InterruptWatch interrupt(context.session);
  KeyWalk walk(context);
  std::vector<HotKey> hottest;  // falling by counter
  std::uint64_t sampled = 0;
  std::uint64_t batches = 0;
  double progress = 0;
  while (!interrupt.seen()) {
    progress = *total == 0 ? 0 : 100 * static_cast<double>(sampled) / static_cast<double>(*total);
    const auto keys = walk.next();
    if (!keys) break;
    std::vector<std::vector<std::string>> questions;
    for (const std::string& key : *keys) questions.push_back({"OBJECT", "FREQ", key});
    const auto counters = call_all(context, questions);
    if (!counters && interrupt.seen()) break;
    if (!counters) return 1;
    for (std::size_t i = 0; i < keys->size(); ++i) {
      const resp::Value& counter = (*counters)[i];
      if (counter.is_error()) {
        say(context.console.err, fmt::format("Error: {}\n", counter.text()));
        return 1;
      }
      ++sampled;
      if (hottest.size() == kReported && counter.number() <= hottest.back().counter) continue;
      HotKey found{counter.number(), quoted((*keys)[i])};
      say(context.console.out,
          fmt::format("[{:05.2f}%] Hot key '{}' found so far with counter {}\n", progress, found.key, found.counter));
      const auto place = std::ranges::upper_bound(hottest, found.counter, std::greater<>(), &HotKey::counter);
      hottest.insert(place, std::move(found));
      if (hottest.size() > kReported) hottest.pop_back();
    }
    if (context.options.interval && ++batches % kPauseEvery == 0) interrupt.pause_for(*context.options.interval);
  }
  if (walk.failed() && !interrupt.seen()) return 1;
  std::string out = "\n-------- summary -------\n\n";
  if (interrupt.seen()) out += fmt::format("[{:05.2f}%] ", progress);
  out += fmt::format("Sampled {} keys in the keyspace!\n", sampled);
  for (const HotKey& hot : hottest)
    out += fmt::format("hot key found with counter: {}\tkeyname: {}\n", hot.counter, hot.key);
  say(context.console.out, out);
  return 0;
}

}  // namespace ashlar::cli
