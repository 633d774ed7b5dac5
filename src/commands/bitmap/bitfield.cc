#include <algorithm>
#include <optional>
#include <vector>

#include "commands/bitmap/bits.h"
#include "commands/bitmap/parts.h"

namespace ashlar::commands {

using namespace command;

namespace {

/// Holds the exact sum of any two 64-bit numbers.
using Wide = __int128;

enum class Overflow : std::uint8_t { kWrap, kSaturate, kFail };
enum class Action : std::uint8_t { kGet, kSet, kIncrement };

/// "i1".."i64", "u1".."u63".
struct FieldType {
  bool is_signed = false;
  unsigned width = 1;
  [[nodiscard]] Wide least() const noexcept { return is_signed ? -(Wide{1} << (width - 1)) : Wide{0}; }
  [[nodiscard]] Wide most() const noexcept { return (Wide{1} << (is_signed ? width - 1 : width)) - 1; }
};

struct Step {
  Action action;
  FieldType type = {};
  std::uint64_t offset = 0;
  std::int64_t operand = 0;
  Overflow overflow = Overflow::kWrap;
};

struct Program {
  std::vector<Step> steps;
  std::uint64_t bytes = 0;  // that the writing steps need; 0: none writes
};

Result<FieldType> parse_type(std::string_view text) {
  constexpr std::string_view kBad =
      "Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
  const bool is_signed = text.starts_with('i');
  if (!is_signed && !text.starts_with('u')) return fail(std::string(kBad));
  const auto width = parse_i64(text.substr(1));
  if (!width || *width < 1 || *width > (is_signed ? 64 : 63)) return fail(std::string(kBad));
  return FieldType{is_signed, static_cast<unsigned>(*width)};
}

Result<Overflow> parse_overflow(std::string_view word) {
  if (iequals(word, "WRAP")) return Overflow::kWrap;
  if (iequals(word, "SAT")) return Overflow::kSaturate;
  if (iequals(word, "FAIL")) return Overflow::kFail;
  return fail("Invalid OVERFLOW type specified");
}

/// The action of a word, if as many arguments follow as it needs.
std::optional<Action> parse_action(std::string_view word, std::size_t following) {
  if (iequals(word, "GET") && following >= 2) return Action::kGet;
  if (iequals(word, "SET") && following >= 3) return Action::kSet;
  if (iequals(word, "INCRBY") && following >= 3) return Action::kIncrement;
  return std::nullopt;
}

Result<Program> parse_program(const Context& ctx) {
  const auto args = ctx.args;
  Program program;
  Overflow overflow = Overflow::kWrap;
  for (std::size_t i = 2; i < args.size();) {
    const std::size_t following = args.size() - i - 1;
    if (iequals(args[i], "OVERFLOW") && following >= 1) {
      ASH_TRY(overflow, parse_overflow(args[i + 1]));
      i += 2;
      continue;
    }
    const auto action = parse_action(args[i], following);
    if (!action) return fail(ErrorCode::kSyntax);
    Step step{.action = *action, .overflow = overflow};
    ASH_TRY(step.type, parse_type(args[i + 1]));
    ASH_TRY(step.offset, parse_field_offset(ctx, args[i + 2], step.type.width));
    if (*action != Action::kGet) {
      const auto operand = parse_i64(args[i + 3]);
      if (!operand) return fail(ErrorCode::kNotInteger);
      step.operand = *operand;
      program.bytes = std::max(program.bytes, (step.offset + step.type.width - 1) / 8 + 1);
    }
    program.steps.push_back(step);
    i += *action == Action::kGet ? 3 : 4;
  }
  return program;
}

Wide read_field(std::string_view text, const Step& step) noexcept {
  const std::uint64_t raw = read_bits(text, step.offset, step.type.width);
  if (!step.type.is_signed) return static_cast<Wide>(raw);
  const unsigned unused = 64 - step.type.width;
  return static_cast<Wide>(static_cast<std::int64_t>(raw << unused) >> unused);
}

/// What is to be stored; nullopt when it does not fit and the step says to fail then.
std::optional<std::uint64_t> stored_value(const Step& step, Wide old) noexcept {
  // An unsigned field takes the operand of SET by its bits, so a negative one is beyond any field.
  const Wide operand = step.action == Action::kSet && !step.type.is_signed
                           ? static_cast<Wide>(static_cast<std::uint64_t>(step.operand))
                           : static_cast<Wide>(step.operand);
  const Wide exact = step.action == Action::kSet ? operand : old + operand;
  if (exact < step.type.least() || exact > step.type.most()) {
    if (step.overflow == Overflow::kFail) return std::nullopt;
    if (step.overflow == Overflow::kSaturate) {
      return static_cast<std::uint64_t>(exact < step.type.least() ? step.type.least() : step.type.most());
    }
  }
  return static_cast<std::uint64_t>(exact);  // write_bits() takes the low bits: that wraps
}

/// Runs the steps over `text`, which lies in `bytes` if any step writes. Returns how many changed something.
std::uint64_t run(Context& ctx, const Program& program, std::string_view text, char* bytes, bool grown) {
  std::uint64_t changes = 0;
  ctx.reply.array(program.steps.size());
  for (const Step& step : program.steps) {
    const Wide old = read_field(text, step);
    if (step.action == Action::kGet) {
      ctx.reply.integer(static_cast<std::int64_t>(old));
      continue;
    }
    const auto value = stored_value(step, old);
    if (!value) {
      ctx.reply.null();
      continue;
    }
    write_bits(bytes, text.size(), step.offset, step.type.width, *value);
    const Wide fresh = read_field(text, step);
    ctx.reply.integer(static_cast<std::int64_t>(step.action == Action::kSet ? old : fresh));
    if (grown || fresh != old) ++changes;
  }
  return changes;
}

/// A program that only reads needs no right to write.
KeyUse use_of_bitfield(std::span<const std::string_view> args) {
  const auto writes = [](std::string_view word) { return iequals(word, "SET") || iequals(word, "INCRBY"); };
  bool reads_only = true;
  for (std::size_t i = 2; i < args.size();) {
    const bool get = iequals(args[i], "GET");
    const bool overflow = iequals(args[i], "OVERFLOW");
    reads_only &= !writes(args[i]);
    i += get ? 3 : overflow ? 2 : writes(args[i]) ? 4 : 1;
  }
  if (reads_only) return {KeyAccess::kRO, KeyAction::kAccess};
  return {KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate};
}

constexpr CommandSpec kBitfield{
    .name = "bitfield",
    .arity = at_least(2),
    .flags = Flag::kWrite | Flag::kDenyOom,
    .group = Group::kBitmap,
    .categories = Category::kBitmap,
    .keys = {one_key(1, KeyAccess::kRW, KeyAction::kUpdate | KeyAction::kAccess | KeyAction::kVariable)},
    .since = "3.2.0",
    .complexity = "O(1) for each step.",
    .summary = "Reads, sets and counts up integers of any width inside a string value.",
    .syntax =
        "key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset value | INCRBY encoding "
        "offset increment> ...]",
    .variation = &use_of_bitfield};
void bitfield(Context& ctx) {
  const auto program = parse_program(ctx);
  if (!program) return ctx.error(program.error());
  const KeyRef& key = ctx.keys[0];
  DecimalBuffer digits;
  const auto old = read_bit_text(ctx, key, program->bytes > 0 ? Access::kWrite : ctx.read_access(), digits);
  if (!old) return ctx.error(old.error());
  if (program->bytes == 0) {
    run(ctx, *program, old->text, nullptr, false);
    return;
  }
  const std::size_t before = old->text.size();
  const std::size_t size = std::max<std::size_t>(before, program->bytes);
  char* bytes = writable_bits(ctx, key, *old, size);
  const std::uint64_t changes = run(ctx, *program, {bytes, size}, bytes, size > before);
  if (changes == 0) return;
  ctx.effects.changed(changes);
  ctx.notify(EventClass::kString, "setbit", key);
}

constexpr CommandSpec kBitfieldRo{.name = "bitfield_ro",
                                  .arity = at_least(2),
                                  .flags = Flag::kReadOnly | Flag::kFast,
                                  .group = Group::kBitmap,
                                  .categories = Category::kBitmap,
                                  .keys = {one_key(1, KeyAccess::kRO, KeyAction::kAccess)},
                                  .since = "6.0.0",
                                  .complexity = "O(1) for each step.",
                                  .summary = "Reads integers of any width inside a string value.",
                                  .syntax = "key [GET encoding offset [GET encoding offset ...]]"};
void bitfield_ro(Context& ctx) {
  const auto program = parse_program(ctx);
  if (!program) return ctx.error(program.error());
  if (program->bytes > 0) return ctx.error("BITFIELD_RO only supports the GET subcommand");
  DecimalBuffer digits;
  const auto text = read_bit_text(ctx, ctx.keys[0], ctx.read_access(), digits);
  if (!text) return ctx.error(text.error());
  run(ctx, *program, text->text, nullptr, false);
}

}  // namespace

void register_bitfield(CommandTable& table) {
  table.add(kBitfield, &bitfield);
  table.add(kBitfieldRo, &bitfield_ro);
}

}  // namespace ashlar::commands
