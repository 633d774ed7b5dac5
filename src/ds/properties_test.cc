/// Properties of every container against a plain model of the standard library: any sequence of changes leaves both
/// with the same content, in the same order, and the container's invariants whole. A failure is shrunk to the fewest
/// steps.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "ds/dense_table.h"
#include "ds/intset.h"
#include "ds/listpack.h"
#include "ds/ordered_map.h"
#include "ds/packed_pairs.h"
#include "ds/quicklist.h"
#include "ds/sorted_index.h"

namespace ashlar::ds {
namespace {

/// One change; what it does is the container's affair. `times` repeats it with neighbouring numbers, so that short
/// sequences reach splits and merges.
struct Step {
  unsigned kind;
  std::uint32_t place;
  std::int64_t number;
  std::string text;
  unsigned times;
};

void showValue(const Step& step, std::ostream& out) {
  out << "{kind " << step.kind << ", place " << step.place << ", number " << step.number << ", text of "
      << step.text.size() << ", times " << step.times << "}";
}

/// Texts that listpacks encode in each of their ways.
rc::Gen<std::string> texts() {
  return rc::gen::oneOf(
      rc::gen::arbitrary<std::string>(),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t n) { return std::to_string(n); }),
      rc::gen::map(rc::gen::inRange<std::size_t>(0, 5000), [](std::size_t n) { return std::string(n, 't'); }));
}

rc::Gen<std::vector<Step>> steps() {
  return rc::gen::container<std::vector<Step>>(rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::inRange(0U, 6U)), rc::gen::set(&Step::place),
      rc::gen::set(&Step::number,
                   rc::gen::oneOf(rc::gen::inRange<std::int64_t>(-50, 50), rc::gen::arbitrary<std::int64_t>())),
      rc::gen::set(&Step::text, texts()), rc::gen::set(&Step::times, rc::gen::inRange(1U, 60U))));
}

/// The number of a step's n-th repetition, without overflow.
std::int64_t nth(const Step& step, unsigned n) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(step.number) + n);
}

std::ptrdiff_t distance_of(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

RC_GTEST_PROP(IntsetProperty, HoldsWhatASetHolds, ()) {
  Intset set;
  std::set<std::int64_t> model;
  for (const Step& step : *steps()) {
    for (unsigned n = 0; n < step.times; ++n) {
      const std::int64_t value = nth(step, n);
      if (step.kind < 4) {
        RC_ASSERT(set.insert(value) == model.insert(value).second);
      } else {
        RC_ASSERT(set.erase(value) == (model.erase(value) == 1));
      }
    }
    set.check_invariants();
    RC_ASSERT(set.lower_bound(step.number) ==
              static_cast<std::size_t>(std::distance(model.begin(), model.lower_bound(step.number))));
    std::vector<std::int64_t> all;
    for (const std::int64_t value : set) all.push_back(value);
    RC_ASSERT(all == std::vector<std::int64_t>(model.begin(), model.end()));
  }
  const auto again = Intset::validated(set.blob());
  RC_ASSERT(again.has_value() && again->blob() == set.blob());
}

RC_GTEST_PROP(ListpackProperty, HoldsWhatAListHolds, ()) {
  Listpack pack;
  std::vector<std::string> model;
  for (const Step& step : *steps()) {
    const std::size_t place = step.place % (model.size() + 1);
    const bool inside = place < model.size();
    const ListpackPos at = pack.view().seek(static_cast<std::int64_t>(place));
    const std::string_view text = step.text;
    switch (step.kind) {
      case 0: pack.append(text), model.push_back(step.text); break;
      case 1: pack.prepend(text), model.insert(model.begin(), step.text); break;
      case 2: pack.insert(at, text), model.insert(model.begin() + distance_of(place), step.text); break;
      case 3:
        if (inside) pack.replace(at, text), model[place] = step.text;
        break;
      case 4: {
        const std::size_t end = std::min<std::size_t>(model.size(), place + step.times % 4);
        pack.erase_range(static_cast<std::int64_t>(place), step.times % 4);
        model.erase(model.begin() + distance_of(place), model.begin() + distance_of(end));
        break;
      }
      default: {
        const Listpack tail = pack.split_off(at);
        tail.view().check_invariants();
        RC_ASSERT(tail.count() == model.size() - place);
        pack.append_all(tail.view());
      }
    }
    pack.view().check_invariants();
    std::vector<std::string> all;
    for (const PackedValue& value : pack.view()) all.push_back(value.to_string());
    RC_ASSERT(all == model);
    const auto found = std::ranges::find(model, step.text);
    const ListpackPos where = pack.view().find(text, pack.view().first());
    RC_ASSERT(where == pack.view().seek(found - model.begin()));
  }
  const auto again = Listpack::validated(pack.view().blob());
  RC_ASSERT(again.has_value() && again->view().blob() == pack.view().blob());
}

RC_GTEST_PROP(PackedPairsProperty, HoldWhatAListOfPairsHolds, ()) {
  PackedPairs pairs;
  std::vector<std::pair<std::string, std::string>> model;
  const auto append = [&](const std::string& name, const std::string& value) {
    pairs.append(std::string_view(name), std::string_view(value));
    model.emplace_back(name, value);
  };
  for (const Step& step : *steps()) {
    const std::size_t place = model.empty() ? 0 : step.place % model.size();
    const auto known = std::ranges::find(model, step.text, [](const auto& pair) { return pair.first; });
    const PairPos found = pairs.view().find(std::string_view(step.text));
    RC_ASSERT(found == pairs.view().seek(static_cast<std::size_t>(known - model.begin())));
    RC_ASSERT((found == pairs.view().stop()) == (known == model.end()));
    if (step.kind < 3) {
      if (known == model.end()) append(step.text, std::to_string(step.number));
    } else if (step.kind < 5 && !model.empty()) {
      pairs.assign(pairs.view().seek(place), std::string_view(step.text));
      model[place].second = step.text;
    } else if (!model.empty()) {
      pairs.erase(pairs.view().seek(place));
      model.erase(model.begin() + distance_of(place));
    }
    pairs.view().check_invariants();
    RC_ASSERT(pairs.count() == model.size());
    std::vector<std::pair<std::string, std::string>> all;
    pairs.view().for_each(
        [&](const PackedPair& pair) { all.emplace_back(pair.name.to_string(), pair.value.to_string()); });
    RC_ASSERT(all == model);
  }
  Listpack expected;
  for (const auto& [name, value] : model)
    expected.append(std::string_view(name)), expected.append(std::string_view(value));
  std::string written;
  pairs.view().append_listpack(written);
  RC_ASSERT(written == expected.view().blob());
}

RC_GTEST_PROP(QuicklistProperty, HoldsWhatAListHoldsInNodesOfAnySizeCompressedOrNot, ()) {
  const auto limit = *rc::gen::inRange<std::int64_t>(-2, 20);
  const auto depth = *rc::gen::inRange<std::uint32_t>(0, 3);
  Quicklist list({.limit = ListNodeLimit(limit), .compress_depth = depth});
  std::deque<std::string> model;
  for (const Step& step : *steps()) {
    const std::size_t place = step.place % (model.size() + 1);
    const auto index = static_cast<std::int64_t>(place);
    const std::string_view text = step.text;
    switch (step.kind) {
      case 0:
        for (unsigned n = 0; n < step.times; ++n)
          list.push_back(nth(step, n)), model.push_back(std::to_string(nth(step, n)));
        break;
      case 1: list.push_front(text), model.push_front(step.text); break;
      case 2: list.insert(list.seek(index), text), model.insert(model.begin() + index, step.text); break;
      case 3:
        if (place < model.size()) list.replace(list.seek(index), text), model[place] = step.text;
        break;
      case 4: {
        const std::size_t end = std::min<std::size_t>(model.size(), place + step.times);
        list.erase_range(place, step.times);
        model.erase(model.begin() + index, model.begin() + distance_of(end));
        break;
      }
      default:
        if (!model.empty()) list.pop_back(), model.pop_back();
        if (!model.empty()) list.pop_front(), model.pop_front();
    }
    list.check_invariants();
    std::deque<std::string> all;
    for (auto at = list.first(); !at.at_end(); at.next()) all.push_back(at.value().to_string());
    RC_ASSERT(all == model);
  }
}

struct Item {
  std::uint64_t key;
  std::uint64_t hash;
};
struct ItemTraits {
  static std::uint64_t hash(const Item& item) { return item.hash; }
};

RC_GTEST_PROP(DenseTableProperty, HoldsWhatAMapHoldsHoweverHashesCollide, ()) {
  // Few bits of hash: records share fragments and prefixes as they never would by chance.
  const auto shift = *rc::gen::element(0U, 16U, 40U, 56U);
  const auto hash_of = [shift](std::uint64_t key) { return Rng(key).next() >> shift << shift; };
  DenseTable<Item, ItemTraits> table;
  std::map<std::uint64_t, std::unique_ptr<Item>> model;
  const auto find = [&](std::uint64_t key) {
    return table.find(hash_of(key), [key](const Item& item) { return item.key == key; });
  };
  for (const Step& step : *steps()) {
    for (unsigned n = 0; n < step.times; ++n) {
      const auto key = static_cast<std::uint64_t>(nth(step, n)) % 4096;
      const auto known = model.find(key);
      RC_ASSERT((find(key) != nullptr) == (known != model.end()));
      if (step.kind < 4 && known == model.end() && model.size() < 300) {
        auto item = std::make_unique<Item>(Item{key, hash_of(key)});
        table.insert(item->hash, item.get(), false);
        model.emplace(key, std::move(item));
      } else if (step.kind >= 4 && known != model.end()) {
        table.erase(known->second->hash, find(key));
        model.erase(known);
      }
    }
    table.check_invariants();
    RC_ASSERT(table.size() == model.size());
  }
  std::set<std::uint64_t> seen;
  std::uint64_t position = 0;
  do {
    position = table.scan(position, 1, [&](const auto& word) { seen.insert(word.record()->key); });
  } while (position != table.kScanEnd);
  RC_ASSERT(seen.size() == model.size());
  table.clear();
}

RC_GTEST_PROP(OrderedMapProperty, HoldsWhatAMapHolds, ()) {
  OrderedMap<std::int64_t, std::string> map;
  std::map<std::int64_t, std::string> model;
  for (const Step& step : *steps()) {
    for (unsigned n = 0; n < step.times; ++n) {
      const std::int64_t key = nth(step, n);
      if (step.kind < 4) {
        RC_ASSERT(map.insert(key, step.text).fresh == model.emplace(key, step.text).second);
      } else {
        RC_ASSERT(map.erase(key) == (model.erase(key) == 1));
      }
    }
    map.check_invariants();
    const auto next = model.lower_bound(step.number);
    const auto at = map.seek_ge(step.number);
    RC_ASSERT(at.valid() == (next != model.end()));
    if (at.valid()) RC_ASSERT(at.key() == next->first);
    auto expected = model.begin();
    for (auto walk = map.first(); walk.valid(); walk.next(), ++expected) {
      RC_ASSERT(expected != model.end() && walk.key() == expected->first && walk.value() == expected->second);
    }
    RC_ASSERT(expected == model.end());
  }
}

struct Destroy {
  void operator()(ScoredMember* record) const { ScoredMember::destroy(record); }
};

RC_GTEST_PROP(SortedIndexProperty, RanksAsASortedListDoes, ()) {
  std::map<std::pair<double, std::string>, std::unique_ptr<ScoredMember, Destroy>> model;
  SortedIndex index;
  for (const Step& step : *steps()) {
    for (unsigned n = 0; n < step.times; ++n) {
      const auto score = static_cast<double>(nth(step, n / 4));
      const std::string member = std::to_string(n % 4);  // several members of one score
      const auto known = model.find({score, member});
      if (step.kind < 4 && known == model.end()) {
        ScoredMember* record = ScoredMember::make(member, score);
        model.emplace(std::pair(score, member), record);
        index.insert(*record);
      } else if (step.kind >= 4 && known != model.end()) {
        index.erase(*known->second);
        model.erase(known);
      }
    }
    index.check_invariants();
    RC_ASSERT(index.size() == model.size());
    std::uint64_t rank = 0;
    for (const auto& [place, record] : model) {
      RC_ASSERT(index.rank(*record) == rank);
      RC_ASSERT(&*index.at_rank(rank) == record.get());
      ++rank;
    }
    const auto below = static_cast<double>(step.number);
    RC_ASSERT(index.rank(ScoreCut{below, Side::kBefore}) ==
              static_cast<std::uint64_t>(std::distance(model.begin(), model.lower_bound({below, ""}))));
  }
  index.clear();
}

}  // namespace
}  // namespace ashlar::ds
