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

/// The number that the low bits of `raw` stand for in a field of that type.
Wide as_number(FieldType type, std::uint64_t raw) noexcept {
  const unsigned unused = 64 - type.width;
  raw <<= unused;
  return type.is_signed ? static_cast<Wide>(static_cast<std::int64_t>(raw) >> unused)
                        : static_cast<Wide>(raw >> unused);
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

/// The string that a program works on. It becomes writable with the first step that needs it: a program that changes
/// nothing leaves the key as it is, for those who watch it too.
class Target {
 public:
  explicit Target(const BitText& old) : old_(old), text_(old.text) {}
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// The text, writable and at least `size` long.
  [[nodiscard]] char* writable(Context& ctx, std::size_t size) {
    if (bytes_ == nullptr) {
      size = std::max(size, old_.text.size());
      bytes_ = writable_bits(ctx, ctx.keys[0], old_, size);
      text_ = {bytes_, size};
    }
    return bytes_;
  }

 private:
  const BitText& old_;
  std::string_view text_;
  char* bytes_ = nullptr;
};

/// Runs the steps and replies. Returns how many changed something.
std::uint64_t run(Context& ctx, const Program& program, Target target) {
  std::uint64_t changes = 0;
  const bool grows = target.text().size() < program.bytes;
  if (grows) (void)target.writable(ctx, program.bytes);
  ctx.reply.array(program.steps.size());
  for (const Step& step : program.steps) {
    const Wide old = as_number(step.type, read_bits(target.text(), step.offset, step.type.width));
    if (step.action == Action::kGet) {
      ctx.reply.integer(static_cast<std::int64_t>(old));
      continue;
    }
    const auto value = stored_value(step, old);
    if (!value) {
      ctx.reply.null();
      continue;
    }
    const Wide fresh = as_number(step.type, *value);
    ctx.reply.integer(static_cast<std::int64_t>(step.action == Action::kSet ? old : fresh));
    if (fresh == old && !grows) continue;
    char* bytes = target.writable(ctx, program.bytes);
    write_bits(bytes, target.text().size(), step.offset, step.type.width, *value);
    ++changes;
  }
  return changes == 0 && grows ? 1 : changes;  // longer is a change even if no step has succeeded
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
  const std::uint64_t changes = run(ctx, *program, Target(*old));
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
  run(ctx, *program, Target(*text));
}

}  // namespace

void register_bitfield(CommandTable& table) {
  table.add(kBitfield, &bitfield);
  table.add(kBitfieldRo, &bitfield_ro);
}

}  // namespace ashlar::commands
