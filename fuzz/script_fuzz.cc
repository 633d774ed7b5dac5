/// What scripts hand to the libraries of their sandbox, and the texts of scripts and function libraries. The first byte
/// chooses. Whatever comes, the interpreter goes on working, and nothing is left for the next script.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "script/interpreter.h"
#include "script/script_flags.h"
#include "script/sha1.h"

namespace {

using namespace ashlar;

/// Answers every command with its own words, and ends scripts that run for long.
class Echo final : public script::ScriptPort {
 public:
  void call(std::span<const std::string_view> args, resp::Encoder& reply) override {
    reply.array(args.size());
    for (const std::string_view arg : args) reply.bulk(arg);
  }
  Result<bool> may_run(std::span<const std::string_view>) override { return true; }
  void record_for(command::Recipients) override {}
  void error_was_counted() override {}
  Verdict tick() override { return --ticks_left_ < 0 ? Verdict::kKill : Verdict::kGoOn; }

 private:
  int ticks_left_ = 20;
};

std::string eval(script::Interpreter& interpreter, std::string_view text, const std::vector<std::string_view>& args) {
  const auto digest = script::sha1_hex(text);
  const std::string sha(digest.data(), digest.size());
  if (const auto compiled = interpreter.compile(sha, text); !compiled) return compiled.error().detail;
  Echo port;
  ByteBuffer out;
  resp::Encoder reply(out, resp::Version::kResp3);
  interpreter.run_script(sha, {port, {}, args, reply});
  interpreter.forget_scripts();
  return std::string(out.view());
}

// One script for each library that reads bytes; ARGV[1] is the input, ARGV[2] another part of it.
constexpr std::string_view kReaders[] = {
    "return {cmsgpack.unpack(ARGV[1])}",
    "return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))",
    "return {cmsgpack.unpack_limit(ARGV[1], 3, #ARGV[2])}",
    "return {struct.unpack(ARGV[2], ARGV[1])}",
    "return struct.pack(ARGV[2], ARGV[1], 7, ARGV[1], -1.5, 1e300)",
    "return struct.size(ARGV[1])",
    "return cjson.decode(ARGV[1])",
    "return cjson.encode(cjson.decode(ARGV[1]))",
    "return redis.call(ARGV[1], ARGV[2])",
    "return {redis.sha1hex(ARGV[1]), redis.error_reply(ARGV[2])}",
    "return redis.status_reply(ARGV[1])",
    "return {map = {[ARGV[1]] = {set = {[ARGV[2]] = true}}}}",
    "return {verbatim_string = {format = ARGV[1], string = ARGV[2]}}",
    "return {big_number = ARGV[1]}",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // tidy: allow(function-static): building an interpreter takes longer than a run
  static Rng rng(1);
  // tidy: allow(function-static): the same
  static script::Watchdog watchdog;
  // tidy: allow(function-static): the same
  static script::Interpreter interpreter(rng, watchdog);
  if (size < 2) return 0;
  const std::size_t choice = data[0] % (std::size(kReaders) + 2);
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string second(rest.substr(0, data[1] % 16));
  const std::string first(rest.substr(second.size()));
  if (choice < std::size(kReaders)) {
    static_cast<void>(eval(interpreter, kReaders[choice], {first, second}));
  } else if (choice == std::size(kReaders)) {
    if (const auto line = script::read_script_shebang(rest)) {
      static_cast<void>(eval(interpreter, line->body, {"a", "b"}));
    }
  } else if (const auto line = script::read_library_shebang(rest)) {
    Echo port;
    const auto functions = interpreter.load_library(line->name, line->body, port);
    if (functions) {
      for (const auto& function : *functions) {
        ByteBuffer out;
        resp::Encoder reply(out);
        interpreter.run_function(line->name, function.name, {port, {}, {}, reply});
      }
    }
    interpreter.forget_library(line->name);
  }
  ASH_CHECK(eval(interpreter, "return {1, #ARGV}", {"x"}) == "*2\r\n:1\r\n:1\r\n");
  return 0;
}
