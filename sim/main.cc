// ashlar-sim: runs simulated clusters from seeds and says what went wrong.
#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "sim/swarm.h"

namespace {

using ashlar::sim::SwarmOptions;
using ashlar::sim::SwarmResult;

constexpr std::string_view kUsage =
    "usage: ashlar-sim [--seed N] [--seeds COUNT] [--nodes 3..100] [--seconds N] [--trace] [--plant BUG]\n"
    "BUG: vote-twice vote-before-persist keep-epoch ignore-update ignore-collision forget-blacklist\n";

bool plant(ashlar::cluster::Faults& faults, std::string_view name) {
  bool* const fault = name == "vote-twice"            ? &faults.vote_twice
                      : name == "vote-before-persist" ? &faults.vote_before_persist
                      : name == "keep-epoch"          ? &faults.keep_epoch_when_elected
                      : name == "ignore-update"       ? &faults.ignore_update
                      : name == "ignore-collision"    ? &faults.ignore_collision
                      : name == "forget-blacklist"    ? &faults.forget_blacklist
                                                      : nullptr;
  if (fault == nullptr) return false;
  *fault = true;
  return true;
}

struct Arguments {
  SwarmOptions swarm;
  std::uint64_t seeds = 1;
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      out.swarm.trace = [](const std::string& line) { fmt::print("{}\n", line); };
      continue;
    }
    if (i + 1 >= argc) return std::nullopt;
    const std::string_view value = argv[++i];
    if (name == "--plant") {
      if (!plant(out.swarm.planted, value)) return std::nullopt;
      continue;
    }
    const auto number = ashlar::parse_u64(value);
    if (!number) return std::nullopt;
    if (name == "--seed") {
      out.swarm.seed = *number;
    } else if (name == "--seeds") {
      out.seeds = *number;
    } else if (name == "--nodes" && *number >= 3 && *number <= 100) {
      out.swarm.nodes = *number;
    } else if (name == "--seconds" && *number <= 1'000'000) {
      out.swarm.faults_for = ashlar::Seconds(*number);
    } else {
      return std::nullopt;
    }
  }
  return out;
}

/// Every seed runs twice: a difference would be hidden state, and no failure could be repeated.
bool run_twice(const SwarmOptions& options) {
  const SwarmResult first = run_swarm(options);
  SwarmOptions quiet = options;
  quiet.trace = nullptr;
  const SwarmResult second = run_swarm(quiet);
  fmt::print("{} hash {:016x}\n", first.summary, first.trace_hash);
  for (const std::string& complaint : first.complaints) fmt::print("  {}\n", complaint);
  const bool same = first.trace_hash == second.trace_hash;
  if (!same) fmt::print("  the second run differs: hash {:016x}\n", second.trace_hash);
  std::fflush(stdout);
  return same && first.complaints.empty();
}

}  // namespace

int main(int argc, char** argv) {
  auto arguments = parse(argc, argv);
  if (!arguments) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  std::uint64_t failed = 0;
  for (std::uint64_t i = 0; i < arguments->seeds; ++i) {
    if (!run_twice(arguments->swarm)) ++failed;
    ++arguments->swarm.seed;
  }
  return failed == 0 ? 0 : 1;
}
