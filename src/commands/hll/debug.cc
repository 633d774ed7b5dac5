#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <memory>

#include "base/rng.h"
#include "commands/hll/parts.h"

namespace ashlar::commands {

using namespace command;
namespace hll = ds::hll;

namespace {

/// Makes the value dense where a subcommand looks at single registers; true when it was not.
bool make_dense(Context& ctx, HllValue& value, std::string& bytes) {
  if (value.encoding == hll::Encoding::kDense) return false;
  bytes = value.bytes;
  hll::make_dense(bytes);
  store_hll(ctx, ctx.keys[0], bytes);
  ctx.effects.changed();
  value.bytes = bytes;
  value.encoding = hll::Encoding::kDense;
  return true;
}

constexpr CommandSpec kPfdebug{.name = "pfdebug",
                               .arity = exactly(3),
                               .flags = Flag::kWrite | Flag::kDenyOom | Flag::kAdmin,
                               .group = Group::kHyperLogLog,
                               .categories = Category::kHyperLogLog,
                               .keys = {one_key(2, KeyAccess::kRW, KeyAction::kAccess)},
                               .since = "2.8.9",
                               .complexity = "O(N) where N is the number of registers.",
                               .summary = "Shows how a HyperLogLog is kept; for tests of the server.",
                               .syntax = "subcommand key"};
void pfdebug(Context& ctx) {
  auto value = find_hll(ctx, ctx.keys[0], Access::kWrite);
  if (!value) return;
  if (value->missing()) return ctx.error("The specified key does not exist");
  const std::string_view what = ctx.args[1];
  std::string bytes;
  if (iequals(what, "GETREG")) {
    make_dense(ctx, *value, bytes);
    ctx.reply.array(hll::kRegisters);
    for (std::size_t i = 0; i < hll::kRegisters; ++i) ctx.reply.integer(hll::dense_get(value->bytes, i));
  } else if (iequals(what, "DECODE")) {
    if (value->encoding != hll::Encoding::kSparse) return ctx.error("HLL encoding is not sparse");
    ctx.reply.bulk(hll::describe_sparse(value->bytes));
  } else if (iequals(what, "ENCODING")) {
    ctx.reply.simple(value->encoding == hll::Encoding::kSparse ? "sparse" : "dense");
  } else if (iequals(what, "TODENSE")) {
    ctx.reply.integer(make_dense(ctx, *value, bytes) ? 1 : 0);
  } else {
    ctx.error(fmt::format("Unknown PFDEBUG subcommand '{}'", what));
  }
}

/// Random registers must read back as they were set. Returns what is wrong, or nothing.
std::string test_registers(Rng& rng) {
  constexpr int kRounds = 20;
  const auto registers = std::make_unique<hll::Registers>();
  std::string bytes = hll::make_empty();
  hll::make_dense(bytes);
  for (int round = 0; round < kRounds; ++round) {
    for (auto& r : *registers) r = static_cast<std::uint8_t>(rng.below(64));
    hll::dense_set_all(bytes, *registers);
    for (std::size_t i = 0; i < hll::kRegisters; ++i) {
      const unsigned found = hll::dense_get(bytes, i);
      if (found != (*registers)[i]) {
        return fmt::format("TESTFAILED Register {} should be {} but is {}", i, (*registers)[i], found);
      }
    }
  }
  return {};
}

/// Both encodings must agree and be near the truth while elements are added.
std::string test_estimates(Rng& rng, std::size_t sparse_bytes_max) {
  constexpr std::uint64_t kElements = 1'000'000;
  const double relative_error = 1.04 / std::sqrt(static_cast<double>(hll::kRegisters));
  std::string sparse = hll::make_empty();
  std::string dense = sparse;
  hll::make_dense(dense);
  const std::uint64_t seed = rng.next();
  std::uint64_t checkpoint = 1;
  for (std::uint64_t n = 1; n <= kElements; ++n) {
    const auto element = std::bit_cast<std::array<char, 8>>(n ^ seed);
    const hll::Mark mark = hll::mark_of({element.data(), element.size()});
    hll::raise(sparse, mark, sparse_bytes_max);
    hll::raise(dense, mark, sparse_bytes_max);
    if (n != checkpoint) continue;
    checkpoint *= 10;
    if (n < sparse_bytes_max / 2 && hll::recognise(sparse) != hll::Encoding::kSparse) {
      return "TESTFAILED sparse encoding not used";
    }
    const std::uint64_t estimate = hll::estimate(dense);
    if (estimate != hll::estimate(sparse)) return "TESTFAILED dense/sparse disagree";
    // Six times the standard error; two of ten elements may share a register.
    const double allowed = n == 10 ? 1 : std::ceil(relative_error * 6 * static_cast<double>(n));
    const std::uint64_t error = estimate > n ? estimate - n : n - estimate;
    if (static_cast<double>(error) > allowed) {
      return fmt::format("TESTFAILED Too big error. card:{} abserr:{}", n, error);
    }
  }
  return {};
}

constexpr CommandSpec kPfselftest{.name = "pfselftest",
                                  .arity = exactly(1),
                                  .flags = Flag::kAdmin,
                                  .group = Group::kHyperLogLog,
                                  .categories = Category::kHyperLogLog,
                                  .since = "2.8.9",
                                  .complexity = "N/A",
                                  .summary = "Tests the HyperLogLog functions of the server on random data."};
void pfselftest(Context& ctx) {
  Rng& rng = *ctx.db.context().rng;
  std::string wrong = test_registers(rng);
  if (wrong.empty()) wrong = test_estimates(rng, ctx.limits().hll_sparse_bytes);
  if (!wrong.empty()) return ctx.error(wrong);
  ctx.reply.ok();
}

}  // namespace

void register_hll_debug(CommandTable& table) {
  table.add(kPfdebug, &pfdebug);
  table.add(kPfselftest, &pfselftest);
}

}  // namespace ashlar::commands
