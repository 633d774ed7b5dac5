/// Cost of parsing pipelined requests and of writing their replies. Libraries: ashlar_resp, benchmark.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/buffer.h"
#include "resp/encoder.h"
#include "resp/request_parser.h"

namespace {

using namespace ashlar;

std::string pipeline(std::size_t commands, const std::vector<std::string>& args) {
  std::string one = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& arg : args) one += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  std::string all;
  for (std::size_t i = 0; i < commands; ++i) all += one;
  return all;
}

void parse(benchmark::State& state, const std::vector<std::string>& args) {
  constexpr std::size_t kDepth = 16;
  const std::string input = pipeline(kDepth, args);
  resp::RequestParser parser;
  resp::CommandBatch batch;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.parse(input, {}, kDepth, batch));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kDepth));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * input.size()));
}
BENCHMARK_CAPTURE(parse, get_16_byte_key, {"GET", "key:000000001234"});
BENCHMARK_CAPTURE(parse, set_16_byte_value, {"SET", "key:000000001234", "value-0123456789"});
BENCHMARK_CAPTURE(parse, mset_of_10, std::vector<std::string>(21, "key:000000001234"));

/// A command that arrives in two pieces.
void parse_cut(benchmark::State& state) {
  const std::string input = pipeline(1, {"SET", "key:000000001234", "value-0123456789"});
  resp::RequestParser parser;
  resp::CommandBatch batch;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parser.parse(std::string_view(input).substr(0, 30), {}, 16, batch));
    benchmark::DoNotOptimize(parser.parse(input, {}, 16, batch));
  }
}
BENCHMARK(parse_cut);

template <typename Write>
void encode(benchmark::State& state, Write write) {
  constexpr std::size_t kDepth = 16;
  ByteBuffer out;
  resp::Encoder encoder(out);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kDepth; ++i) write(encoder);
    benchmark::ClobberMemory();
    out.clear();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kDepth));
}
BENCHMARK_CAPTURE(encode, ok, [](resp::Encoder& e) { e.ok(); });
BENCHMARK_CAPTURE(encode, null, [](resp::Encoder& e) { e.null(); });
BENCHMARK_CAPTURE(encode, bulk_16, [](resp::Encoder& e) { e.bulk("value-0123456789"); });
BENCHMARK_CAPTURE(encode, bulk_100, [value = std::string(100, 'x')](resp::Encoder& e) { e.bulk(value); });
BENCHMARK_CAPTURE(encode, integer_1, [](resp::Encoder& e) { e.integer(1); });
BENCHMARK_CAPTURE(encode, integer_7_digits, [](resp::Encoder& e) { e.integer(1234567); });

}  // namespace

BENCHMARK_MAIN();
