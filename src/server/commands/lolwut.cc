#include "server/commands/lolwut.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "command/arg_parser.h"
#include "server/run_state.h"

namespace ashlar::server {
namespace {

using command::Context;

constexpr command::CommandSpec kLolwut{.name = "lolwut",
                                       .arity = command::at_least(1),
                                       .flags = command::Flag::kReadOnly | command::Flag::kFast,
                                       .group = command::Group::kServer,
                                       .since = "5.0.0",
                                       .summary = "Draws a wall of stones and tells the version.",
                                       .syntax = "[VERSION version]"};

constexpr std::int64_t kColumnsMax = 200;
constexpr std::int64_t kCoursesMax = 50;

/// Columns at which the joints of a course stand: stones of 4 to 13 characters, no joint above another.
std::vector<std::uint32_t> joints(std::uint32_t columns, const std::vector<std::uint32_t>& below, Rng& rng) {
  std::vector<std::uint32_t> out = {0};
  while (out.back() + 1 < columns) {
    std::uint32_t next = out.back() + 5 + static_cast<std::uint32_t>(rng.below(10));
    while (std::ranges::find(below, next) != below.end()) ++next;
    out.push_back(next + 4 >= columns ? columns - 1 : next);
  }
  return out;
}

void lolwut(Context& ctx) {
  command::ArgParser in(ctx.args, 1);
  std::int64_t version = 0;
  if (in.take("VERSION")) version = in.integer();
  std::int64_t columns = 66;
  std::int64_t courses = 8;
  if (in.more()) columns = in.integer();
  if (in.more()) courses = in.integer();
  if (in.failed()) return ctx.error(in.error());
  static_cast<void>(version);  // there is one picture so far; other versions get it too, as Redis does it
  const auto bounded = [](std::int64_t value, std::int64_t low, std::int64_t high) {
    return static_cast<std::uint32_t>(std::clamp(value, low, high));
  };
  std::string text =
      draw_wall(bounded(columns, 10, kColumnsMax), bounded(courses, 1, kCoursesMax), *ctx.db.context().rng);
  text += fmt::format("\nAshlar: stones cut to fit, so that no mortar is needed.\nAshlar ver. {}, Redis ver. {}\n",
                      kAshlarVersion, kRedisVersion);
  ctx.reply.verbatim("txt", text);
}

}  // namespace

std::string draw_wall(std::uint32_t columns, std::uint32_t courses, Rng& rng) {
  std::string out;
  std::vector<std::uint32_t> above;
  for (std::uint32_t course = 0; course < courses; ++course) {
    const std::vector<std::uint32_t> here = joints(columns, above, rng);
    std::string bed(columns, '_');
    std::string stones(columns, ' ');
    for (const std::uint32_t at : above) bed[at] = course == 0 ? '_' : '|';
    if (course == 0) bed.front() = bed.back() = ' ';
    for (const std::uint32_t at : here) stones[at] = '|';
    for (std::size_t i = 1; i + 1 < columns; ++i) {  // the mason's tool marks
      if (stones[i] == ' ' && rng.below(14) == 0) stones[i] = rng.below(2) == 0 ? '.' : '\'';
    }
    out += bed + "\n" + stones + "\n";
    above = here;
  }
  std::string foot(columns, '_');
  for (const std::uint32_t at : above) foot[at] = '|';
  return out + foot + "\n";
}

void register_lolwut(command::CommandTable& table) { table.add(kLolwut, &lolwut); }

}  // namespace ashlar::server
