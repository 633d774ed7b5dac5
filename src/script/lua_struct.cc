#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "script/lua_libraries.h"

namespace ashlar::script {
namespace {

constexpr std::size_t kMaxAlignment = 16;
constexpr std::size_t kMaxIntegerBytes = 32;

struct Layout {
  std::endian order = std::endian::little;
  std::size_t alignment = 1;
};

/// One directive of a format with what it says of size and alignment.
class Format {
 public:
  Format(lua_State* lua, const char* text) : lua_(lua), at_(text) {}

  [[nodiscard]] bool more() const noexcept { return *at_ != '\0'; }
  [[nodiscard]] char next() noexcept { return *at_++; }
  [[nodiscard]] const Layout& layout() const noexcept { return layout_; }

  /// Bytes of a value of this kind; 0 for those whose size the value tells. Raises for unknown ones.
  [[nodiscard]] std::size_t size_of(char option) {
    switch (option) {
      case 'b':
      case 'B':
      case 'x': return 1;
      case 'h':
      case 'H': return sizeof(short);
      case 'l':
      case 'L': return sizeof(long);
      case 'T': return sizeof(std::size_t);
      case 'f': return sizeof(float);
      case 'd': return sizeof(double);
      case 'c': return digits(1);
      case 'i':
      case 'I': {
        const std::size_t n = digits(sizeof(int));
        if (n > kMaxIntegerBytes || n == 0) {
          luaL_error(lua_, "integral size %d is larger than limit of %d", static_cast<int>(n),
                     static_cast<int>(kMaxIntegerBytes));
        }
        return n;
      }
      default: return 0;
    }
  }
  /// Takes a directive that moves nothing.
  void control(char option) {
    switch (option) {
      case ' ': return;
      case '>': layout_.order = std::endian::big; return;
      case '<': layout_.order = std::endian::little; return;
      case '!': {
        const std::size_t n = digits(8);
        if (n == 0 || (n & (n - 1)) != 0) luaL_error(lua_, "alignment is not a power of 2");
        layout_.alignment = std::min(n, kMaxAlignment);
        return;
      }
      default: luaL_error(lua_, "invalid format option '%c'", option);
    }
  }
  /// Bytes to skip so that a value of `size` stands where it should.
  [[nodiscard]] std::size_t padding(char option, std::size_t size, std::size_t position) const noexcept {
    if (size == 0 || option == 'c' || option == 'x') return 0;
    const std::size_t align = std::min(size, layout_.alignment);
    if (align <= 1 || (align & (align - 1)) != 0) return 0;
    return (align - (position & (align - 1))) & (align - 1);
  }

 private:
  [[nodiscard]] std::size_t digits(std::size_t otherwise) {
    if (*at_ < '0' || *at_ > '9') return otherwise;
    std::size_t n = 0;
    while (*at_ >= '0' && *at_ <= '9') {
      const auto digit = static_cast<std::size_t>(*at_++ - '0');
      if (n > (INT32_MAX - digit) / 10) luaL_error(lua_, "integral size overflow");
      n = n * 10 + digit;
    }
    return n;
  }
  lua_State* lua_;
  const char* at_;
  Layout layout_;
};

void add_integer(luaL_Buffer* out, std::uint64_t value, std::size_t size, std::endian order, bool negative) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t byte = order == std::endian::little ? i : size - 1 - i;
    const char fill = negative ? '\xFF' : '\0';
    luaL_addchar(out, byte < 8 ? static_cast<char>(value >> (8 * byte)) : fill);
  }
}

std::uint64_t as_bits(lua_Number n) noexcept {
  if (n < 0) return n >= -9223372036854775808.0 ? static_cast<std::uint64_t>(static_cast<std::int64_t>(n)) : 1ULL << 63;
  return n < 18446744073709551616.0 ? static_cast<std::uint64_t>(n) : ~0ULL;
}

template <typename Float>
void add_float(luaL_Buffer* out, Float value, std::endian order) {
  char bytes[sizeof(Float)];
  std::memcpy(bytes, &value, sizeof value);
  if (order == std::endian::big) std::reverse(bytes, bytes + sizeof bytes);
  luaL_addlstring(out, bytes, sizeof bytes);
}

int struct_pack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  luaL_Buffer out;
  int argument = 2;
  std::size_t total = 0;
  lua_pushnil(lua);  // a mark between the arguments and the buffer's pieces
  luaL_buffinit(lua, &out);
  while (format.more()) {
    const char option = format.next();
    std::size_t size = format.size_of(option);
    for (std::size_t pad = format.padding(option, size, total); pad > 0; --pad, ++total) luaL_addchar(&out, '\0');
    switch (option) {
      case 'b':
      case 'B':
      case 'h':
      case 'H':
      case 'l':
      case 'L':
      case 'T':
      case 'i':
      case 'I': {
        const lua_Number n = luaL_checknumber(lua, argument++);
        add_integer(&out, as_bits(n), size, format.layout().order, n < 0);
        break;
      }
      case 'x': luaL_addchar(&out, '\0'); break;
      case 'f': add_float(&out, static_cast<float>(luaL_checknumber(lua, argument++)), format.layout().order); break;
      case 'd': add_float(&out, luaL_checknumber(lua, argument++), format.layout().order); break;
      case 'c':
      case 's': {
        std::size_t n = 0;
        const char* text = luaL_checklstring(lua, argument++, &n);
        if (size == 0) size = n;
        luaL_argcheck(lua, n >= size, argument - 1, "string too short");
        luaL_addlstring(&out, text, size);
        if (option == 's') {
          luaL_addchar(&out, '\0');
          ++size;
        }
        break;
      }
      default: format.control(option);
    }
    total += size;
  }
  luaL_pushresult(&out);
  return 1;
}

lua_Number read_integer(const char* data, std::size_t size, std::endian order, bool is_signed) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 8); ++i) {
    const std::size_t at = order == std::endian::little ? i : size - 1 - i;
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(data[at])) << (8 * i);
  }
  if (!is_signed) return static_cast<lua_Number>(value);
  if (size < 8) {
    const std::uint64_t sign = 1ULL << (8 * size - 1);
    value = (value ^ sign) - sign;
  }
  return static_cast<lua_Number>(static_cast<std::int64_t>(value));
}

template <typename Float>
lua_Number read_float(const char* data, std::endian order) noexcept {
  char bytes[sizeof(Float)];
  std::memcpy(bytes, data, sizeof bytes);
  if (order == std::endian::big) std::reverse(bytes, bytes + sizeof bytes);
  Float value;
  std::memcpy(&value, bytes, sizeof value);
  return static_cast<lua_Number>(value);
}

int struct_unpack(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  std::size_t length = 0;
  const char* data = luaL_checklstring(lua, 2, &length);
  const lua_Number start = luaL_optnumber(lua, 3, 1);
  luaL_argcheck(lua, start >= 1, 3, "offset must be 1 or greater");
  std::size_t at = start - 1 > static_cast<lua_Number>(length) ? length : static_cast<std::size_t>(start) - 1;
  int results = 0;
  while (format.more()) {
    const char option = format.next();
    std::size_t size = format.size_of(option);
    const std::size_t pad = format.padding(option, size, at);
    luaL_argcheck(lua, pad <= length - at && size <= length - at - pad, 2, "data string too short");
    at += pad;
    luaL_checkstack(lua, 2, "too many results");
    switch (option) {
      case 'b':
      case 'h':
      case 'l':
      case 'i': lua_pushnumber(lua, read_integer(data + at, size, format.layout().order, true)), ++results; break;
      case 'B':
      case 'H':
      case 'L':
      case 'T':
      case 'I': lua_pushnumber(lua, read_integer(data + at, size, format.layout().order, false)), ++results; break;
      case 'x': break;
      case 'f': lua_pushnumber(lua, read_float<float>(data + at, format.layout().order)), ++results; break;
      case 'd': lua_pushnumber(lua, read_float<double>(data + at, format.layout().order)), ++results; break;
      case 'c': {
        if (size == 0) {  // "c0": as long as the number before says
          if (results == 0 || lua_isnumber(lua, -1) == 0) luaL_error(lua, "format 'c0' needs a previous size");
          const lua_Number n = lua_tonumber(lua, -1);
          luaL_argcheck(lua, n >= 0 && n <= static_cast<lua_Number>(length - at), 2, "data string too short");
          size = static_cast<std::size_t>(n);
          lua_pop(lua, 1);
          --results;
        }
        lua_pushlstring(lua, data + at, size), ++results;
        break;
      }
      case 's': {
        const void* end = std::memchr(data + at, '\0', length - at);
        if (end == nullptr) luaL_error(lua, "unfinished string in data");
        size = static_cast<std::size_t>(static_cast<const char*>(end) - (data + at)) + 1;
        lua_pushlstring(lua, data + at, size - 1), ++results;
        break;
      }
      default: format.control(option);
    }
    at += size;
  }
  lua_pushnumber(lua, static_cast<lua_Number>(at + 1));
  return results + 1;
}

int struct_size(lua_State* lua) {
  Format format(lua, luaL_checkstring(lua, 1));
  std::size_t total = 0;
  while (format.more()) {
    const char option = format.next();
    const std::size_t size = format.size_of(option);
    if (option == 's') luaL_argerror(lua, 1, "variable-size format in sizeof");
    if (option == 'c' && size == 0) luaL_argerror(lua, 1, "variable-length format in sizeof");
    if (size == 0 && option != 'c') format.control(option);
    total += format.padding(option, size, total) + size;
  }
  lua_pushnumber(lua, static_cast<lua_Number>(total));
  return 1;
}

}  // namespace

void push_struct_library(lua_State* lua) {
  lua_createtable(lua, 0, 3);
  lua_pushcfunction(lua, &struct_pack);
  lua_setfield(lua, -2, "pack");
  lua_pushcfunction(lua, &struct_unpack);
  lua_setfield(lua, -2, "unpack");
  lua_pushcfunction(lua, &struct_size);
  lua_setfield(lua, -2, "size");
}

}  // namespace ashlar::script
