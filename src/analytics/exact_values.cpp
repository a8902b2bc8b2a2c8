#include "analytics/exact_values.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>

namespace tapemill::analytics {
namespace {

constexpr std::size_t kHeld = 1 << 20, kChunk = 1 << 13;

/// Doubles in their order as whole numbers in theirs, and back.
std::uint64_t ordered(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);  // -0 is 0
  return bits >> 63 != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}
double number(std::uint64_t key) {
  return std::bit_cast<double>(key >> 63 != 0 ? key & ~(std::uint64_t{1} << 63) : ~key);
}

}  // namespace

Status ExactValues::add(double value) {
  held_.push_back(value);
  ++count_;
  if (held_.size() < kHeld) return Status::OK();
  if (!file_) { ARROW_ASSIGN_OR_RAISE(file_, lake::PendingFile::create(folder_)); }
  ARROW_RETURN_NOT_OK(file_->write({reinterpret_cast<const char*>(held_.data()), held_.size() * sizeof(double)}));
  spilled_ += static_cast<std::int64_t>(held_.size());
  held_.clear();
  return Status::OK();
}

template <class Each>
Status ExactValues::each(const Each& body) {
  std::array<double, kChunk> chunk;
  for (std::int64_t at = 0; at < spilled_;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(kChunk, spilled_ - at)) * sizeof(double);
    const ssize_t got = ::pread(file_->fd(), chunk.data(), wanted, static_cast<off_t>(at) * 8);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(wanted)) return errno_error("reading what was put aside", got < 0 ? errno : EIO);
    for (std::size_t i = 0; i < wanted / sizeof(double); ++i) body(chunk[i]);
    at += static_cast<std::int64_t>(wanted / sizeof(double));
  }
  for (double value : held_) body(value);
  return Status::OK();
}

/// Sixteen bits of the key at a time: of each rank, how many numbers share the bits so far and have which next.
Result<std::vector<double>> ExactValues::of_rank(const std::vector<std::int64_t>& ranks, std::optional<double> around) {
  struct Target {
    std::uint64_t prefix = 0;
    std::int64_t rank;
  };
  std::vector<Target> targets;
  for (std::int64_t rank : ranks) targets.push_back({0, rank});
  for (int level = 0; level < 4; ++level) {
    const int below = 48 - 16 * level;
    std::vector<std::pair<std::uint64_t, std::vector<std::int64_t>>> counts;
    for (const Target& one : targets)
      if (std::none_of(counts.begin(), counts.end(), [&](const auto& c) { return c.first == one.prefix; }))
        counts.emplace_back(one.prefix, std::vector<std::int64_t>(1 << 16));
    ARROW_RETURN_NOT_OK(each([&](double value) {
      const std::uint64_t key = ordered(around ? std::fabs(value - *around) : value);
      const std::uint64_t prefix = level == 0 ? 0 : key >> (below + 16);
      for (auto& [shared, next] : counts)
        if (shared == prefix) ++next[(key >> below) & 0xffff];
    }));
    for (Target& one : targets) {
      const auto& next =
          std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == one.prefix; })->second;
      std::uint64_t bits = 0;
      while (one.rank >= next[bits]) one.rank -= next[bits++];
      one.prefix = one.prefix << 16 | bits;
    }
  }
  std::vector<double> out;
  for (const Target& one : targets) out.push_back(number(one.prefix));
  return out;
}

Result<std::vector<double>> ExactValues::quantiles(const std::vector<double>& shares, std::optional<double> around) {
  std::vector<std::int64_t> ranks;
  for (double share : shares) {
    const double at = share * static_cast<double>(count_ - 1);
    ranks.push_back(static_cast<std::int64_t>(at));
    ranks.push_back(std::min(ranks.back() + 1, count_ - 1));
  }
  ARROW_ASSIGN_OR_RAISE(auto found, of_rank(ranks, around));
  std::vector<double> out;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double at = shares[i] * static_cast<double>(count_ - 1), part = at - std::floor(at);
    out.push_back(found[2 * i] + (found[2 * i + 1] - found[2 * i]) * part);
  }
  return out;
}

}  // namespace tapemill::analytics
