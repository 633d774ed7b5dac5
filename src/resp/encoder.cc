#include "resp/encoder.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/double_text.h"

namespace ashlar::resp {

void Encoder::error(const Error& error) { line('-', error.resp_text()); }

void Encoder::line(char type, std::string_view text) {
  char* const start = room(text.size() + 3);
  char* to = start;
  *to++ = type;
  for (const char c : text) *to++ = c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  *to++ = '\r';
  *to++ = '\n';
  out_->commit(static_cast<std::size_t>(to - start));
}

char* Encoder::more_room(std::size_t n) {
  if (!cut() && target_->size() > ceiling_) {
    dropped_ = std::make_unique<ByteBuffer>();
    out_ = dropped_.get();
  }
  if (cut()) dropped_->clear();
  return out_->reserve_back(n);
}

void Encoder::bulk_long(std::string_view bytes) {
  if (cut()) return;
  char* const start = room(bytes.size() + kHeaderRoom + 2);
  char* to = put_number(start, '$', bytes.size());
  std::memcpy(to, bytes.data(), bytes.size());
  to += bytes.size();
  *to++ = '\r';
  *to++ = '\n';
  out_->commit(static_cast<std::size_t>(to - start));
}

void Encoder::bulk_i64(std::int64_t value) {
  DecimalBuffer digits;
  bulk(format_i64(value, digits));
}

void Encoder::boolean(bool value) {
  if (version_ == Version::kResp3) {
    raw_short(value ? "#t\r\n" : "#f\r\n");
  } else {
    raw_short(value ? ":1\r\n" : ":0\r\n");
  }
}

void Encoder::number(double value) {
  DoubleBuffer buffer;
  const std::string_view text = format_double(value, buffer);
  if (version_ == Version::kResp3) {
    line(',', text);
  } else {
    bulk(text);
  }
}

void Encoder::big_number(std::string_view digits) {
  if (version_ == Version::kResp3) {
    line('(', digits);
  } else {
    bulk(digits);
  }
}

void Encoder::verbatim(std::string_view format, std::string_view text) {
  ASH_CHECK(format.size() == 3);
  if (version_ == Version::kResp2) return bulk(text);
  char* const start = room(text.size() + kHeaderRoom + 6);
  char* to = put_number(start, '=', text.size() + 4);
  std::memcpy(to, format.data(), 3);
  to += 3;
  *to++ = ':';
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  to += text.size();
  *to++ = '\r';
  *to++ = '\n';
  out_->commit(static_cast<std::size_t>(to - start));
}

Deferred Encoder::begin(char type, bool pairs_doubled) {
  std::memset(room(kHeaderRoom), ' ', kHeaderRoom);
  const Deferred deferred{out_->size(), type, pairs_doubled};
  out_->commit(kHeaderRoom);
  return deferred;
}

void Encoder::end(Deferred deferred, std::size_t n) {
  if (cut()) return;
  ASH_CHECK(deferred.offset + kHeaderRoom <= out_->size());
  std::array<char, kHeaderRoom> text;
  const std::size_t count = deferred.pairs_doubled ? 2 * n : n;
  const auto length = static_cast<std::size_t>(put_number(text.data(), deferred.type, count) - text.data());
  out_->erase(deferred.offset, kHeaderRoom - length);
  std::memcpy(out_->mutable_data() + deferred.offset, text.data(), length);
}

}  // namespace ashlar::resp
