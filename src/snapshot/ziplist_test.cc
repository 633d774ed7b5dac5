#include "snapshot/ziplist.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/rng.h"

namespace ashlar::snapshot {
namespace {

using namespace std::string_literals;

/// A ziplist around entries that are given without the length of the entry before.
std::string ziplist(const std::vector<std::string>& values) {
  std::string body;
  std::size_t previous = 0;
  std::size_t last = 10;
  for (const auto& value : values) {
    last = 10 + body.size();
    std::string head(1, static_cast<char>(previous));
    if (previous >= 254) {
      head.assign(5, '\xFE');
      store_le(head.data() + 1, static_cast<std::uint32_t>(previous));
    }
    body += head + value;
    previous = head.size() + value.size();
  }
  std::string out(10, '\0');
  store_le(out.data(), static_cast<std::uint32_t>(11 + body.size()));
  store_le(out.data() + 4, static_cast<std::uint32_t>(last));
  store_le(out.data() + 8, static_cast<std::uint16_t>(values.size()));
  return out + body + '\xFF';
}

std::vector<std::string> texts(const Result<ds::Listpack>& pack) {
  std::vector<std::string> out;
  if (!pack) return {"error: " + pack.error().detail};
  pack->view().check_invariants();
  for (const ds::PackedValue& value : pack->view()) out.push_back(value.to_string());
  return out;
}

std::vector<std::string> every_encoding() {
  return {
      "\x01"
      "a"s,
      "\x00"s,
      "\x41\x00"s + std::string(256, 'b'),
      "\x80\x00\x00\x50\x00"s + std::string(20480, 'c'),
      "\xF1"s,
      "\xFD"s,
      "\xFE\x80"s,
      "\xC0\x2C\x01"s,
      "\xF0\xFF\xFF\x7F"s,
      "\xF0\xFE\xFF\xFF"s,
      "\xD0\x00\x00\x00\x80"s,
      "\xE0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"s};
}

TEST(Ziplist, ReadsEveryEncoding) {
  EXPECT_EQ(texts(listpack_of_ziplist(ziplist(every_encoding()))),
            (std::vector<std::string>{"a", "", std::string(256, 'b'), std::string(20480, 'c'), "0", "12", "-128", "300",
                                      "8388607", "-2", "-2147483648", "9223372036854775807"}));
  EXPECT_EQ(texts(listpack_of_ziplist(ziplist({}))), std::vector<std::string>{});
}

TEST(Ziplist, TakesAnUnknownCount) {
  std::string blob = ziplist({"\xF2"s, "\xF3"s});
  blob[8] = blob[9] = '\xFF';
  EXPECT_EQ(texts(listpack_of_ziplist(blob)), (std::vector<std::string>{"1", "2"}));
}

TEST(Ziplist, RefusesWrongHeadersAndTruncation) {
  const std::string good = ziplist(every_encoding());
  for (const std::size_t at : {0U, 4U, 8U, 10U, 13U}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] + 1);
    EXPECT_FALSE(listpack_of_ziplist(bad).has_value()) << at;
  }
  for (std::size_t n = 0; n < good.size(); n += n < 400 ? 1 : 997) {
    std::string cut = good.substr(0, n);
    if (n >= 11) {
      store_le(cut.data(), static_cast<std::uint32_t>(n));
      cut.back() = '\xFF';
    }
    EXPECT_FALSE(listpack_of_ziplist(cut).has_value()) << n;
  }
}

TEST(Ziplist, SurvivesRandomDamage) {
  Rng rng(5);
  const std::string good = ziplist({every_encoding()[0], "\xF4"s, "\xC0\x2C\x01"s, "\x05hello"s, "\xFE\x11"s});
  for (int round = 0; round < 5000; ++round) {
    std::string bad = good;
    for (std::size_t i = 0; i < 1 + rng.below(3); ++i) bad[rng.below(bad.size())] = static_cast<char>(rng.next());
    if (const auto pack = listpack_of_ziplist(bad)) pack->view().check_invariants();
  }
}

}  // namespace
}  // namespace ashlar::snapshot
