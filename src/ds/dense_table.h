/// A hash table of pointers, kept in hash order, that grows without pauses and wastes little.
///
/// Shape: a directory indexed by the top `depth` bits of the hash points to segments of at most ~4 KiB. A segment is an
/// array of 64-bit words sorted by the 16 hash bits behind its prefix (the fragment), with gaps, by ordered linear
/// probing:
///
///     63        48 47                1   0
///     | fragment  |  record pointer    |mark|          0 = empty
///
/// The fragment tells the home position of a word in a segment of any capacity, so growing or merging segments never
/// reads a record; only a split does, once per doubling. Because the whole table is ordered by hash, a scan cursor is
/// simply a hash value: it survives every resize, and every record present during a whole scan is visited.
///
/// Thread: none of its own; the owner locks. Invariants (check_invariants()):
///   1. Words of a segment are in non-decreasing fragment order, no word stands before its home, and there is no empty
///   word
///      between a word's home and its place.
///   2. Every record in a segment shares the segment's hash prefix.
///   3. size() is the number of non-empty words; root_total_ is the size of the only segment while there is only one.
/// Cost: find touches the directory line (tables above ~450 records), one or two segment lines, and records whose
/// 16-bit fragment matches. Insert moves a few words; growth touches at most 4 KiB, doubling the directory copies 8
/// bytes per ~330 records. Memory: 9 to 10.5 bytes a record.
///
/// Traits: `static std::uint64_t hash(const Record&)`, the hash under which the record was inserted.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"
#include "base/rng.h"

namespace ashlar::ds {

template <typename Record, typename Traits>
class DenseTable {
 public:
  /// One word of the table, by value. Mark is a bit that the owner may use; it moves with the record.
  class Word {
   public:
    Word() = default;
    Word(Record* record, bool mark, std::uint64_t fragment) noexcept
        : bits_(fragment << 48 | reinterpret_cast<std::uintptr_t>(record) | (mark ? 1U : 0U)) {}
    [[nodiscard]] Record* record() const noexcept { return reinterpret_cast<Record*>(bits_ & kPointerMask); }
    [[nodiscard]] bool marked() const noexcept { return (bits_ & 1) != 0; }
    [[nodiscard]] std::uint64_t fragment() const noexcept { return bits_ >> 48; }
    [[nodiscard]] bool empty() const noexcept { return bits_ == 0; }
    /// Puts another record (same hash) or another mark in this place.
    void replace(Record* record) noexcept {
      bits_ = (bits_ & ~kPointerMask) | reinterpret_cast<std::uintptr_t>(record);
    }
    void mark() noexcept { bits_ |= 1; }
    void unmark() noexcept { bits_ &= ~std::uint64_t{1}; }

   private:
    static constexpr std::uint64_t kPointerMask = 0x0000FFFFFFFFFFFEULL;
    std::uint64_t bits_ = 0;
  };

  DenseTable() noexcept = default;
  DenseTable(DenseTable&& other) noexcept { swap(other); }
  DenseTable& operator=(DenseTable&& other) noexcept {
    DenseTable taken(std::move(other));
    swap(taken);
    return *this;
  }
  /// Frees segments, not records: the owner walks them first (for_each).
  ~DenseTable() { free_segments(); }

  void swap(DenseTable& other) noexcept {
    std::swap(root_, other.root_);
    std::swap(size_, other.size_);
    std::swap(depth_, other.depth_);
    std::swap(root_total_, other.root_total_);
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// The word whose record has this hash and satisfies `same`, or nullptr. The pointer is valid until the next insert
  /// or erase.
  template <typename Same>
  [[nodiscard]] Word* find(std::uint64_t hash, Same&& same) const {
    const Span span = span_for(hash);
    if (span.segment == nullptr) return nullptr;
    const std::uint64_t fragment = fragment_of(hash, span.depth);
    Word* const end = span.segment->words() + span.total;
    for (Word* w = span.segment->words() + Segment::home(fragment, span.total); w != end; ++w) {
      if (w->empty()) return nullptr;
      const std::uint64_t f = w->fragment();
      if (f > fragment) return nullptr;
      if (f == fragment && same(*w->record())) return w;
    }
    return nullptr;
  }

  /// Adds a record that is not in the table. Returns its word, valid until the next insert or erase.
  Word* insert(std::uint64_t hash, Record* record, bool mark) {
    for (;;) {
      Segment* segment = segment_for(hash);
      if (segment == nullptr) {
        set_root(Segment::make(kSmallest, 0));
        continue;
      }
      if (!segment->crowded()) {
        const Word word(record, mark, fragment_of(hash, segment->depth()));
        if (Word* placed = segment->place(word)) {
          ++size_;
          return placed;
        }
      }
      make_room(hash, segment);
    }
  }

  /// Removes the word that find() just returned.
  void erase(std::uint64_t hash, Word* word) {
    Segment* segment = segment_for(hash);
    segment->remove(word);
    --size_;
    if (segment->count == 0 || segment->count < segment->total() / 4) shrink(hash, segment);
  }

  /// Forgets all records (the owner has taken care of them) and frees the segments.
  void clear() noexcept {
    free_segments();
    set_root(nullptr);
    depth_ = 0;
    size_ = 0;
  }

  /// Calls visit(Word&) for every record, in hash order. `visit` must not insert or erase.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for_each_segment([&](Segment* segment) {
      for (Word* w = segment->words(); w != segment->end(); ++w) {
        if (!w->empty()) visit(*w);
      }
    });
  }

  /// Calls visit(Word&) for at least one and, beyond `at_least`, only for records that share the last one's position.
  /// Positions are the top 48 bits of the hash; start with 0. Returns the next position, or kScanEnd.
  /// `visit` must not insert or erase.
  static constexpr std::uint64_t kScanEnd = 0;
  template <typename Visit>
  [[nodiscard]] std::uint64_t scan(std::uint64_t position, std::uint64_t at_least, Visit&& visit) const {
    std::uint64_t hash = position << 16;
    std::uint64_t seen = 0;
    for (;;) {
      Segment* segment = segment_for(hash);
      if (segment == nullptr) return kScanEnd;
      const unsigned d = segment->depth();
      const std::uint64_t from = fragment_of(hash, d);
      std::uint64_t last = kNoFragment;
      for (Word* w = segment->words() + segment->home(from); w != segment->end(); ++w) {
        if (w->empty() || w->fragment() < from) continue;
        const std::uint64_t f = w->fragment();
        if (seen >= at_least && f != last) {  // everything before this fragment has been seen
          const std::uint64_t next = (prefix_start(hash, d) | f << (48 - d)) >> 16;
          if (next != position) return next;
        }
        visit(*w);
        last = f;
        ++seen;
      }
      if (d == 0) return kScanEnd;
      const std::uint64_t next = prefix_start(hash, d) + (std::uint64_t{1} << (64 - d));
      if (next == 0) return kScanEnd;
      if (seen >= at_least) return next >> 16;
      hash = next;
    }
  }

  /// Some record, close to uniformly drawn; nullptr when empty. Expected cost: a few probes.
  [[nodiscard]] Word* random(Rng& rng) const {
    if (size_ == 0) return nullptr;
    for (;;) {
      Segment* segment = segment_for(rng.next());
      if (segment->count == 0) continue;
      for (int attempt = 0; attempt < 16; ++attempt) {
        Word* w = segment->words() + rng.below(segment->total());
        if (!w->empty()) return w;
      }
      std::uint64_t nth = rng.below(segment->count);
      for (Word* w = segment->words();; ++w) {
        if (!w->empty() && nth-- == 0) return w;
      }
    }
  }

  /// First stage of a lookup, for batches: starts loading the word line of `hash` in a table of one segment, else the
  /// segment's header; then the second stage is needed.
  enum class Stage : std::uint8_t { kWordUnderWay, kNeedsWord };
  [[nodiscard]] Stage prefetch_segment(std::uint64_t hash) const noexcept {
    if (depth_ > 0) {
      prefetch(segment_for(hash));
      return Stage::kNeedsWord;
    }
    prefetch_word(hash);
    return Stage::kWordUnderWay;
  }
  /// Second stage: starts loading the word line.
  void prefetch_word(std::uint64_t hash) const noexcept {
    const Span span = span_for(hash);
    if (span.segment == nullptr) return;
    prefetch(span.segment->words() + Segment::home(fragment_of(hash, span.depth), span.total));
  }
  /// Third stage: starts loading the first record whose fragment matches, two lines of it. Returns it, or nullptr.
  Record* prefetch_record(std::uint64_t hash) const noexcept {
    Record* record = probable(hash);
    if (record == nullptr) return nullptr;
    constexpr std::size_t kUsualBytes = 48;  // an entry with a short key and value, or a member
    prefetch(record);
    prefetch(reinterpret_cast<const char*>(record) + kUsualBytes - 1);
    return record;
  }
  /// The first record whose fragment matches `hash`, unread; nullptr when there is none.
  [[nodiscard]] Record* probable(std::uint64_t hash) const noexcept {
    const Span span = span_for(hash);
    if (span.segment == nullptr) return nullptr;
    const std::uint64_t fragment = fragment_of(hash, span.depth);
    const Word* const end = span.segment->words() + span.total;
    for (Word* w = span.segment->words() + Segment::home(fragment, span.total); w != end && !w->empty(); ++w) {
      if (w->fragment() >= fragment) return w->fragment() == fragment ? w->record() : nullptr;
    }
    return nullptr;
  }

  /// Bytes of directory and segments (not of records).
  [[nodiscard]] std::size_t memory_bytes() const {
    std::size_t bytes = depth_ == 0 ? 0 : sizeof(void*) << depth_;
    for_each_segment([&](Segment* s) { bytes += Segment::bytes_for(s->total()); });
    return bytes;
  }
  /// Words of all segments, used or not: size() / capacity() is the load.
  [[nodiscard]] std::uint64_t capacity() const {
    std::uint64_t words = 0;
    for_each_segment([&](Segment* s) { words += s->total(); });
    return words;
  }

  void check_invariants() const {
    std::uint64_t seen = 0;
    if (depth_ == 0) ASH_CHECK(root_total_ == (root_ == nullptr ? 0 : static_cast<Segment*>(root_)->total()));
    for_each_segment([&](Segment* s) {
      std::uint64_t last = 0;
      std::uint32_t count = 0;
      Word* const begin = s->words();
      for (Word* w = begin; w != s->end(); ++w) {
        if (w->empty()) continue;
        ++count;
        ASH_CHECK(w->fragment() >= last);
        last = w->fragment();
        ASH_CHECK(begin + s->home(last) <= w);
        for (const Word* between = begin + s->home(last); between != w; ++between) ASH_CHECK(!between->empty());
        const std::uint64_t hash = Traits::hash(*w->record());
        ASH_CHECK(segment_for(hash) == s);
        ASH_CHECK(fragment_of(hash, s->depth()) == last);
      }
      ASH_CHECK(count == s->count);
      seen += count;
    });
    ASH_CHECK(seen == size_);
  }

 private:
  // Sizes of jemalloc's classes, so that no byte of an allocation is unused; steps of 12 to 25 % keep the load above
  // 3/4.
  static constexpr std::array<std::uint16_t, 27> kClassBytes = {32,   48,   64,   80,   96,   112,  128,  160,  192,
                                                                224,  256,  320,  384,  448,  512,  640,  768,  896,
                                                                1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096};
  static constexpr std::uint32_t kSmallest = 32 / 8 - 1;
  static constexpr std::uint32_t kLargest = 4096 / 8 - 1;
  // Beyond this depth a split is not tried: only a flood of equal hashes gets there, and its segment simply grows.
  // 32 + 16 bits also keep every scan position exact.
  static constexpr unsigned kMaxDepth = 32;

  struct Segment {
    std::uint32_t count = 0;
    std::uint32_t shape = 0;  // total words | depth << 26

    [[nodiscard]] static std::size_t bytes_for(std::uint32_t total) noexcept { return sizeof(Segment) + total * 8UL; }
    static Segment* make(std::uint32_t total, unsigned depth) {
      const std::size_t bytes = bytes_for(total);
      void* memory = std::malloc(bytes);
      if (memory == nullptr) throw std::bad_alloc();
      std::memset(memory, 0, bytes);
      auto* segment = static_cast<Segment*>(memory);
      segment->shape = total | depth << 26;
      return segment;
    }
    [[nodiscard]] std::uint32_t total() const noexcept { return shape & 0x3FFFFFF; }
    [[nodiscard]] unsigned depth() const noexcept { return shape >> 26; }
    [[nodiscard]] Word* words() noexcept { return reinterpret_cast<Word*>(this + 1); }
    [[nodiscard]] Word* end() noexcept { return words() + total(); }
    /// Words behind the highest home, so that runs near the end have room.
    [[nodiscard]] static std::uint32_t pad(std::uint32_t total) noexcept { return total < 16 ? total / 4 : 8; }
    [[nodiscard]] static std::uint64_t home(std::uint64_t fragment, std::uint32_t total) noexcept {
      return fragment * (total - pad(total)) >> 16;
    }
    [[nodiscard]] std::uint64_t home(std::uint64_t fragment) const noexcept { return home(fragment, total()); }
    /// True when another word would make probe runs long: above 15/16 (small segments may fill up).
    [[nodiscard]] bool crowded() const noexcept { return count >= total() - total() / 16; }

    /// Puts a word in its ordered place, moving later ones up; nullptr when there is no gap behind it.
    Word* place(Word word) noexcept {
      Word* at = words() + home(word.fragment());
      Word* const last = end();
      while (at != last && !at->empty() && at->fragment() <= word.fragment()) ++at;
      Word* gap = at;
      while (gap != last && !gap->empty()) ++gap;
      if (gap == last) return nullptr;
      std::memmove(static_cast<void*>(at + 1), at, static_cast<std::size_t>(gap - at) * sizeof(Word));
      *at = word;
      ++count;
      return at;
    }
    void remove(Word* at) noexcept {
      Word* const begin = words();
      Word* next = at + 1;
      while (next != end() && !next->empty() && begin + home(next->fragment()) < next) ++next;
      std::memmove(static_cast<void*>(at), at + 1, static_cast<std::size_t>(next - at - 1) * sizeof(Word));
      *(next - 1) = Word();
      --count;
    }
    /// Appends a word that is not smaller than any before; false when it does not fit.
    [[nodiscard]] bool append(Word word, Word*& next_free) noexcept {
      Word* at = std::max(next_free, words() + home(word.fragment()));
      if (at >= end()) return false;
      *at = word;
      next_free = at + 1;
      ++count;
      return true;
    }
  };

  [[nodiscard]] static std::uint64_t fragment_of(std::uint64_t hash, unsigned depth) noexcept {
    return (hash << depth) >> 48;
  }
  [[nodiscard]] static std::uint64_t prefix_start(std::uint64_t hash, unsigned depth) noexcept {
    return depth == 0 ? 0 : hash >> (64 - depth) << (64 - depth);
  }
  static constexpr std::uint64_t kNoFragment = ~std::uint64_t{0};

  [[nodiscard]] Segment** directory() const noexcept { return static_cast<Segment**>(root_); }
  [[nodiscard]] Segment* segment_for(std::uint64_t hash) const noexcept {
    if (depth_ == 0) return static_cast<Segment*>(root_);
    return directory()[hash >> (64 - depth_)];
  }
  /// A segment with what its header says, which is not read when it is the only one: a cache line less for a lookup.
  struct Span {
    Segment* segment;
    std::uint32_t total;
    unsigned depth;
  };
  [[nodiscard]] Span span_for(std::uint64_t hash) const noexcept {
    if (depth_ == 0) return {static_cast<Segment*>(root_), root_total_, 0};
    Segment* segment = directory()[hash >> (64 - depth_)];
    return {segment, segment->total(), segment->depth()};
  }
  void set_root(Segment* segment) noexcept {
    root_ = segment;
    root_total_ = segment == nullptr ? 0 : segment->total();
  }

  template <typename Visit>
  void for_each_segment(Visit&& visit) const {
    if (root_ == nullptr) return;
    if (depth_ == 0) {
      visit(static_cast<Segment*>(root_));
      return;
    }
    for (std::size_t i = 0; i < std::size_t{1} << depth_;) {
      Segment* segment = directory()[i];
      i += std::size_t{1} << (depth_ - segment->depth());
      visit(segment);
    }
  }

  void free_segments() noexcept {
    for_each_segment([](Segment* s) { std::free(s); });
    if (depth_ > 0) std::free(root_);
  }

  /// Points every directory entry of `old` to `fresh`.
  void relink(std::uint64_t hash, Segment* old, Segment* fresh) noexcept {
    if (depth_ == 0) {
      set_root(fresh);
      return;
    }
    const unsigned d = old->depth();
    const std::size_t first = prefix_start(hash, d) >> (64 - depth_);
    std::fill_n(directory() + first, std::size_t{1} << (depth_ - d), fresh);
  }

  /// The next class above `total` words; doubles beyond the largest.
  [[nodiscard]] static std::uint32_t next_total(std::uint32_t total) noexcept {
    for (const std::uint16_t bytes : kClassBytes) {
      if (bytes / 8U - 1 > total) return bytes / 8U - 1;
    }
    return total * 2;
  }
  /// The smallest class that holds `count` words at a comfortable load.
  [[nodiscard]] static std::uint32_t total_for(std::uint32_t count) noexcept {
    std::uint32_t total = kSmallest;
    while (total - total / 8 < count + 1) total = next_total(total);
    return total;
  }

  /// A directory of more than one entry per 16 records means that hashes are not spread: then segments grow instead.
  [[nodiscard]] bool may_split(const Segment& segment) const noexcept {
    if (segment.depth() >= kMaxDepth) return false;
    return segment.depth() < depth_ || std::uint64_t{2} << depth_ <= size_ / 16;
  }

  void make_room(std::uint64_t hash, Segment* segment) {
    if (segment->total() >= kLargest && may_split(*segment)) {
      split(hash, segment);
      return;
    }
    std::uint32_t total = next_total(segment->total());
    Segment* fresh = copied(segment, total);
    while (fresh == nullptr) fresh = copied(segment, total = next_total(total));
    relink(hash, segment, fresh);
    std::free(segment);
  }

  /// The same words in another capacity; nullptr when a run does not fit.
  [[nodiscard]] static Segment* copied(Segment* from, std::uint32_t total) {
    Segment* fresh = Segment::make(total, from->depth());
    Word* next_free = fresh->words();
    for (Word* w = from->words(); w != from->end(); ++w) {
      if (!w->empty() && !fresh->append(*w, next_free)) {
        std::free(fresh);
        return nullptr;
      }
    }
    return fresh;
  }

  /// Replaces a full segment by two with one more prefix bit. The only place that reads records.
  void split(std::uint64_t hash, Segment* segment) {
    const unsigned d = segment->depth();
    if (depth_ == d) double_directory();
    for (Word* w = segment->words(); w != segment->end(); ++w) {
      if (!w->empty()) prefetch(w->record());
    }
    std::uint32_t ones = 0;
    for (Word* w = segment->words(); w != segment->end(); ++w) ones += !w->empty() && w->fragment() >> 15 != 0 ? 1 : 0;
    Segment* low = Segment::make(total_for(segment->count - ones), d + 1);
    Segment* high = Segment::make(total_for(ones), d + 1);
    const std::size_t span = std::size_t{1} << (depth_ - d);
    const std::size_t first = prefix_start(hash, d) >> (64 - depth_);
    std::fill_n(directory() + first, span / 2, low);
    std::fill_n(directory() + first + span / 2, span / 2, high);
    for (Word* w = segment->words(); w != segment->end(); ++w) {
      if (w->empty()) continue;
      const std::uint64_t h = Traits::hash(*w->record());
      const Word word(w->record(), w->marked(), fragment_of(h, d + 1));
      Segment* target = directory()[h >> (64 - depth_)];
      while (target->place(word) == nullptr) {
        make_room(h, target);
        target = directory()[h >> (64 - depth_)];
      }
    }
    std::free(segment);
  }

  void double_directory() {
    const std::size_t entries = std::size_t{1} << depth_;
    auto** fresh = static_cast<Segment**>(std::malloc(entries * 2 * sizeof(Segment*)));
    if (fresh == nullptr) throw std::bad_alloc();
    if (depth_ == 0) {
      fresh[0] = fresh[1] = static_cast<Segment*>(root_);
    } else {
      for (std::size_t i = 0; i < entries; ++i) fresh[2 * i] = fresh[2 * i + 1] = directory()[i];
      std::free(root_);
    }
    root_ = fresh;
    ++depth_;
  }

  void shrink(std::uint64_t hash, Segment* segment) {
    const unsigned d = segment->depth();
    if (d == 0) {
      if (segment->count == 0) {
        std::free(segment);
        set_root(nullptr);
      } else if (segment->total() > kSmallest) {
        shrink_to(hash, segment);
      }
      return;
    }
    Segment* buddy = segment_for(hash ^ std::uint64_t{1} << (64 - d));
    if (buddy->depth() == d && segment->count + buddy->count <= kLargest / 2) {
      merge(hash, segment, buddy);
      halve_directory();
    } else if (segment->total() > kSmallest) {
      shrink_to(hash, segment);
    }
  }

  void shrink_to(std::uint64_t hash, Segment* segment) {
    const std::uint32_t total = total_for(segment->count + segment->count / 8);
    if (total >= segment->total()) return;
    if (Segment* fresh = copied(segment, total)) {
      relink(hash, segment, fresh);
      std::free(segment);
    }
  }

  /// Joins two segments that differ in their last prefix bit. The bit becomes the top bit of the fragments.
  void merge(std::uint64_t hash, Segment* segment, Segment* buddy) {
    const unsigned d = segment->depth();
    const bool segment_is_low = (hash >> (64 - d) & 1) == 0;
    Segment* low = segment_is_low ? segment : buddy;
    Segment* high = segment_is_low ? buddy : segment;
    std::uint32_t total = total_for(low->count + high->count);
    Segment* fresh = nullptr;
    for (;; total = next_total(total)) {
      fresh = Segment::make(total, d - 1);
      if (append_shifted(fresh, low, high)) break;
      std::free(fresh);
    }
    const std::size_t first = prefix_start(hash, d - 1) >> (64 - depth_);
    std::fill_n(directory() + first, std::size_t{1} << (depth_ - d + 1), fresh);
    std::free(low);
    std::free(high);
  }
  [[nodiscard]] static bool append_shifted(Segment* fresh, Segment* low, Segment* high) {
    Word* next_free = fresh->words();
    std::uint64_t top = 0;
    for (Segment* from : {low, high}) {
      for (Word* w = from->words(); w != from->end(); ++w) {
        if (w->empty()) continue;
        if (!fresh->append(Word(w->record(), w->marked(), top | w->fragment() >> 1), next_free)) return false;
      }
      top = 0x8000;
    }
    return true;
  }

  /// Gives back half the directory for as long as no segment needs the last bit.
  void halve_directory() {
    while (depth_ > 0) {
      const std::size_t entries = std::size_t{1} << depth_;
      for (std::size_t i = 0; i < entries; i += 2) {
        if (directory()[i] != directory()[i + 1]) return;
      }
      if (depth_ == 1) {
        Segment* only = directory()[0];
        std::free(root_);
        set_root(only);
      } else {
        for (std::size_t i = 0; i < entries / 2; ++i) directory()[i] = directory()[2 * i];
        if (void* smaller = std::realloc(root_, entries / 2 * sizeof(Segment*))) root_ = smaller;
      }
      --depth_;
    }
  }

  void* root_ = nullptr;  // depth 0: the only Segment or nothing; else Segment*[1 << depth_]
  std::uint64_t size_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t root_total_ = 0;  // words of the only segment while depth_ is 0
};

}  // namespace ashlar::ds
