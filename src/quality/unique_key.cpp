// Duplicate keys. Most files have each instrument's rows in the order of their times: then the last time of each instrument
// tells that a row is new, and memory grows with the instruments. Where a file is not so, all its keys are remembered.
#include <arrow/api.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "quality/key_log.h"
#include "quality/row_checks.h"

namespace tapemill::quality {
namespace {

struct HashOf {
  std::size_t operator()(const KeyHash& h) const { return h.first; }
};
std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 30, x *= 0xbf58476d1ce4e5b9ULL, x ^= x >> 27, x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
void take(KeyHash& key, std::uint64_t value) {
  key = {mix(key.first ^ value), mix(key.second + value * 0x9e3779b97f4a7c15ULL + 1)};
}
void take(KeyHash& key, std::string_view text) {
  take(key, text.size());
  for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(8, text.size()))) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), std::min<std::size_t>(8, text.size()));
    take(key, word);
  }
}
/// The latest time of each name: a map of nodes costs a tenth of an ingest where every row is a name. What is looked at is a
/// table of 8 bytes a place, for it is met at random; names and times stand in the order in which they came.
class Latest {
 public:
  /// The time of a name, and whether it is new here (then `first`). Valid until the next call.
  std::pair<std::int64_t*, bool> find(const KeyHash& name, std::int64_t first) {
    if ((names_.size() + 1) * 2 > places_.size()) grow();
    for (std::size_t at = name.first & (places_.size() - 1);; at = (at + 1) & (places_.size() - 1)) {
      const std::uint64_t place = places_[at];
      if (place == 0) {
        names_.push_back(name), times_.push_back(first);
        places_[at] = place_of(name, names_.size());
        return {&times_.back(), true};
      }
      const std::size_t number = place & kNumber;
      if (place == place_of(name, number) && names_[number - 1] == name) return {&times_[number - 1], false};
    }
  }
  /// A name that will be looked for soon.
  void expect(const KeyHash& name) const {
    if (!places_.empty()) __builtin_prefetch(&places_[name.first & (places_.size() - 1)], 1);
  }
  void clear() { places_ = {}, names_ = {}, times_ = {}; }

 private:
  static constexpr std::uint64_t kNumber = (std::uint64_t{1} << 40) - 1;
  /// Of the name's number, from 1, and bits of it that tell most others apart.
  static std::uint64_t place_of(const KeyHash& name, std::size_t number) {
    return (name.second & ~kNumber) | static_cast<std::uint64_t>(number);
  }
  void grow() {
    places_.assign(std::max<std::size_t>(64, places_.size() * (places_.size() < 65536 ? 4 : 2)), 0);
    for (std::size_t number = 1; number <= names_.size(); ++number) {
      std::size_t at = names_[number - 1].first & (places_.size() - 1);
      while (places_[at] != 0) at = (at + 1) & (places_.size() - 1);
      places_[at] = place_of(names_[number - 1], number);
    }
  }
  std::vector<std::uint64_t> places_;  // a power of two, or none
  std::vector<KeyHash> names_;
  std::vector<std::int64_t> times_;
};

constexpr KeyHash kStart{0x9e3779b97f4a7c15ULL, 0xc2b2ae3d27d4eb4fULL};
constexpr std::uint64_t kNull = 0x6e756c6c6e756c6cULL;

/// A column that is no text, as integers that are equal where its values are, and in order unless it is double.
std::vector<std::int64_t> integers(const arrow::Array& column) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(column.length()));
  for (std::int64_t i = 0; i < column.length(); ++i) {
    std::int64_t& value = out[static_cast<std::size_t>(i)];
    switch (column.type_id()) {
      case arrow::Type::DATE32:
      case arrow::Type::INT32: value = column.data()->GetValues<std::int32_t>(1)[i]; break;
      case arrow::Type::BOOL: value = static_cast<const arrow::BooleanArray&>(column).Value(i); break;
      case arrow::Type::DOUBLE: {
        const double number = column.data()->GetValues<double>(1)[i] + 0.0;  // -0 is 0
        std::memcpy(&value, &number, sizeof value);
        break;
      }
      default: value = column.data()->GetValues<std::int64_t>(1)[i]; break;
    }
  }
  return out;
}

/// The first row of a key stays, later ones are objected to. Keys are told apart by 128 bits of hash.
class UniqueKey final : public Judge {
 public:
  UniqueKey(CheckSpec spec, const Dataset& dataset) : Judge(std::move(spec), "unique_key") {
    std::size_t others = 0;
    for (const auto& name : dataset.key) {
      const Kind kind = dataset.column(name)->kind;
      columns_.push_back({name, kind == Kind::string});
      shown_ += (shown_.empty() ? "" : ", ") + name;
      if (kind != Kind::string) ++others, by_time_ &= kind != Kind::float64;
    }
    by_time_ &= others == 1;
  }

  Status judge(const SourceBatch& batch, Verdicts& out, Report& report) override {
    const std::size_t n = batch.lines.size();
    names_.assign(n, kStart);
    order_.assign(n, 0);
    keys_.resize(n);
    for (const auto& [name, is_text] : columns_) {
      const arrow::Array& column = *batch.rows->GetColumnByName(name);
      if (column.null_count() > 0) ARROW_RETURN_NOT_OK(remember_all());
      if (is_text) name_rows(static_cast<const arrow::StringArray&>(column));
    }
    keys_ = names_;
    for (const auto& [name, is_text] : columns_) {
      if (is_text) continue;
      const arrow::Array& column = *batch.rows->GetColumnByName(name);
      order_ = integers(column);
      const bool nulls = column.null_count() > 0;
      for (std::size_t i = 0; i < n; ++i)
        take(keys_[i],
             nulls && column.IsNull(static_cast<std::int64_t>(i)) ? kNull : static_cast<std::uint64_t>(order_[i]));
    }
    Status status;
    each(batch, out, [&](std::size_t i) {
      if (status.ok() && !fresh(i, status))
        object(batch, i, out, report, fmt::format("a row with this {} came before", shown_));
    });
    return status;
  }

 private:
  struct KeyColumn {
    std::string name;
    bool is_text;
  };

  void name_rows(const arrow::StringArray& column) {
    KeyHash from = kStart, to = kStart;
    std::string_view text;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const std::string_view own = column.IsValid(row) ? column.GetView(row) : std::string_view{};
      if (i == 0 || own != text || names_[i] != from) {
        text = own, from = to = names_[i];
        if (column.IsValid(row)) take(to, own);
        else take(to, kNull);
      }
      names_[i] = to;
    }
  }

  /// False: the key was there before. Rows that were refused before are not asked about.
  bool fresh(std::size_t i, Status& status) {
    if (by_time_) {
      if (at_ == nullptr || names_[i] != name_) {
        if (i + 8 < names_.size()) last_.expect(names_[i + 8]);
        const auto [found, made] = last_.find(names_[i], order_[i]);
        name_ = names_[i], at_ = found;
        if (made) return status = log_.add(keys_[i]), true;
      }
      if (order_[i] == *at_) return false;
      if (order_[i] > *at_) return *at_ = order_[i], status = log_.add(keys_[i]), true;
      status = remember_all();
      if (!status.ok()) return true;
    }
    return seen_.insert(keys_[i]).second;
  }

  Status remember_all() {
    if (!by_time_) return Status::OK();
    by_time_ = false;
    last_.clear();
    at_ = nullptr;
    return log_.take([this](const KeyHash& key) { seen_.insert(key); });
  }

  std::vector<KeyColumn> columns_;
  std::string shown_;
  bool by_time_ = true;  // one column of the key is an order in time, and every name's rows have come in it so far
  std::vector<KeyHash> names_, keys_;  // of the batch: the texts of the key, the whole key
  std::vector<std::int64_t> order_;
  Latest last_;
  KeyHash name_;
  std::int64_t* at_ = nullptr;  // in last_, of name_
  KeyLog log_;
  std::unordered_set<KeyHash, HashOf> seen_;
};

}  // namespace

std::unique_ptr<Check> make_unique_key(const CheckSpec& spec, const Dataset& dataset) {
  return std::make_unique<UniqueKey>(spec, dataset);
}

}  // namespace tapemill::quality
