#include "ds/hyperloglog.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/bytes.h"

namespace ashlar::ds::hll {
namespace {

constexpr std::string_view kMagic = "HYLL";
constexpr std::size_t kEncodingAt = 4;
constexpr std::size_t kEstimateAt = 8;
constexpr std::uint64_t kOutOfDate = std::uint64_t{1} << 63;

constexpr unsigned kIndexBits = 14;
constexpr unsigned kRankBits = 64 - kIndexBits;  // a hash has this many bits for its rank
constexpr unsigned kRegisterMax = 63;

/// Longest run and highest rank of each sparse form.
constexpr std::size_t kShortZerosMax = 64;
constexpr std::size_t kValuesMax = 4;
constexpr std::uint8_t kSparseRankMax = 32;

using Histogram = std::array<std::uint32_t, kRegisterMax + 1>;

/// MurmurHash2, 64 bits, variant A: what decides where elements go, for ever.
std::uint64_t murmur64a(std::string_view bytes, std::uint64_t seed) noexcept {
  constexpr std::uint64_t kMultiplier = 0xc6a4a7935bd1e995ULL;
  constexpr unsigned kShift = 47;
  std::uint64_t h = seed ^ (bytes.size() * kMultiplier);
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t k = load_le<std::uint64_t>(bytes.data() + at) * kMultiplier;
    k = (k ^ (k >> kShift)) * kMultiplier;
    h = (h ^ k) * kMultiplier;
  }
  if (at < bytes.size()) {
    std::uint64_t tail = 0;
    for (std::size_t i = bytes.size(); i-- > at;) tail = tail << 8 | static_cast<std::uint8_t>(bytes[i]);
    h = (h ^ tail) * kMultiplier;
  }
  h = (h ^ (h >> kShift)) * kMultiplier;
  return h ^ (h >> kShift);
}

/// A run of registers that are alike, as a sparse value holds it.
struct Run {
  std::size_t length;
  std::uint8_t rank;  // 0: zeros
  std::uint8_t bytes;
};

/// The run at `at`, which is inside `bytes`; one that is cut has no length.
Run run_at(std::string_view bytes, std::size_t at) noexcept {
  const auto first = static_cast<std::uint8_t>(bytes[at]);
  if ((first & 0x80) != 0) {
    return {static_cast<std::size_t>(first & 3) + 1, static_cast<std::uint8_t>((first >> 2 & 31) + 1), 1};
  }
  if ((first & 0x40) == 0) return {static_cast<std::size_t>(first & 63) + 1, 0, 1};
  if (at + 1 >= bytes.size()) return {0, 0, 1};
  return {(static_cast<std::size_t>(first & 63) << 8 | static_cast<std::uint8_t>(bytes[at + 1])) + 1, 0, 2};
}

char value_run(std::uint8_t rank, std::size_t length) noexcept {
  return static_cast<char>(0x80 | (rank - 1U) << 2 | (length - 1));
}

void append_zeros(std::string& out, std::size_t length) {
  if (length == 0) return;
  if (length > kShortZerosMax) {
    out += static_cast<char>(0x40 | (length - 1) >> 8);
    out += static_cast<char>((length - 1) & 255);
  } else {
    out += static_cast<char>(length - 1);
  }
}

void append_values(std::string& out, std::uint8_t rank, std::size_t length) {
  if (length > 0) out += value_run(rank, length);
}

/// visit(first register, run) for each run of a well-formed sparse value.
template <typename Visit>
void for_each_run(std::string_view bytes, Visit&& visit) {
  std::size_t index = 0;
  for (std::size_t at = kHeaderBytes; at < bytes.size();) {
    const Run run = run_at(bytes, at);
    visit(index, run);
    index += run.length;
    at += run.bytes;
  }
}

Encoding encoding_of(std::string_view bytes) noexcept { return static_cast<Encoding>(bytes[kEncodingAt]); }

// The estimator of O. Ertl: sums over registers that are 0 and that are full.
double sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  double before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before != z);
  return z;
}

double tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double y = 1.0;
  double z = 1 - x;
  double before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= std::pow(1 - x, 2) * y;
  } while (before != z);
  return z / 3;
}

std::uint64_t estimate(const Histogram& histogram) {
  constexpr double kAlpha = 0.721347520444481703680;  // 0.5 / ln 2
  const double m = kRegisters;
  double z = m * tau((m - histogram[kRankBits + 1]) / m);
  for (unsigned rank = kRankBits; rank >= 1; --rank) {
    z += histogram[rank];
    z *= 0.5;
  }
  z += m * sigma(histogram[0] / m);
  return static_cast<std::uint64_t>(std::llround(static_cast<long double>(kAlpha * m * m / z)));
}

/// Joins equal neighbours of a few runs from `at` on, as far as one run can hold them.
void join_values(std::string& bytes, std::size_t at) {
  // Source: Redis looks at five steps after a change; the bytes would differ otherwise.
  for (int steps = 5; steps > 0 && at < bytes.size(); --steps) {
    const Run run = run_at(bytes, at);
    if (run.rank == 0) {
      at += run.bytes;
      continue;
    }
    if (at + 1 < bytes.size()) {
      const Run next = run_at(bytes, at + 1);
      if (next.rank == run.rank && run.length + next.length <= kValuesMax) {
        bytes[at + 1] = value_run(run.rank, run.length + next.length);
        bytes.erase(at, 1);
        continue;
      }
    }
    ++at;
  }
}

bool sparse_raise(std::string& bytes, Mark mark, std::size_t bytes_max) {
  std::size_t before = kHeaderBytes;  // the run before, or the first
  std::size_t at = kHeaderBytes;
  std::size_t first = 0;
  Run run = run_at(bytes, at);
  while (mark.index >= first + run.length) {
    before = at;
    first += run.length;
    at += run.bytes;
    run = run_at(bytes, at);
  }
  if (run.rank >= mark.rank) return false;
  std::string with;
  const std::size_t left = mark.index - first;
  const std::size_t right = run.length - left - 1;
  run.rank == 0 ? append_zeros(with, left) : append_values(with, run.rank, left);
  if (mark.rank <= kSparseRankMax) with += value_run(mark.rank, 1);
  run.rank == 0 ? append_zeros(with, right) : append_values(with, run.rank, right);
  const bool grows = with.size() > run.bytes;
  if (mark.rank > kSparseRankMax || (grows && bytes.size() + with.size() - run.bytes > bytes_max)) {
    make_dense(bytes);
    return dense_raise(bytes, mark);
  }
  bytes.replace(at, run.bytes, with);
  join_values(bytes, before);
  cache_estimate(bytes, std::nullopt);
  return true;
}

}  // namespace

Mark mark_of(std::string_view element) noexcept {
  constexpr std::uint64_t kSeed = 0xadc83b19ULL;
  const std::uint64_t hash = murmur64a(element, kSeed);
  const std::uint64_t rest = hash >> kIndexBits | std::uint64_t{1} << kRankBits;
  return {static_cast<std::uint32_t>(hash & (kRegisters - 1)), static_cast<std::uint8_t>(1 + std::countr_zero(rest))};
}

std::string make_empty() {
  std::string bytes(kMagic);
  bytes.resize(kHeaderBytes, '\0');
  bytes[kEncodingAt] = static_cast<char>(Encoding::kSparse);
  append_zeros(bytes, kRegisters);
  return bytes;
}

std::optional<Encoding> recognise(std::string_view bytes) noexcept {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  switch (encoding_of(bytes)) {
    case Encoding::kDense: return bytes.size() == kDenseBytes ? std::optional(Encoding::kDense) : std::nullopt;
    case Encoding::kSparse: return Encoding::kSparse;
  }
  return std::nullopt;
}

bool is_well_formed(std::string_view bytes) noexcept {
  if (encoding_of(bytes) == Encoding::kDense) return true;
  std::size_t index = 0;
  for (std::size_t at = kHeaderBytes; at < bytes.size();) {
    const Run run = run_at(bytes, at);
    if (run.length == 0 || run.length > kRegisters - index) return false;
    index += run.length;
    at += run.bytes;
  }
  return index == kRegisters;
}

std::optional<std::uint64_t> cached_estimate(std::string_view bytes) noexcept {
  const auto stored = load_le<std::uint64_t>(bytes.data() + kEstimateAt);
  return (stored & kOutOfDate) == 0 ? std::optional(stored) : std::nullopt;
}

void cache_estimate(std::span<char> header, std::optional<std::uint64_t> estimate) noexcept {
  char* const at = header.data() + kEstimateAt;
  store_le(at, estimate ? *estimate : load_le<std::uint64_t>(at) | kOutOfDate);
}

std::uint8_t dense_get(std::string_view bytes, std::size_t index) noexcept {
  const std::size_t bit = index * 6;
  const std::size_t at = kHeaderBytes + bit / 8;
  unsigned pair = static_cast<std::uint8_t>(bytes[at]);
  if (at + 1 < bytes.size()) pair |= static_cast<unsigned>(static_cast<std::uint8_t>(bytes[at + 1])) << 8;
  return static_cast<std::uint8_t>(pair >> (bit % 8) & kRegisterMax);
}

bool dense_raise(std::span<char> bytes, Mark mark) noexcept {
  if (dense_get({bytes.data(), bytes.size()}, mark.index) >= mark.rank) return false;
  const std::size_t bit = std::size_t{mark.index} * 6;
  const std::size_t at = kHeaderBytes + bit / 8;
  const unsigned shift = bit % 8;
  const unsigned mask = kRegisterMax << shift;
  const unsigned value = static_cast<unsigned>(mark.rank) << shift;
  bytes[at] = static_cast<char>((static_cast<std::uint8_t>(bytes[at]) & ~mask) | value);
  if (at + 1 < bytes.size()) {
    bytes[at + 1] = static_cast<char>((static_cast<std::uint8_t>(bytes[at + 1]) & ~(mask >> 8)) | value >> 8);
  }
  return true;
}

void dense_set_all(std::span<char> bytes, const Registers& registers) noexcept {
  char* at = bytes.data() + kHeaderBytes;
  for (std::size_t i = 0; i < kRegisters; i += 4, at += 3) {
    const unsigned four = registers[i] | registers[i + 1] << 6 | registers[i + 2] << 12 | registers[i + 3] << 18;
    at[0] = static_cast<char>(four);
    at[1] = static_cast<char>(four >> 8);
    at[2] = static_cast<char>(four >> 16);
  }
}

namespace {

/// visit(index, register) for all registers of a dense value.
template <typename Visit>
void for_each_dense(std::string_view bytes, Visit&& visit) {
  const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data()) + kHeaderBytes;
  for (std::size_t i = 0; i < kRegisters; i += 4, at += 3) {
    const unsigned four = at[0] | static_cast<unsigned>(at[1]) << 8 | static_cast<unsigned>(at[2]) << 16;
    for (unsigned k = 0; k < 4; ++k) visit(i + k, static_cast<std::uint8_t>(four >> (6 * k) & kRegisterMax));
  }
}

}  // namespace

void merge_into(Registers& registers, std::string_view bytes) noexcept {
  if (encoding_of(bytes) == Encoding::kDense) {
    for_each_dense(bytes, [&](std::size_t i, std::uint8_t rank) { registers[i] = std::max(registers[i], rank); });
    return;
  }
  for_each_run(bytes, [&](std::size_t index, const Run& run) {
    if (run.rank == 0) return;
    for (std::size_t i = index; i < index + run.length; ++i) registers[i] = std::max(registers[i], run.rank);
  });
}

std::uint64_t estimate(std::string_view bytes) noexcept {
  Histogram histogram{};
  if (encoding_of(bytes) == Encoding::kDense) {
    for_each_dense(bytes, [&](std::size_t, std::uint8_t rank) { ++histogram[rank]; });
  } else {
    for_each_run(bytes,
                 [&](std::size_t, const Run& run) { histogram[run.rank] += static_cast<std::uint32_t>(run.length); });
  }
  return estimate(histogram);
}

std::uint64_t estimate(const Registers& registers) noexcept {
  Histogram histogram{};
  for (const std::uint8_t rank : registers) ++histogram[rank & kRegisterMax];
  return estimate(histogram);
}

bool raise(std::string& bytes, Mark mark, std::size_t sparse_bytes_max) {
  if (encoding_of(bytes) == Encoding::kSparse) return sparse_raise(bytes, mark, sparse_bytes_max);
  if (!dense_raise(bytes, mark)) return false;
  cache_estimate(bytes, std::nullopt);
  return true;
}

void make_dense(std::string& bytes) {
  if (encoding_of(bytes) == Encoding::kDense) return;
  Registers registers{};
  merge_into(registers, bytes);
  bytes.resize(kHeaderBytes);
  bytes.resize(kDenseBytes, '\0');
  bytes[kEncodingAt] = static_cast<char>(Encoding::kDense);
  dense_set_all(bytes, registers);
}

std::string describe_sparse(std::string_view bytes) {
  std::string text;
  for_each_run(bytes, [&](std::size_t, const Run& run) {
    if (!text.empty()) text += ' ';
    if (run.rank == 0) {
      text += run.bytes == 2 ? "Z:" : "z:";
    } else {
      text += "v:" + std::to_string(run.rank) + ',';
    }
    text += std::to_string(run.length);
  });
  return text;
}

}  // namespace ashlar::ds::hll
