#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/modes/mode_tools.h"

namespace ashlar::cli {
namespace {

constexpr Millis kSampleEvery{10};
constexpr Seconds kHistoryInterval{15};
constexpr Seconds kSummaryInterval{1};

/// Round trips in milliseconds since the last reset.
struct Samples {
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::int64_t total = 0;
  std::int64_t count = 0;

  void add(std::int64_t ms) {
    min = count == 0 ? ms : std::min(min, ms);
    max = std::max(max, ms);
    total += ms;
    ++count;
  }
  [[nodiscard]] double average() const {
    return count == 0 ? 0 : static_cast<double>(total) / static_cast<double>(count);
  }
};

std::string summary(const Samples& s, OutputFormat format) {
  switch (format) {
    case OutputFormat::kTyped:
      return fmt::format("min: {}, max: {}, avg: {:.2f} ({} samples)", s.min, s.max, s.average(), s.count);
    case OutputFormat::kCsv: return fmt::format("{},{},{:.2f},{}\n", s.min, s.max, s.average(), s.count);
    case OutputFormat::kRaw: return fmt::format("{} {} {:.2f} {}\n", s.min, s.max, s.average(), s.count);
    case OutputFormat::kJson:
    case OutputFormat::kQuotedJson: break;
  }
  return fmt::format("{{\"min\": {}, \"max\": {}, \"avg\": {:.2f}, \"count\": {}}}\n", s.min, s.max, s.average(),
                     s.count);
}

/// Round trip of one PING, reconnecting as long as it takes; nullopt: what answers is no such server, the user was
/// told.
std::optional<Micros> ping(const ModeContext& context) {
  const std::vector<std::string> words{"PING"};
  const auto answer = ask_patiently(context, words);
  if (answer) return answer->took;
  say(context.console.err, fmt::format("Error: {}\n", answer.error().text()));
  return std::nullopt;
}

/// A step of the latency spectrum: round trips up to `limit` count for it, shown as `mark`.
struct Step {
  Micros limit;
  char mark;
};

constexpr std::array<Step, 27> kSpectrum = {
    {{Micros(10), '.'},         {Micros(125), '-'},        {Micros(250), '*'},     {Micros(500), '#'},
     {Micros(1'000), '1'},      {Micros(2'000), '2'},      {Micros(3'000), '3'},   {Micros(4'000), '4'},
     {Micros(5'000), '5'},      {Micros(6'000), '6'},      {Micros(7'000), '7'},   {Micros(8'000), '8'},
     {Micros(9'000), '9'},      {Micros(10'000), 'A'},     {Micros(20'000), 'B'},  {Micros(30'000), 'C'},
     {Micros(40'000), 'D'},     {Micros(50'000), 'E'},     {Micros(100'000), 'F'}, {Micros(200'000), 'G'},
     {Micros(300'000), 'H'},    {Micros(400'000), 'I'},    {Micros(500'000), 'J'}, {Micros(1'000'000), 'K'},
     {Micros(10'000'000), 'L'}, {Micros(60'000'000), 'M'}, {Micros::max(), '?'}}};
// 256-colour palette, from nothing to everything.
constexpr std::array<int, 19> kColors = {0,   233, 234, 235, 237, 239, 241, 243, 245, 247,
                                         144, 143, 142, 184, 226, 214, 208, 202, 196};
constexpr std::array<int, 13> kGreys = {0, 233, 234, 235, 237, 239, 241, 243, 245, 247, 249, 251, 253};

constexpr std::string_view kSpectrumKey =
    "---------------------------------------------\n"
    ". - * #          .01 .125 .25 .5 milliseconds\n"
    "1,2,3,...,9      from 1 to 9     milliseconds\n"
    "A,B,C,D,E        10,20,30,40,50  milliseconds\n"
    "F,G,H,I,J        .1,.2,.3,.4,.5       seconds\n"
    "K,L,M,?          1,10,60,>60          seconds\n";

std::string legend(std::span<const int> palette) {
  std::string out(kSpectrumKey);
  out += "From 0 to 100%: ";
  for (const int color : palette) out += fmt::format("\x1b[48;5;{}m ", color);
  return out + "\x1b[0m\n---------------------------------------------\n";
}

std::string spectrum_line(const std::array<std::uint64_t, kSpectrum.size()>& counts, std::uint64_t total,
                          std::span<const int> palette) {
  std::string out;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const std::uint64_t shade = total == 0 ? 0 : (counts[i] * (palette.size() - 1) + total - 1) / total;
    out += fmt::format("\x1b[38;5;0m\x1b[48;5;{}m{}", palette[shade], kSpectrum[i].mark);
  }
  return out + "\x1b[0m\n";
}

}  // namespace

int run_latency(const ModeContext& context) {
  const bool history = context.options.mode == Mode::kLatencyHistory;
  const bool live = context.options.output == OutputFormat::kTyped;
  const Micros interval =
      context.options.interval.value_or(history ? Micros(kHistoryInterval) : Micros(kSummaryInterval));
  Samples samples;
  MonoTime begun = context.clock.mono();
  for (;;) {
    const auto latency = ping(context);
    if (!latency) return 1;
    samples.add(std::chrono::floor<Millis>(*latency).count());
    const Micros age = context.clock.mono() - begun;
    if (live) {
      say(context.console.out, "\x1b[0G\x1b[2K" + summary(samples, context.options.output));
    } else if (history) {
      if (age > interval) say(context.console.out, summary(samples, context.options.output));
    } else if (age > interval) {
      say(context.console.out, summary(samples, context.options.output));
      return 0;
    }
    if (history && age > interval) {
      if (live)
        say(context.console.out, fmt::format(" -- {:.2f} seconds range\n", static_cast<double>(age.count()) / 1e6));
      begun = context.clock.mono();
      samples = {};
    }
    pause_for(kSampleEvery);
  }
}

int run_latency_distribution(const ModeContext& context) {
  const std::span<const int> palette = context.options.color ? std::span<const int>(kColors) : kGreys;
  const Micros interval = context.options.interval.value_or(kSummaryInterval);
  std::array<std::uint64_t, kSpectrum.size()> counts{};
  std::uint64_t total = 0;
  int line = 0;
  MonoTime begun = context.clock.mono();
  for (;;) {
    const auto latency = ping(context);
    if (!latency) return 1;
    const auto step = std::ranges::find_if(kSpectrum, [&](const Step& s) { return *latency <= s.limit; });
    ++counts[static_cast<std::size_t>(step - kSpectrum.begin())];
    ++total;
    if (context.clock.mono() - begun > interval) {
      if (line++ % 20 == 0) say(context.console.out, legend(palette));
      say(context.console.out, spectrum_line(counts, total, palette));
      begun = context.clock.mono();
      counts = {};
      total = 0;
    }
    pause_for(kSampleEvery);
  }
}

}  // namespace ashlar::cli
