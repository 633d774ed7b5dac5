#include "keyspace/entry.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <type_traits>

#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "keyspace/values/set.h"
#include "keyspace/values/sorted_set.h"
#include "keyspace/values/stream.h"

namespace ashlar::keyspace {
namespace {

/// The size class that the allocator would use anyway: 16-byte steps up to 128, then four steps a doubling.
std::size_t good_size(std::size_t n) noexcept {
  if (n <= 128) return (n + 15) & ~std::size_t{15};
  const std::size_t step = std::bit_floor(n - 1) / 4;
  return (n + step - 1) / step * step;
}

void* allocate_bytes(std::size_t n) {
  void* p = std::malloc(n);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

/// The integer that `value` spells, when it is short enough to be one.
std::optional<std::int64_t> as_integer(std::string_view value) noexcept {
  if (value.empty() || value.size() > 20) return std::nullopt;
  const char first = value.front();
  if (first != '-' && (first < '0' || first > '9')) return std::nullopt;
  return parse_i64(value);
}

}  // namespace

HeapString* HeapString::make(std::string_view content, std::uint64_t capacity) {
  capacity = std::max<std::uint64_t>(capacity, content.size());
  auto* s = static_cast<HeapString*>(allocate_bytes(sizeof(HeapString) + capacity));
  s->size = content.size();
  s->capacity = capacity;
  std::copy_n(content.data(), content.size(), s->data());
  return s;
}

void HeapString::destroy(HeapString* s) noexcept { std::free(s); }

struct Entry::Shape {
  std::string_view key;
  std::uint8_t form;
  std::size_t value_bytes;  // stored in the entry
  std::optional<WallTime> expiry;
};

Entry* Entry::allocate(const Shape& shape) {
  const bool long_key = shape.key.size() > 255;
  const std::size_t need = kHeader + (shape.expiry ? 8 : 0) + (long_key ? 4 : 0) + shape.key.size() + shape.value_bytes;
  const std::size_t size = std::min(good_size(need), need + 255);
  auto* e = static_cast<Entry*>(allocate_bytes(size));
  e->meta_ = static_cast<std::uint8_t>(shape.form | (shape.expiry ? kHasExpiry : 0) | (long_key ? kLongKey : 0));
  e->key_size_ = long_key ? 0 : static_cast<std::uint8_t>(shape.key.size());
  e->slack_ = static_cast<std::uint8_t>(size - need);
  e->set_clock(0);
  e->value_size_ = shape.form == kFormInline ? static_cast<std::uint16_t>(shape.value_bytes) : 0;
  if (shape.expiry) e->set_expiry_in_place(*shape.expiry);
  if (long_key) {
    const auto n = static_cast<std::uint32_t>(shape.key.size());
    std::memcpy(e->bytes() + e->long_key_offset(), &n, sizeof n);
  }
  std::copy_n(shape.key.data(), shape.key.size(), e->bytes() + e->key_offset());  // an empty one may point nowhere
  return e;
}

Entry* Entry::make(std::string_view key, std::string_view value, std::optional<WallTime> expiry) {
  if (const auto number = as_integer(value)) return make_int(key, *number, expiry);
  return make_string(key, value, StringForm::kPlain, expiry);
}

Entry* Entry::make_string(std::string_view key, std::string_view value, StringForm form,
                          std::optional<WallTime> expiry) {
  if (value.size() > kInlineMax) return make_heap(key, HeapString::make(value, value.size()), form, expiry);
  Entry* e = allocate({key, kFormInline, value.size(), expiry});
  std::copy_n(value.data(), value.size(), e->bytes() + e->value_offset());
  if (form == StringForm::kRaw) e->meta_ |= kRawForm;
  return e;
}

Entry* Entry::make_heap(std::string_view key, HeapString* value, StringForm form, std::optional<WallTime> expiry) {
  Entry* e = allocate({key, kFormHeap, 8, expiry});
  std::memcpy(e->bytes() + e->value_offset(), &value, sizeof value);
  if (form == StringForm::kRaw) e->meta_ |= kRawForm;
  return e;
}

Entry* Entry::make_int(std::string_view key, std::int64_t value, std::optional<WallTime> expiry) {
  Entry* e = allocate({key, kFormInt, 8, expiry});
  std::memcpy(e->bytes() + e->value_offset(), &value, sizeof value);
  return e;
}

Entry* Entry::make_collection(std::string_view key, Type type, void* value, std::optional<WallTime> expiry) {
  Entry* e = allocate({key, kFormCollection, 8, expiry});
  e->value_size_ = static_cast<std::uint16_t>(type);
  std::memcpy(e->bytes() + e->value_offset(), &value, sizeof value);
  return e;
}

Entry* Entry::make_owned(std::string_view key, OwnedValue value, std::optional<WallTime> expiry) {
  if (auto* s = std::get_if<OwnedString>(&value.data); s != nullptr && (*s)->size > kInlineMax) {
    return make_heap(key, s->release(), value.form, expiry);
  }
  const auto string = [&](std::string_view text) {
    return value.form == StringForm::kPlain ? make(key, text, expiry) : make_string(key, text, value.form, expiry);
  };
  const auto adopt = [&]<typename V>(Owned<V>& owned) {
    ASH_CHECK(owned != nullptr);
    Entry* made = make_collection(key, kTypeOf<V>, owned.get(), expiry);
    (void)owned.release();
    return made;
  };
  return std::visit(
      [&]<typename Data>(Data& data) {
        if constexpr (std::is_same_v<Data, std::int64_t>) {
          return make_int(key, data, expiry);
        } else if constexpr (std::is_same_v<Data, std::string>) {
          return string(data);
        } else if constexpr (std::is_same_v<Data, OwnedString>) {
          return string(data->view());
        } else {
          return adopt(data);
        }
      },
      value.data);
}

void Entry::destroy(Entry* entry) noexcept {
  if (entry->form() == kFormHeap) HeapString::destroy(entry->heap());
  if (entry->form() == kFormCollection) destroy_value(entry->type(), entry->pointer());
  std::free(entry);
}

bool Entry::reshape(std::uint8_t form, std::size_t size) noexcept {
  const std::size_t fixed = value_offset();
  const std::size_t room = alloc_size() - fixed;
  if (size > room || room - size > 255) return false;
  meta_ = static_cast<std::uint8_t>((meta_ & ~(kFormMask | kRawForm)) | form);
  value_size_ = form == kFormInline ? static_cast<std::uint16_t>(size) : 0;
  slack_ = static_cast<std::uint8_t>(room - size);
  return true;
}

bool Entry::assign_in_place(std::string_view value) noexcept {
  if (points()) return false;
  if (const auto number = as_integer(value)) return assign_int_in_place(*number);
  if (value.size() > kInlineMax || !reshape(kFormInline, value.size())) return false;
  // The value may be a view into this entry; an empty one may point nowhere.
  if (!value.empty()) std::memmove(bytes() + value_offset(), value.data(), value.size());
  return true;
}

bool Entry::assign_int_in_place(std::int64_t value) noexcept {
  if (points() || !reshape(kFormInt, 8)) return false;
  std::memcpy(bytes() + value_offset(), &value, sizeof value);
  return true;
}

OwnedValue Entry::copy_value() const {
  if (is_int()) return {int_value(), StringForm::kPlain};
  switch (type()) {
    case Type::kList: return {collection<List>()->clone()};
    case Type::kSet: return {collection<Set>()->clone()};
    case Type::kSortedSet: return {collection<SortedSet>()->clone()};
    case Type::kHash: return {collection<Hash>()->clone()};
    case Type::kStream: return {collection<Stream>()->clone()};
    case Type::kString: break;
  }
  if (form() == kFormHeap) return {OwnedString(HeapString::make(heap()->view(), heap()->size)), string_form()};
  return {std::string(bytes() + value_offset(), value_size_), string_form()};
}

OwnedValue Entry::take_value() {
  OwnedValue taken;
  switch (type()) {
    case Type::kList: taken = {Owned<List>(collection<List>())}; break;
    case Type::kSet: taken = {Owned<Set>(collection<Set>())}; break;
    case Type::kSortedSet: taken = {Owned<SortedSet>(collection<SortedSet>())}; break;
    case Type::kHash: taken = {Owned<Hash>(collection<Hash>())}; break;
    case Type::kStream: taken = {Owned<Stream>(collection<Stream>())}; break;
    case Type::kString:
      if (form() != kFormHeap) return copy_value();
      taken = {OwnedString(heap()), string_form()};
      break;
  }
  meta_ = static_cast<std::uint8_t>((meta_ & ~kFormMask) | kFormInt);
  const std::int64_t zero = 0;
  std::memcpy(bytes() + value_offset(), &zero, sizeof zero);
  value_size_ = 0;
  return taken;
}

std::string_view Entry::encoding_name() const noexcept {
  if (!is_string()) return value_encoding(type(), pointer());
  if (is_int()) return "int";
  constexpr std::size_t kEmbeddedMax = 44;  // where Redis ends "embstr"
  return (meta_ & kRawForm) == 0 && text_size() <= kEmbeddedMax ? "embstr" : "raw";
}

std::size_t Entry::memory_bytes() const noexcept {
  std::size_t pointed = 0;
  if (form() == kFormHeap) pointed = sizeof(HeapString) + heap()->capacity;
  if (form() == kFormCollection) pointed = value_memory(type(), pointer());
  return alloc_size() + pointed;
}

Entry* Entry::rebuilt(Entry* old, std::optional<WallTime> expiry) {
  const std::string_view stored(old->bytes() + old->value_offset(), old->stored_value_bytes());
  Entry* e = allocate({old->key(), old->form(), stored.size(), expiry});
  e->meta_ |= old->meta_ & kRawForm;
  e->value_size_ = old->value_size_;
  std::memcpy(e->bytes() + e->value_offset(), stored.data(), stored.size());
  e->set_clock(old->clock());
  std::free(old);  // what it points to has moved
  return e;
}

Entry::Writable Entry::writable(Entry* entry, std::size_t size) {
  DecimalBuffer buffer;
  const std::string_view old = entry->text(buffer);
  const std::size_t kept = std::min(old.size(), size);
  if (entry->form() == kFormHeap && entry->heap()->capacity >= size) {
    HeapString* s = entry->heap();
    if (size > s->size) std::memset(s->data() + s->size, 0, size - s->size);
    s->size = size;
    entry->meta_ |= kRawForm;
    return {entry, s->data()};
  }
  if (entry->form() == kFormInline && size <= kInlineMax && entry->reshape(kFormInline, size)) {
    char* data = entry->bytes() + entry->value_offset();
    std::memset(data + kept, 0, size - kept);
    entry->meta_ |= kRawForm;
    return {entry, data};
  }
  Entry* fresh = nullptr;
  char* data = nullptr;
  if (size <= kInlineMax) {
    fresh = allocate({entry->key(), kFormInline, size, entry->expiry()});
    data = fresh->bytes() + fresh->value_offset();
  } else {
    fresh = allocate({entry->key(), kFormHeap, 8, entry->expiry()});
    // Doubling up to a megabyte of spare room, so that a series of appends copies each byte a constant number of times;
    // a value that begins with this is as long as it is, as in Redis.
    const std::size_t spare = old.empty() ? 0 : std::min<std::size_t>(size, 1 << 20);
    HeapString* s = HeapString::make({}, size + spare);
    s->size = size;
    std::memcpy(fresh->bytes() + fresh->value_offset(), &s, sizeof s);
    data = s->data();
  }
  std::memcpy(data, old.data(), kept);
  std::memset(data + kept, 0, size - kept);
  fresh->meta_ |= kRawForm;
  fresh->set_clock(entry->clock());
  destroy(entry);
  return {fresh, data};
}

}  // namespace ashlar::keyspace
