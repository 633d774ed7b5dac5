#include "server/commands/latency.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "server/commands/latency_report.h"
#include "server/help.h"
#include "server/latency_summary.h"

namespace ashlar::server {

using command::Command;
using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr std::string_view kTips = "nondeterministic_output,request_policy:all_nodes,response_policy:special";

constexpr CommandSpec sub(std::string_view name, command::Arity arity, std::string_view since,
                          std::string_view complexity, std::string_view summary, std::string_view syntax = {},
                          std::string_view tips = kTips) {
  return {.name = name,
          .arity = arity,
          .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale,
          .group = Group::kServer,
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = tips};
}

constexpr CommandSpec kLatency{.name = "latency",
                               .arity = command::at_least(2),
                               .group = Group::kServer,
                               .since = "2.8.13",
                               .complexity = "Depends on subcommand.",
                               .summary = "Holds the commands that tell what took long."};
constexpr CommandSpec kDoctor = sub("latency|doctor", command::exactly(2), "2.8.13", "O(1)",
                                    "A report in words about what took long, with advice.");
constexpr CommandSpec kGraph =
    sub("latency|graph", command::exactly(3), "2.8.13", "O(1)", "The samples of an event as a chart.", "event");
constexpr CommandSpec kHistogram =
    sub("latency|histogram", command::at_least(2), "7.0.0", "O(N) where N is the number of commands",
        "How many calls of a command took how long.", "[command [command ...]]");
constexpr CommandSpec kHistory =
    sub("latency|history", command::exactly(3), "2.8.13", "O(1)", "The samples of an event.", "event");
constexpr CommandSpec kLatest =
    sub("latency|latest", command::exactly(2), "2.8.13", "O(1)", "The last sample of each event.");
constexpr CommandSpec kReset =
    sub("latency|reset", command::at_least(2), "2.8.13", "O(1)", "Forgets the samples of some events, or of all.",
        "[event [event ...]]", "request_policy:all_nodes,response_policy:agg_sum");
constexpr CommandSpec kHelp{.name = "latency|help",
                            .arity = command::exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kServer,
                            .since = "2.8.13",
                            .summary = "Lists the subcommands of LATENCY."};

/// Upper ends of the steps of the histogram, in nanoseconds: powers of two from 1024 on, as precise as two decimal
/// digits are. Source: LATENCY HISTOGRAM of Redis 7.
std::uint64_t step_end(unsigned step) {
  const std::uint64_t base = std::uint64_t{1024} << step;
  return base + base / 128 - 1;
}
constexpr unsigned kSteps = 24;  // up to about 17 seconds, then one step for the rest

void reply_histogram(Context& ctx, const CommandTotals& totals, const TickRate& rate) {
  ctx.reply.map(2);
  ctx.reply.bulk("calls");
  ctx.reply.integer(static_cast<std::int64_t>(totals.calls));
  ctx.reply.bulk("histogram_usec");
  const resp::Deferred map = ctx.reply.begin_map();
  std::size_t pairs = 0;
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  for (unsigned step = 0; step <= kSteps; ++step) {
    const std::uint64_t before = seen;
    for (; bucket < totals.latency.size(); ++bucket) {
      // Scaled by a thousand, for nanoseconds from a converter to microseconds.
      const Ticks upper = LatencyBuckets::upper(bucket);
      const bool fits = step == kSteps || (upper < (Ticks{1} << 50) && rate.micros(upper * 1000) <= step_end(step));
      if (!fits) break;
      seen += totals.latency[bucket];
    }
    if (seen == before) continue;
    ctx.reply.integer(static_cast<std::int64_t>(step_end(step) / 1000));
    ctx.reply.integer(static_cast<std::int64_t>(seen));
    ++pairs;
  }
  ctx.reply.end(map, pairs);
}

void help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "DOCTOR",
      "    A report in words about what took long.",
      "GRAPH <event>",
      "    The samples of <event> as a chart.",
      "HISTORY <event>",
      "    The samples of <event>.",
      "LATEST",
      "    Last and longest sample of each event.",
      "RESET [<event> ...]",
      "    Forget the samples of these events, or of all.",
      "HISTOGRAM [<command> ...]",
      "    Number of calls up to each of some durations, for these commands or all that ran.",
  };
  reply_help(ctx, "LATENCY", kLines);
}

}  // namespace

void LatencyCommands::doctor(Context& ctx) {
  ctx.reply.verbatim("txt", latency_advice(parts_.monitor.all(), parts_.monitor.threshold(), ctx.now()));
}

void LatencyCommands::graph(Context& ctx) {
  const auto series = parts_.monitor.find(ctx.args[2]);
  if (!series) return ctx.error(fmt::format("No samples available for event '{}'", ctx.args[2]));
  ctx.reply.verbatim("txt", latency_graph(*series, ctx.now()));
}

void LatencyCommands::history(Context& ctx) {
  const auto series = parts_.monitor.find(ctx.args[2]);
  if (!series) return ctx.reply.array(0);
  ctx.reply.array(series->samples.size());
  for (const LatencyMonitor::Sample& sample : series->samples) {
    ctx.reply.array(2);
    ctx.reply.integer(sample.unix_seconds);
    ctx.reply.integer(static_cast<std::int64_t>(sample.millis));
  }
}

void LatencyCommands::latest(Context& ctx) {
  const auto all = parts_.monitor.all();
  ctx.reply.array(all.size());
  for (const LatencyMonitor::Series& series : all) {
    ctx.reply.array(4);
    ctx.reply.bulk(series.event);
    ctx.reply.integer(series.samples.back().unix_seconds);
    ctx.reply.integer(static_cast<std::int64_t>(series.samples.back().millis));
    ctx.reply.integer(static_cast<std::int64_t>(series.max_millis));
  }
}

void LatencyCommands::reset(Context& ctx) {
  std::size_t count = 0;
  if (ctx.args.size() == 2) count = parts_.monitor.reset_all();
  for (const std::string_view event : ctx.args.subspan(2)) count += parts_.monitor.reset(event);
  ctx.reply.integer(static_cast<std::int64_t>(count));
}

void LatencyCommands::histogram(Context& ctx) {
  std::vector<std::pair<const Command*, CommandTotals>> shown;
  const auto show_one = [&](const Command& command) {
    const CommandTotals totals = command_totals(parts_.stats, command.index);
    if (totals.calls > 0) shown.emplace_back(&command, totals);
  };
  const auto show = [&](const Command& command) {
    show_one(command);
    for (const Command* sub : command.subcommands) show_one(*sub);
  };
  if (ctx.args.size() == 2) {
    for (const auto& command : parts_.table.all()) show_one(*command);
  }
  for (const std::string_view name : ctx.args.subspan(2)) {
    if (const Command* command = parts_.table.find_full(name)) show(*command);
  }
  ctx.reply.map(shown.size());
  for (const auto& [command, totals] : shown) {
    ctx.reply.bulk(command->spec.name);
    reply_histogram(ctx, totals, parts_.rate);
  }
}

void LatencyCommands::register_in(command::CommandTable& table) {
  table.add_container(kLatency);
  table.add(kDoctor, Handler::bind<&LatencyCommands::doctor>(*this));
  table.add(kGraph, Handler::bind<&LatencyCommands::graph>(*this));
  table.add(kHistogram, Handler::bind<&LatencyCommands::histogram>(*this));
  table.add(kHistory, Handler::bind<&LatencyCommands::history>(*this));
  table.add(kLatest, Handler::bind<&LatencyCommands::latest>(*this));
  table.add(kReset, Handler::bind<&LatencyCommands::reset>(*this));
  table.add(kHelp, &help);
}

}  // namespace ashlar::server
