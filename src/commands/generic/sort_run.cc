#include "commands/generic/sort_run.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "keyspace/values/lookup_text.h"
#include "keyspace/values/set.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::commands {

using namespace command;
using keyspace::Hash;
using keyspace::List;
using keyspace::ListEnd;
using keyspace::Set;
using keyspace::SortedSet;
using keyspace::Type;

namespace {

struct Element {
  std::string text;
  std::size_t place;  // among those loaded
  double score = 0;
  std::optional<std::string> weight;  // text that a BY pattern led to
};

/// The part of a sequence of `size` elements that LIMIT keeps.
struct Window {
  std::uint64_t first;
  std::uint64_t count;
};
Window window_of(const SortOptions& options, std::uint64_t size) noexcept {
  const std::uint64_t first = std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(options.offset, 0)), size);
  const std::uint64_t count = options.count < 0 ? size : static_cast<std::uint64_t>(options.count);
  return {first, std::min(count, size - first)};
}

/// The value that `pattern` leads to with `element` in the place of its '*': a string key, or with "->field" a field of
/// a hash. "#" is the element itself.
SortedField look_up(Context& ctx, std::string_view pattern, std::string_view element) {
  if (pattern == "#") return std::string(element);
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return std::nullopt;
  std::size_t arrow = pattern.find("->", star + 1);
  if (arrow != std::string_view::npos && arrow + 2 == pattern.size()) arrow = std::string_view::npos;
  std::string name(pattern.substr(0, star));
  name += element;
  name += pattern.substr(star + 1, arrow == std::string_view::npos ? arrow : arrow - star - 1);

  const Entry* entry = ctx.db.find(ctx.db.keyspace().ref(name), ctx.read_access());
  if (entry == nullptr) return std::nullopt;
  if (arrow != std::string_view::npos) {
    const Hash* hash = entry->collection<Hash>();
    if (hash == nullptr) return std::nullopt;
    const auto item = hash->get(keyspace::LookupText(pattern.substr(arrow + 2)), ctx.db.fields_from_ms());
    return item ? SortedField(item->value.to_string()) : std::nullopt;
  }
  if (!entry->is_string()) return std::nullopt;
  DecimalBuffer buffer;
  return std::string(entry->text(buffer));
}

void add(std::vector<Element>& to, std::string text) { to.push_back({.text = std::move(text), .place = to.size()}); }

/// Members of a sorted set by rank, from the lowest or from the highest.
void load_members(const SortedSet& set, const Window& part, ListEnd from, std::vector<Element>& to) {
  if (part.count == 0) return;
  auto at = set.at_rank(from == ListEnd::kLeft ? part.first : set.size() - 1 - part.first);
  for (std::uint64_t i = 0; i < part.count && !at.at_end(); ++i) {
    add(to, std::string(at.element().member));
    from == ListEnd::kLeft ? at.forward() : at.backward();
  }
}

/// All elements, in the order in which they are kept; of a list or sorted set only the window when nothing is sorted.
Result<std::vector<Element>> load(const Entry* entry, const SortOptions& options) {
  std::vector<Element> elements;
  if (entry == nullptr) return elements;
  // Only what is not sorted anew can be walked in its own order, or from its other end.
  const bool back = !options.sorted && options.order == SortOptions::Order::kDescending;
  const ListEnd from = back ? ListEnd::kRight : ListEnd::kLeft;
  const auto part_of = [&](std::uint64_t size) { return options.sorted ? Window{0, size} : window_of(options, size); };
  if (const List* list = entry->collection<List>()) {
    const Window part = part_of(list->size());
    if (part.count > 0) {
      list->walk(back ? list->size() - 1 - part.first : part.first, part.count, from,
                 [&](const ds::PackedValue& value) { add(elements, value.to_string()); });
    }
  } else if (const Set* set = entry->collection<Set>()) {
    set->for_each([&](const ds::PackedValue& value) { add(elements, value.to_string()); });
  } else if (const SortedSet* zset = entry->collection<SortedSet>()) {
    load_members(*zset, part_of(zset->size()), from, elements);
  } else {
    return fail(ErrorCode::kWrongType);
  }
  return elements;
}

/// Gives every element what it is compared by. False when a value is no number.
bool weigh(Context& ctx, const SortOptions& options, std::vector<Element>& elements) {
  for (Element& element : elements) {
    if (options.by) element.weight = look_up(ctx, *options.by, element.text);
    if (options.compare == SortOptions::Compare::kTexts) continue;
    if (options.by && !element.weight) continue;  // counts as 0
    const std::string& text = options.by ? *element.weight : element.text;
    char* end = nullptr;
    errno = 0;
    element.score = std::strtod(text.c_str(), &end);  // blanks before and hexadecimal digits are right here
    if (*end != '\0' || errno == ERANGE || std::isnan(element.score)) return false;
  }
  return true;
}

/// Less than, equal to or greater than 0, ascending.
int compare(const Element& a, const Element& b, const SortOptions& options) noexcept {
  if (options.compare == SortOptions::Compare::kNumbers) {
    if (a.score != b.score) return a.score < b.score ? -1 : 1;
  } else if (options.by) {
    if (a.weight && b.weight) return a.weight->compare(*b.weight);
    return static_cast<int>(a.weight.has_value()) - static_cast<int>(b.weight.has_value());
  }
  return a.text.compare(b.text);
}

void sort_window(std::vector<Element>& elements, const SortOptions& options, const Window& part) {
  const auto less = [&](const Element& a, const Element& b) {
    const int order = compare(a, b, options);
    if (order == 0) return a.place < b.place;  // the order is the same everywhere
    return options.order == SortOptions::Order::kDescending ? order > 0 : order < 0;
  };
  const auto middle = elements.begin() + static_cast<std::ptrdiff_t>(part.first + part.count);
  if (middle == elements.end()) {
    std::sort(elements.begin(), elements.end(), less);
  } else {
    std::partial_sort(elements.begin(), middle, elements.end(), less);
  }
}

}  // namespace

Result<std::vector<SortedField>> run_sort(Context& ctx, const Entry* entry, const SortOptions& asked) {
  SortOptions options = asked;
  const bool is_set = entry != nullptr && entry->type() == Type::kSet;
  if (!options.sorted && is_set && (options.stores || ctx.session.in_script)) {
    // A set has no order of its own; what is stored, or what a script goes by, must be the same on every node.
    options.sorted = true;
    options.compare = SortOptions::Compare::kTexts;
    options.by.reset();
  }
  ASH_TRY(auto elements, load(entry, options));
  if (options.sorted && !weigh(ctx, options, elements)) {
    return fail("One or more scores can't be converted into double");
  }
  const bool loaded_part = !options.sorted && !is_set;
  const Window part = loaded_part ? Window{0, elements.size()} : window_of(options, elements.size());
  if (options.sorted) sort_window(elements, options, part);

  std::vector<SortedField> fields;
  for (std::uint64_t i = part.first; i < part.first + part.count; ++i) {
    if (options.gets.empty()) fields.emplace_back(std::move(elements[i].text));
    for (const std::string_view pattern : options.gets) fields.push_back(look_up(ctx, pattern, elements[i].text));
  }
  return fields;
}

}  // namespace ashlar::commands
