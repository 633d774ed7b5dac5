#include "keyspace/values/sorted_set.h"

#include <cmath>
#include <cstdlib>
#include <string>

#include "base/check.h"
#include "base/double_text.h"
#include "ds/dense_table.h"
#include "ds/seeded_hash.h"

namespace ashlar::keyspace {

namespace {

using ds::ListpackPos;
using ds::ListpackView;
using ds::PackedItem;
using ds::ScoredMember;

double score_at(const ListpackView& view, ListpackPos pos) {
  const ds::PackedValue value = view.get(pos);
  if (value.is_integer()) return static_cast<double>(value.integer());
  return parse_double(value.bytes()).value_or(0);
}

/// A score as the listpack keeps it: an integer where it is one, else the shortest text.
class PackedScore {
 public:
  // A listpack has the integer 0 for both zeros, as in Redis.
  explicit PackedScore(double score) noexcept : item_(format_double(score == 0 ? 0 : score, text_)) {}
  PackedScore(const PackedScore&) = delete;
  PackedScore& operator=(const PackedScore&) = delete;
  [[nodiscard]] const PackedItem& item() const noexcept { return item_; }

 private:
  DoubleBuffer text_;
  PackedItem item_;
};

/// What add() does with a member that has a score already.
SortedSet::Added judged(double old, double score, const ScoreRule& rule) {
  using Outcome = SortedSet::Outcome;
  if (rule.presence == ScoreRule::Presence::kOnlyNew) return {Outcome::kRefused, old};
  if (rule.meaning == ScoreRule::Meaning::kIncrement) {
    score += old;
    if (std::isnan(score)) return {Outcome::kNotANumber, old};
  }
  if (rule.direction == ScoreRule::Direction::kOnlyGreater && score <= old) return {Outcome::kRefused, old};
  if (rule.direction == ScoreRule::Direction::kOnlyLess && score >= old) return {Outcome::kRefused, old};
  if (score == old) return {Outcome::kSame, old};
  return {Outcome::kMoved, score};
}

}  // namespace

struct SortedSet::Indexed {
  struct RecordTraits {
    static std::uint64_t hash(const ds::ScoredMember& record) noexcept { return ds::seeded_hash(record.member()); }
  };
  using RecordTable = ds::DenseTable<ds::ScoredMember, RecordTraits>;

  RecordTable table;
  ds::SortedIndex index;
  std::size_t record_bytes = 0;

  Indexed() = default;
  Indexed(const Indexed&) = delete;
  Indexed& operator=(const Indexed&) = delete;
  ~Indexed() {
    table.for_each([](const RecordTable::Word& word) { ScoredMember::destroy(word.record()); });
  }
  [[nodiscard]] RecordTable::Word* find(std::string_view member, std::uint64_t hash) const {
    return table.find(hash, [&](const ScoredMember& record) { return record.member() == member; });
  }
  void insert(std::string_view member, double score, std::uint64_t hash) {
    ScoredMember* record = ScoredMember::make(member, score);
    record_bytes += record->memory_bytes();
    table.insert(hash, record, false);
    index.insert(*record);
  }
  void drop(ScoredMember* record) {
    record_bytes -= record->memory_bytes();
    ScoredMember::destroy(record);
  }
};

SortedSet::SortedSet() = default;
SortedSet::~SortedSet() = default;

SortedSet::Element SortedSet::Cursor::element() {
  if (!small_) return {position_->member(), position_->score()};
  return {view_.get(pos_).text(digits_), score_at(view_, view_.next(pos_))};
}

void SortedSet::Cursor::forward() noexcept {
  if (small_) {
    pos_ = view_.next(view_.next(pos_));
  } else {
    position_.forward();
  }
}

void SortedSet::Cursor::backward() noexcept {
  if (!small_) return position_.backward();
  pos_ = view_.prev(pos_);
  if (pos_ != view_.stop()) pos_ = view_.prev(pos_);
}

std::uint64_t SortedSet::indexed_size() const noexcept { return indexed_->index.size(); }

Owned<SortedSet> SortedSet::clone() const {
  Owned<SortedSet> copy(new SortedSet());
  if (indexed_ == nullptr) {
    copy->small_ = small_.clone();
    return copy;
  }
  copy->indexed_ = std::make_unique<Indexed>();
  for (auto at = indexed_->index.first(); !at.at_end(); at.forward()) {
    copy->indexed_->insert(at->member(), at->score(), ds::seeded_hash(at->member()));
  }
  return copy;
}

std::size_t SortedSet::memory_bytes() const noexcept {
  if (indexed_ == nullptr) return sizeof(*this) + small_.memory_bytes();
  return sizeof(*this) + small_.memory_bytes() + sizeof(Indexed) + indexed_->record_bytes +
         indexed_->table.memory_bytes() + indexed_->index.memory_bytes();
}

std::size_t SortedSet::record_bytes() const noexcept { return indexed_ == nullptr ? 0 : indexed_->record_bytes; }

std::string_view SortedSet::encoding_name() const noexcept { return indexed_ == nullptr ? "listpack" : "skiplist"; }

ListpackPos SortedSet::find_small(std::string_view member) const {
  const ListpackView view = small_.view();
  return view.find(PackedItem(member), view.first(), 1);
}

SortedSet::Added SortedSet::add(std::string_view member, double score, const ScoreRule& rule,
                                const EncodingLimits& limits) {
  return indexed_ == nullptr ? add_small(member, score, rule, limits) : add_indexed(member, score, rule);
}

SortedSet::Added SortedSet::add_small(std::string_view member, double score, const ScoreRule& rule,
                                      const EncodingLimits& limits) {
  const ListpackPos pos = find_small(member);
  const ListpackView view = small_.view();
  if (pos != view.stop()) {
    const Added verdict = judged(score_at(view, view.next(pos)), score, rule);
    if (verdict.outcome == Outcome::kMoved) {
      small_.erase(pos, 2);
      insert_small(member, verdict.score);
    }
    return verdict;
  }
  if (rule.presence == ScoreRule::Presence::kOnlyPresent) return {Outcome::kRefused, 0};
  // Source: Redis counts the new member, and bounds the whole by what a listpack may hold.
  const bool fits = size() + 1 <= limits.zset_listpack_entries && member.size() <= limits.zset_listpack_value &&
                    small_.has_room(member.size() + 64);
  if (!fits) {
    become_indexed();
    return add_indexed(member, score, rule);
  }
  insert_small(member, score);
  return {Outcome::kAdded, score};
}

void SortedSet::insert_small(std::string_view member, double score) {
  const ListpackView view = small_.view();
  ListpackPos at = view.first();
  DecimalBuffer digits;
  // From the end: scores mostly arrive in ascending order.
  for (ListpackPos before = view.stop();;) {
    at = before;
    if (before == view.first()) break;
    const ListpackPos score_pos = view.prev(before);
    const ListpackPos member_pos = view.prev(score_pos);
    const double s = score_at(view, score_pos);
    if (s < score || (s == score && view.get(member_pos).text(digits) < member)) break;
    before = member_pos;
  }
  small_.insert(at, PackedScore(score).item());
  small_.insert(at, PackedItem(member));
}

void SortedSet::become_indexed() {
  auto indexed = std::make_unique<Indexed>();
  for (Cursor at = first(); !at.at_end(); at.forward()) {
    const Element e = at.element();
    indexed->insert(e.member, e.score, ds::seeded_hash(e.member));
  }
  indexed_ = std::move(indexed);
  small_ = ds::Listpack();
}

SortedSet::Added SortedSet::add_indexed(std::string_view member, double score, const ScoreRule& rule) {
  const std::uint64_t hash = ds::seeded_hash(member);
  if (const Indexed::RecordTable::Word* word = indexed_->find(member, hash)) {
    ScoredMember& record = *word->record();
    const Added verdict = judged(record.score(), score, rule);
    if (verdict.outcome == Outcome::kMoved) indexed_->index.rescore(record, verdict.score);
    return verdict;
  }
  if (rule.presence == ScoreRule::Presence::kOnlyPresent) return {Outcome::kRefused, 0};
  indexed_->insert(member, score, hash);
  return {Outcome::kAdded, score};
}

bool SortedSet::erase(std::string_view member) {
  if (indexed_ == nullptr) {
    const ListpackPos pos = find_small(member);
    if (pos == small_.view().stop()) return false;
    small_.erase(pos, 2);
    return true;
  }
  const std::uint64_t hash = ds::seeded_hash(member);
  Indexed::RecordTable::Word* word = indexed_->find(member, hash);
  if (word == nullptr) return false;
  ScoredMember* record = word->record();
  indexed_->table.erase(hash, word);
  indexed_->index.erase(*record);
  indexed_->drop(record);
  return true;
}

void SortedSet::erase_range(std::uint64_t first, std::uint64_t count) {
  ASH_CHECK(first <= size() && count <= size() - first);
  if (count == 0) return;
  if (indexed_ == nullptr) {
    small_.erase(small_.view().seek(static_cast<std::int64_t>(2 * first)), 2 * count);
    return;
  }
  indexed_->index.erase_range(first, count, [this](ScoredMember& record) {
    const std::uint64_t hash = Indexed::RecordTraits::hash(record);
    indexed_->table.erase(hash, indexed_->table.find(hash, [&](const ScoredMember& r) { return &r == &record; }));
    indexed_->drop(&record);
  });
}

std::optional<double> SortedSet::score(std::string_view member) const {
  if (indexed_ == nullptr) {
    const ListpackPos pos = find_small(member);
    const ListpackView view = small_.view();
    return pos == view.stop() ? std::nullopt : std::optional(score_at(view, view.next(pos)));
  }
  const Indexed::RecordTable::Word* word = indexed_->find(member, ds::seeded_hash(member));
  return word == nullptr ? std::nullopt : std::optional(word->record()->score());
}

std::optional<SortedSet::Ranked> SortedSet::rank(std::string_view member) const {
  if (indexed_ != nullptr) {
    const Indexed::RecordTable::Word* word = indexed_->find(member, ds::seeded_hash(member));
    if (word == nullptr) return std::nullopt;
    return Ranked{indexed_->index.rank(*word->record()), word->record()->score()};
  }
  const PackedItem item(member);
  const ListpackView view = small_.view();
  std::uint64_t rank = 0;
  for (ListpackPos pos = view.first(); pos != view.stop(); pos = view.next(view.next(pos)), ++rank) {
    if (view.matches(pos, item)) return Ranked{rank, score_at(view, view.next(pos))};
  }
  return std::nullopt;
}

std::uint64_t SortedSet::rank(const ds::Cut& cut) const {
  if (indexed_ != nullptr) return indexed_->index.rank(cut);
  std::uint64_t rank = 0;
  for (Cursor at = first(); !at.at_end(); at.forward(), ++rank) {
    const Element e = at.element();
    if (!stands_before(e.score, e.member, cut)) break;
  }
  return rank;
}

SortedSet::Cursor SortedSet::at_rank(std::uint64_t rank) const {
  if (indexed_ != nullptr) return Cursor(indexed_->index.at_rank(rank));
  const ListpackView view = small_.view();
  if (rank >= size()) return {view, view.stop()};
  return {view, view.seek(static_cast<std::int64_t>(2 * rank))};
}

SortedSet::Cursor SortedSet::behind(const ds::Cut& cut) const {
  if (indexed_ != nullptr) return Cursor(indexed_->index.behind(cut));
  return at_rank(rank(cut));
}

SortedSet::Cursor SortedSet::before(const ds::Cut& cut) const {
  if (indexed_ != nullptr) return Cursor(indexed_->index.before(cut));
  const std::uint64_t n = rank(cut);
  return at_rank(n == 0 ? size() : n - 1);
}

std::uint64_t SortedSet::scan_with(std::uint64_t position, std::uint64_t at_least, Visitor visit, void* target) const {
  if (indexed_ == nullptr) {
    for (Cursor at = first(); !at.at_end(); at.forward()) visit(target, at.element());
    return 0;
  }
  return indexed_->table.scan(position, at_least, [&](const Indexed::RecordTable::Word& word) {
    visit(target, {word.record()->member(), word.record()->score()});
  });
}

void SortedSet::check_invariants() const {
  if (indexed_ == nullptr) {
    small_.view().check_invariants();
    ASH_CHECK(small_.count() % 2 == 0);
    std::string last_member;
    double last_score = 0;
    bool any = false;
    for (Cursor at = first(); !at.at_end(); at.forward()) {
      const Element e = at.element();
      ASH_CHECK(!std::isnan(e.score));
      ASH_CHECK(!any || last_score < e.score || (last_score == e.score && last_member < e.member));
      last_member = e.member;
      last_score = e.score;
      any = true;
    }
    return;
  }
  ASH_CHECK(small_.empty());
  indexed_->table.check_invariants();
  indexed_->index.check_invariants();
  ASH_CHECK(indexed_->table.size() == indexed_->index.size());
  std::size_t bytes = 0;
  for (auto at = indexed_->index.first(); !at.at_end(); at.forward()) {
    const Indexed::RecordTable::Word* word = indexed_->find(at->member(), ds::seeded_hash(at->member()));
    ASH_CHECK(word != nullptr && word->record() == &*at);
    bytes += at->memory_bytes();
  }
  ASH_CHECK(bytes == indexed_->record_bytes);
}

}  // namespace ashlar::keyspace
