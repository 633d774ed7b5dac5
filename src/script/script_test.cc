#include <gtest/gtest.h>

#include "script/catalog.h"
#include "script/interpreter.h"
#include "script/lua_source.h"
#include "script/script_flags.h"
#include "script/sha1.h"

#include "base/scheduling.h"

namespace ashlar::script {
namespace {

/// Answers every command with a reply prepared by the test, and remembers what was asked.
class FakePort final : public ScriptPort {
 public:
  void call(std::span<const std::string_view> args, resp::Encoder& reply) override {
    for (const std::string_view arg : args) asked += std::string(arg) + ' ';
    reply.raw(answer);
  }
  Result<bool> may_run(std::span<const std::string_view> args) override {
    if (args[0] == "nonsense") return fail("no such command");
    return args[0] != "forbidden";
  }
  void record_for(command::Recipients wanted) override { recipients = wanted; }
  void error_was_counted() override { ++counted; }
  command::Recipients recipients = command::Recipients::kAll;
  int counted = 0;
  Verdict tick() override { return --ticks_left < 0 ? Verdict::kKill : Verdict::kGoOn; }
  std::string asked;
  std::string answer = "+OK\r\n";
  int ticks_left = 1'000'000;
};

class InterpreterTest : public ::testing::Test {
 protected:
  std::string eval(std::string_view script, std::vector<std::string_view> keys = {},
                   std::vector<std::string_view> args = {}) {
    const auto digest = sha1_hex(script);
    const std::string sha(digest.data(), digest.size());
    const auto compiled = interpreter.compile(sha, script);
    if (!compiled) return compiled.error().detail;
    ByteBuffer out;
    resp::Encoder reply(out, version);
    interpreter.run_script(sha, {port, keys, args, reply});
    return std::string(out.view());
  }
  Rng rng{1};
  Watchdog watchdog;
  Interpreter interpreter{rng, watchdog};
  FakePort port;
  resp::Version version = resp::Version::kResp2;
};

TEST_F(InterpreterTest, ConvertsWhatScriptsReturn) {
  EXPECT_EQ(eval("return 3.99"), ":3\r\n");
  EXPECT_EQ(eval("return 'a\\0b'"), std::string("$3\r\na\0b\r\n", 9));
  EXPECT_EQ(eval("return {1, 2, {3, 'x'}, nil, 4}"), "*3\r\n:1\r\n:2\r\n*2\r\n:3\r\n$1\r\nx\r\n");
  EXPECT_EQ(eval("return true"), ":1\r\n");
  EXPECT_EQ(eval("return false"), "$-1\r\n");
  EXPECT_EQ(eval("return {ok = 'fine'}"), "+fine\r\n");
  EXPECT_EQ(eval("return {double = 3.5}"), "$3\r\n3.5\r\n");
  EXPECT_EQ(eval("return {map = {a = 1}}"), "*2\r\n$1\r\na\r\n:1\r\n");
  version = resp::Version::kResp3;
  EXPECT_EQ(eval("return {map = {a = 1}}"), "%1\r\n$1\r\na\r\n:1\r\n");
  EXPECT_EQ(eval("return {set = {x = true}}"), "~1\r\n$1\r\nx\r\n");
  EXPECT_EQ(eval("return true"), ":1\r\n");
  EXPECT_EQ(eval("return {false}"), "*1\r\n_\r\n");
  EXPECT_EQ(eval("redis.setresp(3) return {true, false}"), "*2\r\n#t\r\n#f\r\n");
}

TEST_F(InterpreterTest, KeepsLineEndsOutOfErrorAndStatusReplies) {
  EXPECT_EQ(eval("return {err = 'MY a\\r\\nb'}"), "-MY a  b\r\n");
  EXPECT_EQ(eval("return redis.status_reply('a\\nb')"), "+a b\r\n");
}

TEST_F(InterpreterTest, GivesKeysArgumentsAndReplies) {
  port.answer = "*2\r\n:7\r\n$-1\r\n";
  EXPECT_EQ(
      eval("local r = redis.call('x', KEYS[1], ARGV[1], 10, 1.5) return {r[1], r[2] == false and 'null' or 'value'}",
           {"k"}, {"v"}),
      "*2\r\n:7\r\n$4\r\nnull\r\n");
  EXPECT_EQ(port.asked, "x k v 10 1.5 ");
}

TEST_F(InterpreterTest, RaisesErrorsOfCallAndReturnsThoseOfPcall) {
  port.answer = "-WRONGTYPE no\r\n";
  constexpr std::string_view kScript = "local value = redis.call('get', 'x') return value";
  const auto digest = sha1_hex(kScript);
  EXPECT_EQ(eval(kScript), "-WRONGTYPE no script: " + std::string(digest.data(), 40) + ", on @user_script:1.\r\n");
  EXPECT_EQ(eval("return redis.pcall('get', 'x').err"), "$12\r\nWRONGTYPE no\r\n");
  EXPECT_EQ(eval("local ok, e = pcall(redis.call, 'get', 'x') return {ok and 1 or 0, e}"),
            "*2\r\n:0\r\n$12\r\nWRONGTYPE no\r\n");
}

TEST_F(InterpreterTest, GivesWhoCatchesAnErrorObjectItsText) {
  EXPECT_EQ(eval("local ok, e = pcall(error, {err = 'MINE x'}) return 'failed: ' .. e"), "$14\r\nfailed: MINE x\r\n");
  EXPECT_EQ(eval("local ok, e = pcall(error, {code = 7}) return e.code"), ":7\r\n");
  EXPECT_EQ(eval("return select('#', pcall(function() end))"), ":1\r\n");
  EXPECT_EQ(eval("return {select(2, pcall(function(...) return ... end, 1, 2, 3))}"), "*3\r\n:1\r\n:2\r\n:3\r\n");
}

TEST_F(InterpreterTest, CallsTheHandlerOfXpcallWithTheError) {
  EXPECT_EQ(eval("return select(2, xpcall(function() error({code = 7}) end, function(e) return e.code end))"),
            ":7\r\n");
  EXPECT_EQ(eval("return select(2, xpcall(error, function() error('again') end, 'first'))"),
            "$23\r\nerror in error handling\r\n");
  EXPECT_EQ(eval("return {select(2, xpcall(function(...) return ... end, error, 1, 2))}"), "*2\r\n:1\r\n:2\r\n");
}

/// No handler of an error object may be called: none of them is protected by anything.
TEST_F(InterpreterTest, AsksNoMetamethodOfAnErrorObject) {
  port.ticks_left = 1000;
  for (const char* metamethod : {"error('x')", "while true do end"}) {
    const std::string object = std::string("local f = function() ") + metamethod +
                               " end error(setmetatable({}, {__index = f, __newindex = f}))";
    EXPECT_TRUE(eval(object).starts_with("-ERR (error object is not a string) script: ")) << eval(object);
    EXPECT_EQ(eval("return 1"), ":1\r\n");
  }
  EXPECT_TRUE(eval("error(redis)").starts_with("-ERR (error object is not a string) script: "));
  EXPECT_TRUE(eval("error({err = 'MINE x', line = 7})").starts_with("-MINE x script: "));
}

TEST_F(InterpreterTest, NamesTheLineOfARuntimeError) {
  const std::string_view script = "local a = 1\nreturn a .. nil";
  const auto digest = sha1_hex(script);
  EXPECT_EQ(eval(script), "-ERR user_script:2: attempt to concatenate a nil value script: " +
                              std::string(digest.data(), 40) + ", on @user_script:2.\r\n");
  EXPECT_TRUE(eval("return (").starts_with("Error compiling script (new function): user_script:1:"));
}

TEST_F(InterpreterTest, NamesTheLineThatAsksForAGlobalThatIsNotThere) {
  const std::string_view script = "local a = 1\nreturn nobody";
  const auto digest = sha1_hex(script);
  EXPECT_EQ(eval(script),
            "-ERR user_script:2: Script attempted to access nonexistent global variable 'nobody' script: " +
                std::string(digest.data(), 40) + ", on @user_script:2.\r\n");
}

TEST_F(InterpreterTest, LeavesNothingBehindForOtherScripts) {
  for (const char* script :
       {"a = 1", "_G.a = 1", "rawset(_G, 'a', 1)", "setmetatable(_G, {})", "redis.call = 1", "string.upper = nil",
        "math.random = 1", "getmetatable(_G).__index = nil", "getmetatable('').__index = nil", "table.insert(redis, 1)",
        "rawset(string, 'x', 1)", "cjson.encode = nil"}) {
    EXPECT_NE(eval(script).find("Attempt to modify a readonly table"), std::string::npos)
        << script << ": " << eval(script);
  }
  EXPECT_NE(eval("return a").find("nonexistent global variable 'a'"), std::string::npos);
}

TEST_F(InterpreterTest, LetsNoTableThatScriptsShareBeWrittenTo) {
  // From _G through every key, value and metatable; KEYS and ARGV are the script's own.
  constexpr std::string_view kWalk = R"lua(
    local seen, open, written = {[_G] = true, [KEYS] = true, [ARGV] = true}, {{'_G', _G}}, {}
    local function note(path, value)
      if type(value) == 'table' and not seen[value] then
        seen[value] = true
        table.insert(open, {path, value})
      end
      local metatable = getmetatable(value)
      if metatable and not seen[metatable] then
        seen[metatable] = true
        table.insert(open, {'metatable of ' .. path, metatable})
      end
    end
    local ways = {
      assignment = function(t) t.planted = 1 end,
      change = function(t) for key, value in pairs(t) do t[key] = value end t[1] = 1 end,
      rawset = function(t) rawset(t, 'planted', 1) end,
      insert = function(t) table.insert(t, 1) end,
      remove = function(t) table.remove(t) end,
      sort = function(t) table.sort(t) end,
      move = function(t) table.move({1}, 1, 1, 1, t) end,
      metatable = function(t) setmetatable(t, {}) end,
    }
    local walked = 0
    while #open > 0 and walked < 1000 do
      local path, t = unpack(table.remove(open))
      walked = walked + 1
      for name, way in pairs(ways) do
        if pcall(way, t) then table.insert(written, path .. ' by ' .. name) end
      end
      for key, value in pairs(t) do
        note('a key of ' .. path, key)
        note(path .. '.' .. tostring(key), value)
      end
    end
    return {walked, #open, table.concat(written, ', ')}
  )lua";
  // _G, ten libraries, and what getmetatable() shows of strings and of everything else.
  EXPECT_EQ(eval(kWalk), "*3\r\n:13\r\n:0\r\n$0\r\n\r\n");
}

TEST_F(InterpreterTest, DoesNotGrowWithEachLookAtTheMetatableOfASharedTable) {
  (void)eval("for i = 1, 1000 do getmetatable(_G) end collectgarbage()");
  const std::size_t before = interpreter.memory_bytes();
  (void)eval("for i = 1, 10000 do getmetatable(_G) end collectgarbage()");
  EXPECT_LT(interpreter.memory_bytes(), before + 100'000);
}

TEST_F(InterpreterTest, HasWhatLua51KeepsOfLua50) {
  EXPECT_EQ(eval("return math.mod(5, 3)"), ":2\r\n");
  EXPECT_EQ(eval("local n = 0 for w in string.gfind('a b c', '%a') do n = n + 1 end return n"), ":3\r\n");
  EXPECT_NE(eval("table.setn({}, 1)").find("user_script:1: 'setn' is obsolete"), std::string::npos);
}

TEST_F(InterpreterTest, HasNoWayOut) {
  for (const char* name : {"io", "require", "package", "debug", "dofile", "loadfile", "ffi", "jit", "getfenv",
                           "setfenv", "newproxy", "print", "module"}) {
    EXPECT_NE(eval(std::string("return ") + name).find("nonexistent global variable"), std::string::npos) << name;
  }
  EXPECT_EQ(eval("return os.execute == nil"), ":1\r\n");
  EXPECT_EQ(eval("return loadstring('\\27Lua') == nil"), ":1\r\n");
  EXPECT_EQ(eval("return loadstring(string.dump(function() return 1 end)) == nil"), ":1\r\n");
  EXPECT_EQ(eval("return loadstring('return 1 + 1')()"), ":2\r\n");
}

TEST_F(InterpreterTest, EndsAScriptThatIsKilledThoughItCatchesErrors) {
  port.ticks_left = 3;
  EXPECT_NE(eval("while true do pcall(function() while true do end end) end").find("killed by user"),
            std::string::npos);
  port.ticks_left = 3;
  EXPECT_NE(eval("xpcall(function() while true do end end, function() while true do end end)").find("killed by user"),
            std::string::npos);
  port.ticks_left = 1000;
  EXPECT_EQ(eval("return 1"), ":1\r\n");
}

TEST_F(InterpreterTest, EndsALongScriptAfterTheWatchdogHasSlept) {
  for (int round = 0; round < 3; ++round) {
    port.ticks_left = 0;
    EXPECT_NE(eval("while true do end").find("killed by user"), std::string::npos);
    while (!watchdog.asleep()) yield_core();
  }
}

TEST(ScriptCache, KnowsAScriptByItsTextUntilItIsCleared) {
  ScriptCache cache;
  for (const char* sha : {"a", "b", "b"}) {
    auto script = std::make_shared<Script>();
    script->sha = sha;
    script->text = std::string("return '") + sha + "'";
    cache.add(std::move(script));
  }
  ASSERT_NE(cache.find_text("return 'b'"), nullptr);
  EXPECT_EQ(cache.find_text("return 'b'"), cache.find("b"));
  EXPECT_EQ(cache.find_text("return 'a' "), nullptr);
  EXPECT_EQ(cache.size().scripts, 2U);
  cache.clear();
  EXPECT_EQ(cache.find_text("return 'b'"), nullptr);
}

TEST_F(InterpreterTest, RunsRegisteredFunctions) {
  const auto functions = interpreter.load_library(
      "lib",
      "\nlocal n = 40\nredis.register_function('f', function(keys, args) return n + tonumber(args[1]) end)\n"
      "redis.register_function{function_name = 'g', callback = function() return 'g' end, flags = {'no-writes'}, "
      "description = 'd'}",
      port);
  ASSERT_TRUE(functions) << functions.error().detail;
  ASSERT_EQ(functions->size(), 2U);
  EXPECT_EQ((*functions)[1].description, "d");
  EXPECT_TRUE(has((*functions)[1].flags, ScriptFlag::kNoWrites));
  ByteBuffer out;
  resp::Encoder reply(out);
  const std::vector<std::string_view> args = {"2"};
  interpreter.run_function("lib", "f", {port, {}, args, reply});
  EXPECT_EQ(out.view(), ":42\r\n");
}

TEST_F(InterpreterTest, RefusesAFunctionThatItsLibraryRegisteredUnderAnotherNameThisTime) {
  ASSERT_TRUE(interpreter.load_library("lib", "\nredis.register_function('now', function() return 1 end)", port));
  ByteBuffer out;
  resp::Encoder reply(out);
  interpreter.run_function("lib", "before", {port, {}, {}, reply});
  EXPECT_EQ(out.view(), "-ERR The library did not register this function when it was loaded again\r\n");
}

TEST_F(InterpreterTest, RefusesLibrariesThatCallOrRegisterNothing) {
  EXPECT_EQ(interpreter.load_library("a", "\nreturn 1", port).error().detail, "No functions registered");
  EXPECT_EQ(interpreter.load_library("a", "\nredis.call('x')", port).error().detail,
            "Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable "
            "'call'");
}

TEST_F(InterpreterTest, ShowsLibrariesLittleWhileTheyAreLoadedAndAllThatScriptsHaveLater) {
  EXPECT_NE(interpreter.load_library("a", "\nlocal x = math.pi", port).error().detail.find("global variable 'math'"),
            std::string::npos);
  ASSERT_TRUE(interpreter.load_library("a",
                                       "\nlocal early = redis\n"
                                       "redis.register_function('f', function() return math.floor(1.5) end)\n"
                                       "redis.register_function('g', function() early.x = 1 end)\n"
                                       "redis.register_function('h', function() return redis.register_function end)",
                                       port));
  const auto run = [&](const char* function) {
    ByteBuffer out;
    resp::Encoder reply(out);
    interpreter.run_function("a", function, {port, {}, {}, reply});
    return std::string(out.view());
  };
  EXPECT_EQ(run("f"), ":1\r\n");
  EXPECT_NE(run("g").find("Attempt to modify a readonly table"), std::string::npos);
  EXPECT_EQ(run("h"), "$-1\r\n");
}

TEST_F(InterpreterTest, EndsALibraryThatDoesNotEndItself) {
  port.ticks_left = 2;
  EXPECT_EQ(interpreter.load_library("a", "\nlocal n = 1\nwhile true do n = n + 1 end", port).error().detail,
            "Error registering functions: ERR FUNCTION LOAD timeout");
}

TEST_F(InterpreterTest, NamesTheLineOfACallWhoseReplyIsReturned) {
  port.answer = "-WRONGTYPE no\r\n";
  const std::string_view script = "local a = 1\nreturn redis.call('get', KEYS[a])";
  const auto digest = sha1_hex(script);
  EXPECT_EQ(eval(script, {"k"}),
            "-WRONGTYPE no script: " + std::string(digest.data(), 40) + ", on @user_script:2.\r\n");
}

TEST_F(InterpreterTest, TellsWhetherTheErrorOfARunWasThatOfACall) {
  port.answer = "-WRONGTYPE no\r\n";
  (void)eval("return redis.call('get', 'x')");
  (void)eval("return redis.pcall('get', 'x')");
  EXPECT_EQ(port.counted, 2);
  (void)eval("return redis.error_reply('MINE x')");
  (void)eval("redis.pcall('get', 'x') return 1");
  EXPECT_EQ(port.counted, 2);
}

TEST_F(InterpreterTest, PassesOnWhereEffectsGo) {
  EXPECT_EQ(eval("redis.set_repl(redis.REPL_AOF)"), "$-1\r\n");
  EXPECT_EQ(port.recipients, command::Recipients::kFile);
  EXPECT_NE(eval("redis.set_repl(12345)").find("Invalid replication flags"), std::string::npos);
}

TEST(LuaSource, PutsCallsThatAreReturnedInParentheses) {
  EXPECT_EQ(keep_calling_frames("return redis.call('a')"), "return (redis.call('a'))");
  EXPECT_EQ(keep_calling_frames("if x then return server.call(f(1), '(') end"),
            "if x then return (server.call(f(1), '(')) end");
  EXPECT_EQ(keep_calling_frames("return redis.call('a') -- it\n"), "return (redis.call('a')) -- it\n");
}

TEST(LuaSource, LeavesEverythingElseAsItIs) {
  for (const char* text : {"return redis.call('a'), 1", "return redis.call('a')[1]", "return redis.call('a') .. 'x'",
                           "return call('a')", "-- return redis.call('a')", "x = 'return redis.call(1)'",
                           "x = [==[ return redis.call(1) ]==]", "--[[ return redis.call(1) ]]", "return redis.call('a",
                           "return redis.call(", "returns redis.call('a')", "local f = redis.call return f('a')"}) {
    EXPECT_EQ(keep_calling_frames(text), text);
  }
}

/// Time that grows with the square of the length would be an hour here.
TEST(LuaSource, ReadsEachTokenOnceThoughNoParenthesisIsClosed) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "return redis.call(";
  EXPECT_EQ(keep_calling_frames(text), text);
}

TEST(LuaSource, PutsTheOuterCallInParenthesesWhenOneIsInsideAnother) {
  EXPECT_EQ(keep_calling_frames("return redis.call((function() return redis.call('a') end)())"),
            "return (redis.call((function() return redis.call('a') end)()))");
}

TEST_F(InterpreterTest, PacksStructsAndMessages) {
  EXPECT_EQ(eval("return struct.pack('>I2h', 258, -2)"), std::string("$4\r\n\x01\x02\xFF\xFE\r\n"));
  EXPECT_EQ(eval("local a, b, at = struct.unpack('<I2s', '\\1\\0ab\\0') return {a, b, at}"),
            "*3\r\n:1\r\n$2\r\nab\r\n:6\r\n");
  EXPECT_NE(eval("return struct.unpack('I4', 'abc')").find("data string too short"), std::string::npos);
  EXPECT_EQ(eval("return cmsgpack.pack({1, 2, 'x', false})"), std::string("$6\r\n\x94\x01\x02\xA1x\xC2\r\n"));
  EXPECT_EQ(
      eval("local t = cmsgpack.unpack(cmsgpack.pack({a = {1, -500, 1.5}})) return {t.a[1], t.a[2], tostring(t.a[3])}"),
      "*3\r\n:1\r\n:-500\r\n$3\r\n1.5\r\n");
  EXPECT_NE(eval("return cmsgpack.unpack('\\193')").find("Bad data format"), std::string::npos);
  EXPECT_NE(eval("return cmsgpack.unpack('\\223\\1')").find("Missing bytes"), std::string::npos);
  EXPECT_EQ(eval("return cjson.encode({1, 2, {x = 'y'}})"), "$15\r\n[1,2,{\"x\":\"y\"}]\r\n");
  EXPECT_EQ(eval("return bit.band(12, 10)"), ":8\r\n");
}

TEST_F(InterpreterTest, RefusesToEncodeWhatItsJsonLibraryCannotCount) {
  // 200 times the same megabyte, which takes six bytes a character at worst: more than 2^30.
  constexpr std::string_view kBig = "local s = string.rep('x', 1000000) local t = {} for i = 1, 200 do t[i] = s end ";
  EXPECT_NE(eval(std::string(kBig) + "return cjson.encode(t)").find("the text would be too long"), std::string::npos);
  EXPECT_NE(eval(std::string(kBig) + "return cjson.new().encode(t)").find("the text would be too long"),
            std::string::npos);
  // The same as the keys and values of a few tables in each other, and a table that holds itself.
  EXPECT_NE(eval("local t = {string.rep('x', 1000)} for i = 1, 40 do t = {t, t} end return cjson.encode(t)")
                .find("the text would be too long"),
            std::string::npos);
  EXPECT_NE(eval("local t = {} t[1] = t return cjson.encode(t)").find("excessive nesting"), std::string::npos);
  EXPECT_EQ(eval("return cjson.encode({a = {1, 'x', true, cjson.null}})"), "$23\r\n{\"a\":[1,\"x\",true,null]}\r\n");
  EXPECT_NE(eval("return cjson.encode(1, 2)").find("expected 1 argument"), std::string::npos);
}

TEST_F(InterpreterTest, CountsWhatIsMissingInAnArrayThatItsJsonLibraryFills) {
  EXPECT_EQ(eval("return cjson.encode({[300000000] = 1})").find("too long"), std::string::npos);
  EXPECT_EQ(eval("cjson.encode_sparse_array(true) return cjson.encode({[300000000] = 1})"),
            "$15\r\n{\"300000000\":1}\r\n");
  for (const char* settings : {"false, 0, 0", "false, 2147483647, 0", "false, 2, 2147483647"}) {
    const std::string set = std::string("cjson.encode_sparse_array(") + settings + ") ";
    EXPECT_EQ(eval(set + "return cjson.encode({[3] = 1})"), "$13\r\n[null,null,1]\r\n");
    EXPECT_NE(eval(set + "return cjson.encode({[300000000] = 1})").find("the text would be too long"),
              std::string::npos);
    EXPECT_NE(eval(set + "local t = {} for i = 1, 300 do t[i] = {[1000000] = i} end return cjson.encode(t)")
                  .find("the text would be too long"),
              std::string::npos);
  }
}

TEST_F(InterpreterTest, UnpacksNoMessageWhenThePlaceIsGivenAndTheLimitIsNone) {
  EXPECT_EQ(eval("return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2), 0, 1)}"), "*1\r\n:1\r\n");
  EXPECT_EQ(eval("return {cmsgpack.unpack_limit(cmsgpack.pack(1, 2), 0)}"), "*2\r\n:1\r\n:2\r\n");
  EXPECT_EQ(eval("return cmsgpack.unpack('\\207' .. string.rep('\\255', 8))"), ":-1\r\n");
}

TEST_F(InterpreterTest, BoundsPackedMessages) {
  EXPECT_NE(eval("local t = {string.rep('x', 100000)} for i = 1, 14 do t = {t, t} end return #cmsgpack.pack(t)")
                .find("too long"),
            std::string::npos);
}

TEST_F(InterpreterTest, RefusesNumbersThatAreNoPlaces) {
  EXPECT_NE(eval("return cmsgpack.unpack_one('abc', 0/0)").find("Invalid request to unpack"), std::string::npos);
  EXPECT_NE(eval("return cmsgpack.unpack_limit('abc', 0/0)").find("Invalid request to unpack"), std::string::npos);
  EXPECT_NE(eval("return cmsgpack.unpack_one('abc', 1e300)").find("greater than input length 3"), std::string::npos);
  EXPECT_NE(eval("return struct.unpack('b', 'abc', 0/0)").find("offset must be 1 or greater"), std::string::npos);
  EXPECT_EQ(eval("math.randomseed(1e300) local a = math.random() math.randomseed(1e300) return a == math.random()"),
            ":1\r\n");
}

TEST_F(InterpreterTest, RefusesNestingWithoutEnd) {
  EXPECT_NE(eval("local t = {} for i = 1, 100000 do t = {t} end return t").find("reached lua stack limit"),
            std::string::npos);
}

TEST(Shebang, ReadsFlagsOfScriptsAndNamesOfLibraries) {
  const auto script = read_script_shebang("#!lua flags=no-writes,allow-oom\nreturn 1");
  ASSERT_TRUE(script);
  EXPECT_TRUE(has(script->flags, ScriptFlag::kNoWrites));
  EXPECT_TRUE(has(script->flags, ScriptFlag::kAllowOom));
  EXPECT_EQ(script->body, "\nreturn 1");
  EXPECT_EQ(read_script_shebang("#!lua flags=bad\n").error().detail, "Unexpected flag in script shebang: bad");
  EXPECT_EQ(read_script_shebang("#!lua x=1\n").error().detail, "Unknown lua shebang option: x=1");
  EXPECT_EQ(read_script_shebang("#!lua").error().detail, "Invalid script shebang");
  EXPECT_EQ(read_library_shebang("#!lua name=l\n")->name, "l");
  EXPECT_EQ(read_library_shebang("#!lua\n").error().detail, "Library name was not given");
  EXPECT_EQ(read_library_shebang("#!py name=l\n").error().detail, "Engine 'py' not found");
  EXPECT_EQ(read_library_shebang("#! name=l\n").error().detail, "Engine '' not found");
  EXPECT_EQ(read_library_shebang("#!lua name=\"l\"\n")->name, "l");
  EXPECT_EQ(read_library_shebang("#!lua name=\"l\n").error().detail, "Invalid library metadata");
}

}  // namespace
}  // namespace ashlar::script
