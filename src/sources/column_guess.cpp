#include "sources/column_guess.h"

#include <algorithm>

#include "sources/column_names.h"
#include "sources/numbers.h"

namespace tapemill::sources {
namespace {

constexpr std::int64_t kFew = 50;  // beyond so many misfits nothing is looked at again
const char* const kDates[] = {"%Y-%m-%d", "%d-%b-%Y", "%d-%m-%Y", "%d/%m/%Y",
                              "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d"};

/// As it may stand in a comment: nothing that would end it, and not the whole of a long text.
std::string shown(const std::string& text) {
  std::string out = text.substr(0, 30);
  std::replace_if(out.begin(), out.end(), [](char c) { return c >= 0 && c < 0x20; }, ' ');
  return out;
}

/// 139,20 or 1.200.345,5 or 1.200.345: digits with points between threes, and a comma before the decimals.
bool has_decimal_comma(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t comma = text.find(',');
  const std::string_view whole = text.substr(0, comma);
  if (comma != std::string_view::npos) {
    const std::string_view decimals = text.substr(comma + 1);
    if (decimals.empty() || decimals.find_first_not_of("0123456789") != std::string_view::npos) return false;
  } else if (std::count(whole.begin(), whole.end(), '.') < 2) {
    return false;
  }
  std::size_t since = 0;
  bool grouped = false;
  for (char c : whole) {
    if (c == '.') {
      if (since == 0 || since > 3 || (grouped && since != 3)) return false;
      grouped = true, since = 0;
    } else if (c < '0' || c > '9') {
      return false;
    } else {
      ++since;
    }
  }
  return since > 0 && (!grouped || since == 3);
}

}  // namespace

bool is_number(const std::string& text) {
  double ignored;
  return read_double(text, ignored) == nullptr;
}

void ColumnGuess::Fit::miss(std::int64_t at, const std::string& what) {
  if (misses++ == 0) line = at, text = what;
}

ColumnGuess::ColumnGuess(std::string name)
    : name_(std::move(name)), days_(nullptr), least_(INT64_MAX), most_(INT64_MIN), dates_(std::size(kDates)) {}

void ColumnGuess::see(const std::string& text, std::int64_t line) {
  if (text.empty()) {
    ++nulls_;
    return;
  }
  ++seen_;
  if (first_.empty()) first_ = text;
  auto look = [&](Fit& fit, auto&& fits) {
    if (fit.misses <= kFew && !fits()) fit.miss(line, text);
  };
  std::int64_t whole = 0;
  const std::size_t sign = text[0] == '-';
  padded_ = padded_ || (text.size() > sign + 1 && text[sign] == '0' && text[sign + 1] >= '0' && text[sign + 1] <= '9');
  look(integer_, [&] {
    if (text.find('.') != std::string::npos || read_integer(text, whole) != nullptr) return false;
    least_ = std::min(least_, whole), most_ = std::max(most_, whole);
    return true;
  });
  look(number_, [&] { return is_number(text); });
  look(boolean_, [&] {
    return text == "true" || text == "false" || text == "True" || text == "False" || text == "TRUE" || text == "FALSE";
  });
  for (std::size_t i = 0; i < dates_.size(); ++i)
    look(dates_[i], [&] {
      auto date = Date::parse(text, kDates[i]);
      return date.ok() && Days::plausible(*date) && (i + 1 < dates_.size() || text.size() == 8);
    });
  look(time_, [&] {
    auto instant = Instant::parse(text);
    return text.size() > 10 && instant.ok() && Days::plausible(*instant);
  });
  if (has_decimal_comma(text) && commas_++ == 0) comma_ = text;
}

bool ColumnGuess::mostly(const Fit& fit) const {
  if (fit.misses == 0) return true;
  const bool few = fit.misses <= std::clamp<std::int64_t>(seen_ / 100, 3, kFew) && fit.misses * 5 <= seen_;
  return few && !names_an_instrument(name_);
}

std::string ColumnGuess::but(const Fit& fit) const {
  if (fit.misses == 0) return {};
  const std::string more = fit.misses > 1 ? fmt::format(" and {} more do not fit", fit.misses - 1) : "";
  return fmt::format("; line {} has \"{}\"{}", fit.line, shown(fit.text), more);
}

InferredColumn ColumnGuess::made() const {
  InferredColumn out;
  auto say = [&](Kind kind, const Fit& fit, const std::string& what, std::string format = "") {
    out.column.kind = kind, out.format = std::move(format);
    out.evidence = fmt::format("{} of {} are {}{}{}", seen_ - fit.misses, seen_ + nulls_, what,
                               nulls_ > 0 ? fmt::format(", {} are empty", nulls_) : "", but(fit));
    return out;
  };
  if (seen_ == 0) return say(Kind::string, {}, "filled");
  for (const bool exact : {true, false}) {
    auto fits = [&](const Fit& fit) { return exact ? fit.misses == 0 : mostly(fit); };
    const auto least = [](const Fit& a, const Fit& b) { return a.misses < b.misses; };
    const auto date = std::min_element(dates_.begin(), dates_.end(), least);
    const auto at = static_cast<std::size_t>(date - dates_.begin());
    const bool whole = !padded_ && fits(integer_) && integer_.misses <= number_.misses;
    if (fits(*date) && !(whole && at + 1 == dates_.size() && least_ < 19'000'101)) {
      std::string what = fmt::format("dates {}, such as {}", kDates[at], shown(first_));
      for (std::size_t i = at + 1; i < dates_.size(); ++i)
        if (dates_[i].misses == date->misses) {
          what += fmt::format("; {} would fit too", kDates[i]);
          break;
        }
      return say(Kind::date, *date, what, kDates[at]);
    }
    if (whole && epoch() != nullptr)
      return say(Kind::timestamp, integer_,
                 fmt::format("whole numbers {} .. {}, which are times as {}", least_, most_, epoch()), epoch());
    if (whole) return say(Kind::int64, integer_, fmt::format("whole numbers, {} .. {}", least_, most_));
    if (!padded_ && fits(number_))
      return say(Kind::float64, number_, fmt::format("numbers, such as {}", shown(first_)));
    if (exact && fits(boolean_)) return say(Kind::boolean, boolean_, "true or false");
    if (fits(time_)) return say(Kind::timestamp, time_, fmt::format("times, such as {}", shown(first_)));
  }
  return text_column();
}

InferredColumn ColumnGuess::text_column() const {
  InferredColumn out;
  out.column.kind = Kind::string;
  const std::string empty = nulls_ > 0 ? fmt::format(", {} are empty", nulls_) : "";
  const bool comma = commas_ > 0 && commas_ * 2 >= seen_;
  const std::string example = !padded_ && number_.misses > 0 ? number_.text : first_;
  out.evidence = fmt::format("{} of {} are texts, such as \"{}\"{}",
                             padded_                 ? seen_
                             : number_.misses > kFew ? seen_
                                                     : number_.misses,
                             seen_ + nulls_, shown(example), empty);
  if (comma)
    out.evidence +=
        fmt::format("; {} looks like a decimal comma, which is not read: write it with a point", shown(comma_));
  return out;
}

/// Only where the name says time: 1.7e9 is a volume as well.
const char* ColumnGuess::epoch() const {
  const bool named = name_.find("time") != std::string::npos || name_.find("window") != std::string::npos ||
                     name_ == "ts" || name_.ends_with("_ts") || name_ == "t";
  if (!named) return nullptr;
  auto within = [&](double unit) {  // 1990 .. 2100
    return static_cast<double>(least_) > 631e6 * unit && static_cast<double>(most_) < 4102e6 * unit;
  };
  return within(1)     ? "epoch_s"
         : within(1e3) ? "epoch_ms"
         : within(1e6) ? "epoch_us"
         : within(1e9) ? "epoch_ns"
                       : nullptr;
}

}  // namespace tapemill::sources
