#include "server/unacknowledged_replies.h"

#include <string>

namespace ashlar::server {

void UnacknowledgedReplies::acknowledge(std::int64_t offset) {
  while (!replies_.empty() && replies_.front().offset <= offset) replies_.pop_front();
}

std::size_t UnacknowledgedReplies::refuse(MonoTime now, std::string_view error, ByteBuffer& out, std::uint64_t sent) {
  if (replies_.empty() || replies_.front().deadline > now) return 0;
  const std::string old(out.view());
  const auto part = [&](std::uint64_t begin, std::uint64_t end) {
    return std::string_view(old).substr(begin - sent, end - begin);
  };
  std::uint64_t copied = replies_.front().begin;
  out.truncate(copied - sent);
  std::size_t refused = 0;
  for (; !replies_.empty() && replies_.front().deadline <= now; replies_.pop_front(), ++refused) {
    const Reply& reply = replies_.front();
    out.append(part(copied, reply.begin));
    out.append(error);
    copied = reply.end;
  }
  out.append(part(copied, sent + old.size()));
  shift(copied, static_cast<std::int64_t>(out.size()) - static_cast<std::int64_t>(old.size()));
  return refused;
}

void UnacknowledgedReplies::shift(std::uint64_t place, std::int64_t by) {
  for (Reply& reply : replies_) {
    if (reply.begin >= place) reply.begin += static_cast<std::uint64_t>(by);
    if (reply.end > place) reply.end += static_cast<std::uint64_t>(by);
  }
}

}  // namespace ashlar::server
