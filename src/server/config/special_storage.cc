/// The directives of storage whose values have a grammar of their own: `save` and `dir`.
#include <fmt/format.h>

#include <filesystem>

#include "base/bytes.h"
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

/// save <seconds> <changes> ...: the first line of a load replaces the defaults, later ones add; "" or nothing clears.
Result<void> assign_save(Config& config, std::span<const std::string> arguments, Use use) {
  if (arguments.size() == 1 && arguments[0].empty()) arguments = {};
  if (arguments.size() % 2 != 0) return fail("Invalid save parameters");
  std::vector<SavePoint> points;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    const auto period = parse_i64(arguments[i]);
    const auto changes = parse_i64(arguments[i + 1]);
    constexpr auto kMax = static_cast<std::int64_t>(kInt32Max);
    if (!period || !changes || *period < 1 || *period > kMax || *changes < 0 || *changes > kMax) {
      return fail("Invalid save parameters");
    }
    points.push_back({Seconds(*period), static_cast<std::uint32_t>(*changes)});
  }
  auto& own = config.snapshot.save_points;
  if (use == Use::kFirst || points.empty()) own.clear();
  own.insert(own.end(), points.begin(), points.end());
  return {};
}

std::string format_save(const Config& config) {
  std::string out;
  for (const SavePoint& point : config.snapshot.save_points) {
    out += fmt::format("{}{} {}", out.empty() ? "" : " ", point.period.count(), point.changes);
  }
  return out;
}

/// Always written: a file without a `save` line means the defaults.
std::vector<RewriteLine> rewrite_save(std::string_view name, const Config& now, const Config&) {
  if (now.snapshot.save_points.empty()) return {{fmt::format("{} \"\"", name), Force::kYes}};
  std::vector<RewriteLine> lines;
  for (const SavePoint& point : now.snapshot.save_points) {
    lines.push_back({fmt::format("{} {} {}", name, point.period.count(), point.changes), Force::kYes});
  }
  return lines;
}

/// dir <path>: relative to the directory so far, as a chdir at this line would be.
Result<void> assign_directory(Config& config, std::span<const std::string> arguments, Use) {
  if (arguments[0].empty()) return fail("No such file or directory");
  std::string joined =
      (std::filesystem::path(config.snapshot.directory) / std::filesystem::path(arguments[0])).lexically_normal();
  if (joined.size() > 1 && joined.back() == '/') joined.pop_back();
  config.snapshot.directory = std::move(joined);
  return {};
}

/// Always written, absolute: the server may be started from elsewhere next time.
std::vector<RewriteLine> rewrite_directory(std::string_view name, const Config& now, const Config&) {
  return {{fmt::format("{} {}", name, ashlar::quoted(now.snapshot.directory)), Force::kYes}};
}

}  // namespace

const Special kSaveRules{Special::Arity::kMany, assign_save, format_save, rewrite_save};
const Special kDirectoryRules{Special::Arity::kOne, assign_directory,
                              [](const Config& c) { return c.snapshot.directory; }, rewrite_directory};

}  // namespace ashlar::config
