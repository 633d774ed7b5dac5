#include "changelog/change_log.h"

#include <gtest/gtest.h>

#include <array>

namespace ashlar::changelog {
namespace {

struct Text final : Sink {
  std::string bytes;
  void append(std::string_view records) override { bytes += records; }
};
constexpr std::array<std::string_view, 2> kDelK = {"DEL", "k"};
constexpr std::string_view kDelBytes = "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n";
const std::string kSelect0 = "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n";

TEST(ChangeLog, NamesTheDatabaseOnlyWhenItChanges) {
  ChangeLog log;
  Text aof;
  log.set_aof(&aof);
  log.record(DbIndex{0}, kDelK);
  log.record(DbIndex{0}, kDelK);
  log.record(DbIndex{7}, kDelK);
  EXPECT_EQ(aof.bytes, kSelect0 + std::string(kDelBytes) + std::string(kDelBytes) +
                           "*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n" + std::string(kDelBytes));
}
TEST(ChangeLog, KeepsTheStreamOfAPrimaryApartFromOwnEffects) {
  ChangeLog log;
  Text aof;
  Text stream;
  log.set_aof(&aof);
  log.set_replication(&stream);
  log.set_stream_source(ChangeLog::StreamSource::kPrimary);
  log.record(DbIndex{0}, kDelK);
  log.record_raw("raw");
  EXPECT_EQ(stream.bytes, "raw");
  EXPECT_EQ(aof.bytes, kSelect0 + std::string(kDelBytes));
  EXPECT_EQ(log.replication_bytes(), 3U);
}
TEST(ChangeLog, WrapsSeveralEffectsInATransaction) {
  ChangeLog log;
  Text aof;
  log.set_aof(&aof);
  log.record_group(DbIndex{0}, {{"DEL", "k"}, {"DEL", "k"}});
  EXPECT_EQ(aof.bytes, kSelect0 + "*1\r\n$5\r\nMULTI\r\n" + std::string(kDelBytes) + std::string(kDelBytes) +
                           "*1\r\n$4\r\nEXEC\r\n");
}
TEST(ChangeLog, GivesEachSinkOfAGroupWhatIsForIt) {
  ChangeLog log;
  Text aof;
  Text stream;
  log.set_aof(&aof);
  log.set_replication(&stream);
  const std::vector<Recorded> group = {{DbIndex{0}, {"DEL", "k"}, Target::kAll},
                                       {DbIndex{0}, {"DEL", "k"}, Target::kAofOnly},
                                       {DbIndex{0}, {"DEL", "k"}, Target::kAofOnly}};
  log.record_group(group);
  const std::string one(kDelBytes);
  EXPECT_EQ(stream.bytes, kSelect0 + one);
  EXPECT_EQ(aof.bytes, kSelect0 + "*1\r\n$5\r\nMULTI\r\n" + one + one + one + "*1\r\n$4\r\nEXEC\r\n");
}
TEST(ChangeLog, RecordsNothingWithoutASink) {
  ChangeLog log;
  EXPECT_FALSE(log.active());
  log.record(DbIndex{0}, kDelK);
  EXPECT_EQ(log.replication_bytes(), 0U);
}

}  // namespace
}  // namespace ashlar::changelog
