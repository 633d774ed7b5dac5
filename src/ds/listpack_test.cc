#include "ds/listpack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "base/rng.h"

namespace ashlar::ds {
namespace {

using namespace std::string_literals;

std::vector<std::string> texts(const Listpack& pack) {
  std::vector<std::string> out;
  for (const PackedValue& value : pack.view()) out.push_back(value.to_string());
  return out;
}

std::vector<std::string> texts_backwards(const Listpack& pack) {
  std::vector<std::string> out;
  const ListpackView view = pack.view();
  for (ListpackPos at = view.last(); at != view.stop(); at = view.prev(at)) out.push_back(view.get(at).to_string());
  return out;
}

Listpack pack_of(const std::vector<std::string>& values) {
  Listpack pack;
  for (const auto& value : values) pack.append(std::string_view(value));
  return pack;
}

/// Values of every encoding, with their bounds.
std::string some_value(Rng& rng) {
  static constexpr std::int64_t kBounds[] = {
      0, 127, 4095, 32767, 8388607, 2147483647, std::numeric_limits<std::int64_t>::max()};
  switch (rng.below(6)) {
    case 0: {
      const std::int64_t bound = kBounds[rng.below(std::size(kBounds))];
      const auto near = static_cast<std::int64_t>(static_cast<std::uint64_t>(bound) + rng.below(3) - 1);
      return std::to_string(rng.chance(0.5) ? near : ~near);
    }
    case 1: return std::to_string(static_cast<std::int64_t>(rng.next() >> rng.below(64)));
    case 2: return std::string(rng.below(20), 'x') + std::to_string(rng.below(10));
    case 3: return std::string(60 + rng.below(8), 'y');
    case 4: return rng.chance(0.2) ? std::string(4090 + rng.below(12), 'z') : "0"s + std::to_string(rng.below(100));
    default: return std::string(rng.below(300), 'w');
  }
}

TEST(Listpack, WritesTheBytesThatRedisWrites) {
  // DUMP of `RPUSH l a 1 -1 4095 -4097 70000 hello` by redis-server 7.0, without the RDB framing.
  const Listpack pack = pack_of({"a", "1", "-1", "4095", "-4097", "70000", "hello"});
  const std::string expected =
      "\x22\x00\x00\x00\x07\x00"
      "\x81"
      "a\x02"
      "\x01\x01"
      "\xDF\xFF\x02"
      "\xCF\xFF\x02"
      "\xF1\xFF\xEF\x03"
      "\xF2\x70\x11\x01\x04"
      "\x85hello\x06"
      "\xFF"s;
  EXPECT_EQ(pack.view().blob(), expected);
}

TEST(Listpack, ReadsEveryIntegerEncodingAtItsBounds) {
  std::vector<std::string> values;
  for (const unsigned width : {1U, 7U, 13U, 16U, 24U, 32U, 63U}) {
    const std::int64_t bound = width == 63 ? std::numeric_limits<std::int64_t>::max() : std::int64_t{1} << (width - 1);
    for (const std::int64_t v : {bound, -bound, bound - 1, ~bound}) values.push_back(std::to_string(v));
  }
  for (const auto& value : values) {
    Listpack pack;
    pack.append(std::string_view(value));
    ASSERT_TRUE(pack.view().get(pack.view().first()).is_integer()) << value;
    EXPECT_EQ(pack.view().get(pack.view().first()).to_string(), value);
    pack.view().check_invariants();
  }
}

TEST(Listpack, KeepsTextThatOnlyLooksLikeAnInteger) {
  for (const char* text : {"", "+1", "01", "-0", " 1", "1 ", "9223372036854775808", "-", "1.0", "\x80"}) {
    Listpack pack;
    pack.append(std::string_view(text));
    EXPECT_FALSE(pack.view().get(pack.view().first()).is_integer()) << text;
    EXPECT_EQ(texts(pack), std::vector<std::string>{text});
  }
}

TEST(Listpack, WalksOverStringsOfEveryLengthForm) {
  std::vector<std::string> values;
  for (const std::size_t n : {0U, 1U, 63U, 64U, 125U, 126U, 4095U, 4096U, 16377U, 16378U, 16379U, 2097145U, 2097146U}) {
    values.push_back(std::string(n, 'q'));
  }
  Listpack pack = pack_of(values);
  pack.view().check_invariants();
  EXPECT_EQ(texts(pack), values);
  EXPECT_EQ(texts_backwards(pack), std::vector<std::string>(values.rbegin(), values.rend()));
}

TEST(Listpack, FindsOnlyAtEverySecondPlaceWhenToldToSkipOne) {
  const Listpack pack = pack_of({"f", "7", "7", "f", "last", "7"});
  const ListpackView view = pack.view();
  EXPECT_EQ(view.find(std::string_view("7"), view.first(), 1), view.seek(2));
  EXPECT_EQ(view.find(std::string_view("f"), view.next(view.first()), 1), view.seek(3));
  EXPECT_EQ(view.find(std::string_view("none"), view.first(), 1), view.stop());
  EXPECT_EQ(view.find(std::int64_t{7}, view.first()), view.seek(1));
}

TEST(Listpack, CountsBeyondWhatItsHeaderHolds) {
  Listpack pack;
  for (int i = 0; i < 65540; ++i) pack.append(std::int64_t{1});
  EXPECT_EQ(pack.count(), 65540U);
  EXPECT_EQ(pack.view().seek(65540), pack.view().stop());
  EXPECT_EQ(pack.view().seek(-65540), pack.view().first());
  EXPECT_EQ(pack.view().seek(-65541), pack.view().stop());
  pack.view().check_invariants();
  pack.erase(pack.view().seek(10), 100);
  EXPECT_EQ(pack.count(), 65440U);
  pack.view().check_invariants();
}

struct Model {
  Listpack pack;
  std::deque<std::string> plain;

  ListpackPos at(std::size_t index) const { return pack.view().seek(static_cast<std::int64_t>(index)); }
  void expect_same() const {
    pack.view().check_invariants();
    ASSERT_EQ(pack.count(), plain.size());
    ASSERT_EQ(texts(pack), std::vector<std::string>(plain.begin(), plain.end()));
    ASSERT_EQ(texts_backwards(pack), std::vector<std::string>(plain.rbegin(), plain.rend()));
  }
};

void random_step(Model& m, Rng& rng) {
  const std::string value = some_value(rng);
  const std::string_view item = value;
  const std::size_t place = rng.below(m.plain.size() + 1);
  const auto offset = static_cast<std::ptrdiff_t>(place);
  const bool inside = place < m.plain.size();
  switch (rng.below(8)) {
    case 0: m.pack.append(item), m.plain.push_back(value); break;
    case 1: m.pack.prepend(item), m.plain.push_front(value); break;
    case 2:
      m.pack.insert(m.at(place), item);
      m.plain.insert(m.plain.begin() + offset, value);
      break;
    case 3:
      if (inside) m.pack.replace(m.at(place), item), m.plain[place] = value;
      break;
    case 4:
      if (inside) m.pack.erase(m.at(place)), m.plain.erase(m.plain.begin() + offset);
      break;
    case 5: {
      const std::size_t n = rng.below(4);
      m.pack.erase_range(static_cast<std::int64_t>(place) - static_cast<std::int64_t>(inside ? m.plain.size() : 0), n);
      const auto stop = static_cast<std::ptrdiff_t>(std::min(place + n, m.plain.size()));
      m.plain.erase(m.plain.begin() + offset, m.plain.begin() + stop);
      break;
    }
    case 6: {
      Listpack tail = m.pack.split_off(m.at(place));
      tail.view().check_invariants();
      m.pack.view().check_invariants();
      ASSERT_EQ(m.pack.count(), place);
      m.pack.append_all(tail.view());
      break;
    }
    default: {
      const auto found = m.pack.view().find(item, m.pack.view().first());
      const auto expected = std::find(m.plain.begin(), m.plain.end(), value);
      ASSERT_EQ(found, m.at(static_cast<std::size_t>(expected - m.plain.begin())));
      break;
    }
  }
}

TEST(Listpack, AgreesWithADequeUnderRandomChanges) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Rng rng(seed);
    Model m;
    for (int step = 0; step < 1500; ++step) {
      random_step(m, rng);
      while (m.plain.size() > 60) m.pack.erase(m.pack.view().first()), m.plain.pop_front();
      m.expect_same();
      if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << " step " << step;
    }
  }
}

TEST(Listpack, ValidatesWhatItWroteToTheSameBytes) {
  Rng rng(7);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> values(rng.below(30));
    for (auto& value : values) value = some_value(rng);
    const Listpack pack = pack_of(values);
    const auto again = Listpack::validated(pack.view().blob());
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->view().blob(), pack.view().blob());
  }
}

TEST(Listpack, ValidationRewritesLongFormsToShortOnes) {
  // "5" as a string and 5 as a 64-bit integer, the count left unknown.
  const std::string blob =
      "\x15\x00\x00\x00\xFF\xFF\x81"
      "5\x02\xF4\x05\x00\x00\x00\x00\x00\x00\x00\x09\xFF"s;
  std::string sized = blob;
  sized[0] = static_cast<char>(sized.size());
  const auto pack = Listpack::validated(sized);
  ASSERT_TRUE(pack.has_value());
  pack->view().check_invariants();
  EXPECT_EQ(pack->view().blob(), pack_of({"5", "5"}).view().blob());
}

TEST(Listpack, ValidationRefusesEveryTruncationAndEveryWrongLength) {
  Rng rng(11);
  const Listpack pack = pack_of({"a", "-5", "70000", std::string(70, 'b'), std::string(5000, 'c'), "5000000000"});
  const std::string good(pack.view().blob());
  for (std::size_t n = 0; n < good.size(); n += n < 120 ? 1 : 97) {
    std::string cut = good.substr(0, n);
    EXPECT_FALSE(Listpack::validated(cut).has_value());
    if (n >= 7) {
      store_le(cut.data(), static_cast<std::uint32_t>(n));
      cut.back() = '\xFF';
      EXPECT_FALSE(Listpack::validated(cut).has_value()) << n;
    }
  }
  std::string miscounted = good;
  miscounted[4] = 5;
  EXPECT_FALSE(Listpack::validated(miscounted).has_value());
}

TEST(Listpack, SurvivesValidationOfRandomlyDamagedBytes) {
  Rng rng(13);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> values(1 + rng.below(10));
    for (auto& value : values) value = some_value(rng);
    std::string blob(pack_of(values).view().blob());
    for (std::size_t i = 0; i < 1 + rng.below(3); ++i) blob[rng.below(blob.size())] = static_cast<char>(rng.next());
    if (const auto pack = Listpack::validated(blob)) pack->view().check_invariants();
  }
}

}  // namespace
}  // namespace ashlar::ds
