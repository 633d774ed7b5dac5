// What ashlar-check-aof says and does. Expected lines are those of redis-check-aof 7.0.15 for the same bytes.
#include "aof/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace ashlar::aof {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr std::string_view kGood =
    "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";   // 50 bytes
constexpr std::string_view kSet = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nbcdef\r\n";  // 31 bytes

/// A folder with files, and the program run in it.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("aof-check-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  void write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// The last of `args` is a file of the folder.
  int run(std::vector<std::string> args, std::string answer = {}) {
    args.back() = (path_ / args.back()).string();
    said.clear();
    const CheckTerminal terminal{.out = [this](std::string_view text) { said += text; },
                                 .answer = [answer] { return answer; }};
    const int status = run_check_aof(args, *disk_, WallTime(Seconds(1'700'000'000)), terminal);
    const std::string prefix = path_.string() + "/";
    for (auto at = said.find(prefix); at != std::string::npos; at = said.find(prefix)) said.erase(at, prefix.size());
    return status;
  }

  std::string said;  // by the last run, names without the folder

 private:
  std::filesystem::path path_;
  std::unique_ptr<FileSystem> disk_ = make_posix_file_system();
};

std::string cat(std::string_view a, std::string_view b) { return std::string(a) + std::string(b); }

/// What is said of one file that is not good.
std::string fault_in(std::string_view bytes) {
  Folder folder;
  folder.write("a.aof", bytes);
  EXPECT_EQ(folder.run({"a.aof"}), 1);
  EXPECT_THAT(folder.said, EndsWith("AOF a.aof is not valid. Use the --fix option to try fixing it.\n"));
  const std::size_t from = folder.said.find('\n') + 1;
  return folder.said.substr(from, folder.said.find("AOF a.aof is not valid") - from);
}

TEST(AofCheck, CallsAGoodFileValid) {
  Folder folder;
  folder.write("a.aof", kGood);
  EXPECT_EQ(folder.run({"a.aof"}), 0);
  EXPECT_EQ(folder.said,
            "Start checking Old-Style AOF\n"
            "AOF analyzed: filename=a.aof, size=50, ok_up_to=50, ok_up_to_line=13, diff=0\n"
            "AOF a.aof is valid\n");
}

TEST(AofCheck, CallsAnEmptyFileEmpty) {
  Folder folder;
  folder.write("a.aof", "");
  EXPECT_EQ(folder.run({"a.aof"}), 0);
  EXPECT_EQ(folder.said, "Start checking Old-Style AOF\nAOF a.aof is empty\n");
}

TEST(AofCheck, TellsWhereAFileBreaksOff) {
  EXPECT_EQ(fault_in(cat(kGood, kSet.substr(0, 27))),
            "0x              4a: Expected to read 7 bytes, got 3 bytes\n"
            "AOF analyzed: filename=a.aof, size=77, ok_up_to=50, ok_up_to_line=19, diff=27\n");
  EXPECT_EQ(fault_in(cat(kGood, kSet.substr(0, 13))),
            "AOF analyzed: filename=a.aof, size=63, ok_up_to=50, ok_up_to_line=16, diff=13\n");
  EXPECT_EQ(fault_in(cat(kGood, kSet.substr(0, 15))),
            "0x              3f: Expected \\r\\n, got: 0000\n"
            "AOF analyzed: filename=a.aof, size=65, ok_up_to=50, ok_up_to_line=16, diff=15\n");
}

TEST(AofCheck, TellsWhatIsWrongInARecord) {
  EXPECT_THAT(fault_in(cat(kGood, "*3\r\n$3\r\nSET\r\n*1\r\nk\r\n")),
              HasSubstr("0x              3f: Expected prefix '$', got: '*'\n"));
  EXPECT_THAT(fault_in(cat(kGood, "*3\r\n$3\r\nSETxx$1\r\nk\r\n")),
              HasSubstr("0x              3a: Expected \\r\\n, got: 7878\n"));
  EXPECT_THAT(
      fault_in(cat(kGood, "*1\r\n$-3\r\nSET\r\n")),
      HasSubstr("0x              36: Expected to read string of -3 bytes, which is not in the suitable range\n"));
  EXPECT_THAT(fault_in(cat(kGood, "hello world\r\n")), HasSubstr("AOF a.aof format error\n"));
}

TEST(AofCheck, RefusesACommandWithoutArgumentsAsTheServerDoes) {
  EXPECT_THAT(fault_in(cat(kGood, "*0\r\n")), HasSubstr("ok_up_to=50"));
}

TEST(AofCheck, TakesNoMemoryForALengthThatIsOnlyClaimed) {
  EXPECT_THAT(fault_in(cat(kGood, "*1\r\n$4000000000000000000\r\nSET\r\n")),
              HasSubstr("Expected to read 4000000000000000002 bytes, got 5 bytes\n"));
}

TEST(AofCheck, IsGoodOnlyUpToATransactionWithoutEnd) {
  EXPECT_EQ(fault_in(cat(kGood, "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\ny\r\n")),
            "0x              59: Reached EOF before reading EXEC for MULTI\n"
            "AOF analyzed: filename=a.aof, size=92, ok_up_to=50, ok_up_to_line=23, diff=42\n");
  EXPECT_THAT(fault_in(cat(kGood, "*1\r\n$4\r\nEXEC\r\n")),
              HasSubstr("0x              3a: Unexpected EXEC in AOF a.aof\n"));
}

TEST(AofCheck, FixCutsTheFileWhenTheUserAgrees) {
  Folder folder;
  folder.write("a.aof", cat(kGood, kSet.substr(0, 27)));
  EXPECT_EQ(folder.run({"--fix", "a.aof"}, "y"), 0);
  EXPECT_THAT(folder.said, EndsWith("This will shrink the AOF a.aof from 77 bytes, with 27 bytes, to 50 bytes\n"
                                    "Continue? [y/N]: Successfully truncated AOF a.aof\n"));
  EXPECT_EQ(folder.read("a.aof"), kGood);
}

TEST(AofCheck, FixLeavesTheFileWhenTheUserDoesNotAgree) {
  for (const std::string answer : {"n", ""}) {
    Folder folder;
    folder.write("a.aof", cat(kGood, "x"));
    EXPECT_EQ(folder.run({"--fix", "a.aof"}, answer), 1);
    EXPECT_THAT(folder.said, EndsWith("Continue? [y/N]: Aborting...\n"));
    EXPECT_EQ(folder.read("a.aof"), cat(kGood, "x"));
  }
}

TEST(AofCheck, ChecksEveryFileOfAManifest) {
  Folder folder;
  folder.write("b.aof", kGood);
  folder.write("i.aof", kGood);
  folder.write("a.manifest", "file b.aof seq 1 type b\nfile i.aof seq 1 type i\n");
  EXPECT_EQ(folder.run({"a.manifest"}), 0);
  EXPECT_EQ(folder.said,
            "Start checking Multi Part AOF\n"
            "Start to check BASE AOF (RESP format).\n"
            "AOF analyzed: filename=b.aof, size=50, ok_up_to=50, ok_up_to_line=13, diff=0\n"
            "BASE AOF b.aof is valid\n"
            "Start to check INCR files.\n"
            "AOF analyzed: filename=i.aof, size=50, ok_up_to=50, ok_up_to_line=13, diff=0\n"
            "INCR AOF i.aof is valid\n"
            "All AOF files and manifest are valid\n");
}

TEST(AofCheck, FixChangesOnlyTheLastFile) {
  Folder folder;
  folder.write("i.aof", cat(kGood, "x"));
  folder.write("j.aof", cat(kGood, "x"));
  folder.write("a.manifest", "file i.aof seq 1 type i\nfile j.aof seq 2 type i\n");
  EXPECT_EQ(folder.run({"--fix", "a.manifest"}, "y"), 1);
  EXPECT_THAT(folder.said, EndsWith("Failed to truncate AOF i.aof because it is not the last file\n"));
  folder.write("i.aof", kGood);
  EXPECT_EQ(folder.run({"--fix", "a.manifest"}, "y"), 0);
  EXPECT_EQ(folder.read("j.aof"), kGood);
}

TEST(AofCheck, TellsAWrongManifest) {
  Folder folder;
  folder.write("a.manifest", "file i.aof seq 1 type i\nfile j.aof seq 1 type i\n");
  EXPECT_EQ(folder.run({"a.manifest"}), 1);
  EXPECT_THAT(folder.said, HasSubstr("*** FATAL AOF MANIFEST FILE ERROR ***\n"));
  folder.write("a.manifest", "file i.aof seq 1 type b\n");
  EXPECT_EQ(folder.run({"a.manifest"}), 1);
  EXPECT_EQ(folder.said, "Start checking Multi Part AOF\nCannot open file i.aof: No such file or directory\n");
}

TEST(AofCheck, LeavesADamagedManifestAsItIs) {
  Folder folder;
  folder.write("i.aof", kSet);
  for (const char* text : {"xile i.aof seq 1 type i\n", "\nfile i.aof seq 1 type i\n", ""}) {
    folder.write("a.manifest", text);
    EXPECT_EQ(folder.run({"--fix", "a.manifest"}, "y"), 1);
    EXPECT_THAT(folder.said, HasSubstr("*** FATAL AOF MANIFEST FILE ERROR ***"));
    EXPECT_EQ(folder.read("a.manifest"), text);
  }
}

TEST(AofCheck, DoesNotTakeAFileForAManifestBecauseOfAKeyCalledFile) {
  Folder folder;
  folder.write("a.aof", "*2\r\n$3\r\nGET\r\n$4\r\nfile\r\n");
  EXPECT_EQ(folder.run({"a.aof"}), 0);
  EXPECT_THAT(folder.said, HasSubstr("Old-Style"));
}

TEST(AofCheck, ReadsTheRdbStreamInFront) {
  const std::string rdb("REDIS0009\xff\0\0\0\0\0\0\0\0", 18);
  Folder folder;
  folder.write("a.aof", cat(rdb, kGood));
  EXPECT_EQ(folder.run({"a.aof"}), 0);
  EXPECT_THAT(folder.said, EndsWith("RDB preamble is OK, proceeding with AOF tail...\n"
                                    "AOF analyzed: filename=a.aof, size=68, ok_up_to=68, ok_up_to_line=13, diff=0\n"
                                    "AOF a.aof is valid\n"));
  folder.write("a.aof", "REDIS0009\x09");
  EXPECT_EQ(folder.run({"a.aof"}), 1);
  EXPECT_THAT(folder.said, EndsWith("RDB preamble of AOF file is not sane, aborting.\n"));
}

TEST(AofCheck, CutsAtATime) {
  const std::string first = cat("#TS:100\r\n", kSet);
  const std::string bytes = first + cat("#TS:200\r\n", kSet);
  Folder folder;
  folder.write("a.aof", bytes);
  EXPECT_EQ(folder.run({"--truncate-to-timestamp", "200", "a.aof"}), 0);
  EXPECT_THAT(folder.said, EndsWith("Truncate nothing in AOF a.aof to timestamp 200\nAOF a.aof is valid\n"));
  EXPECT_EQ(folder.run({"--truncate-to-timestamp", "50", "a.aof"}), 1);
  EXPECT_THAT(folder.said, EndsWith("AOF a.aof has nothing before timestamp 50, aborting...\n"));
  EXPECT_EQ(folder.read("a.aof"), bytes);
  EXPECT_EQ(folder.run({"--truncate-to-timestamp", "150", "a.aof"}), 0);
  EXPECT_THAT(folder.said, EndsWith("Successfully truncated AOF a.aof to timestamp 150\n"));
  EXPECT_EQ(folder.read("a.aof"), first);
}

TEST(AofCheck, CutsBeforeTheTransactionInWhichTheTimeComes) {
  Folder folder;
  folder.write("a.aof", cat(kGood, "*1\r\n$5\r\nMULTI\r\n#TS:200\r\n") + cat(kSet, "*1\r\n$4\r\nEXEC\r\n"));
  EXPECT_EQ(folder.run({"--truncate-to-timestamp", "150", "a.aof"}), 0);
  EXPECT_EQ(folder.read("a.aof"), kGood);
}

TEST(AofCheck, CutsNoFileButTheLastAtATime) {
  Folder folder;
  folder.write("i.aof", cat(kGood, "#TS:200\r\n"));
  folder.write("j.aof", kGood);
  folder.write("a.manifest", "file i.aof seq 1 type i\nfile j.aof seq 2 type i\n");
  EXPECT_EQ(folder.run({"--truncate-to-timestamp", "150", "a.manifest"}), 1);
  EXPECT_THAT(folder.said, HasSubstr("to offset 50 because it is not the last file.\n"));
  EXPECT_EQ(folder.read("i.aof"), cat(kGood, "#TS:200\r\n"));
}

TEST(AofCheck, RefusesATimeThatIsNone) {
  Folder folder;
  folder.write("a.aof", cat(kGood, "#TS:1x\r\n"));
  EXPECT_EQ(folder.run({"--truncate-to-timestamp", "150", "a.aof"}), 1);
  EXPECT_THAT(folder.said, EndsWith("Invalid timestamp annotation\n"));
  EXPECT_EQ(folder.run({"--truncate-to-timestamp", "x", "a.aof"}), 1);
  EXPECT_EQ(folder.said, "Invalid timestamp, aborting...\n");
  EXPECT_EQ(folder.run({"--frob", "a.aof"}), 1);
  EXPECT_THAT(folder.said, HasSubstr("Usage: "));
}

}  // namespace
}  // namespace ashlar::aof
