/// HyperLogLog: estimates how many different elements were added, in at most 12 KiB. Bytes as Redis keeps them in a
/// string, so that values go both ways.
///
///     | "HYLL" | encoding (1) | 3 unused | cached estimate (8, LE; top bit set = out of date) | registers |
///
///     dense (0):   16384 registers of 6 bits, lowest bits first
///     sparse (1):  00nnnnnn           n + 1 registers are 0
///                  01nnnnnn nnnnnnnn  n + 1 registers are 0
///                  1vvvvvnn           n + 1 registers are v + 1
///
/// Functions on bytes that live elsewhere: a value is recognised once, then only well-formed ones are passed on.
/// Thread: any. Cost: adding is O(1) when dense and O(bytes) when sparse; estimating is O(registers) or O(bytes).
/// Source: the HyperLogLog strings of Redis 7; the estimator is that of O. Ertl, arXiv:1702.01284.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ashlar::ds::hll {

inline constexpr std::size_t kRegisters = 16384;
inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kDenseBytes = kHeaderBytes + kRegisters * 6 / 8;

enum class Encoding : std::uint8_t { kDense = 0, kSparse = 1 };

/// One byte for each register.
using Registers = std::array<std::uint8_t, kRegisters>;

/// What an element does: it raises register `index` to at least `rank` (1..51).
struct Mark {
  std::uint32_t index;
  std::uint8_t rank;
};
[[nodiscard]] Mark mark_of(std::string_view element) noexcept;

/// A value without elements, sparse.
[[nodiscard]] std::string make_empty();

/// The encoding of a value with a right header (and, when dense, the right length); nullopt for any other bytes.
[[nodiscard]] std::optional<Encoding> recognise(std::string_view bytes) noexcept;
/// Whether a recognised value tells all registers and nothing else.
[[nodiscard]] bool is_well_formed(std::string_view bytes) noexcept;

/// The estimate kept in the header; nullopt when it is out of date. Recognised values only.
[[nodiscard]] std::optional<std::uint64_t> cached_estimate(std::string_view bytes) noexcept;
/// Keeps an estimate in the header, or says that there is none. `header` is at least kHeaderBytes long.
void cache_estimate(std::span<char> header, std::optional<std::uint64_t> estimate) noexcept;

// From here on values are well-formed.

/// Raises `registers` to those of the value.
void merge_into(Registers& registers, std::string_view bytes) noexcept;
[[nodiscard]] std::uint64_t estimate(std::string_view bytes) noexcept;
[[nodiscard]] std::uint64_t estimate(const Registers& registers) noexcept;

/// Register of a dense value.
[[nodiscard]] std::uint8_t dense_get(std::string_view bytes, std::size_t index) noexcept;
/// Raises a register of a dense value; false when it is that high already.
bool dense_raise(std::span<char> bytes, Mark mark) noexcept;
/// Sets all registers of a dense value.
void dense_set_all(std::span<char> bytes, const Registers& registers) noexcept;

/// Raises a register of a value of either encoding; false when it is that high already. A sparse value becomes dense
/// when it would get longer than `sparse_bytes_max` or cannot hold the rank. The cached estimate goes out of date.
bool raise(std::string& bytes, Mark mark, std::size_t sparse_bytes_max);
/// Makes a sparse value dense; the header stays.
void make_dense(std::string& bytes);

/// The runs of a sparse value in words: "Z:n" and "z:n" for zeros, "v:rank,n" for others.
[[nodiscard]] std::string describe_sparse(std::string_view bytes);

}  // namespace ashlar::ds::hll
