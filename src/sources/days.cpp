#include "sources/days.h"

namespace tapemill::sources {
namespace {

/// YYYY-MM-DD whose day every month has; false: ask the long way. Days from civil: Hinnant, chrono-compatible algorithms.
bool parse_iso(std::string_view text, Date& out) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  int digit[8], n = 0;
  for (std::size_t i : {0, 1, 2, 3, 5, 6, 8, 9}) {
    digit[n] = text[i] - '0';
    if (digit[n] < 0 || digit[n] > 9) return false;
    ++n;
  }
  int year = digit[0] * 1000 + digit[1] * 100 + digit[2] * 10 + digit[3], month = digit[4] * 10 + digit[5],
      day = digit[6] * 10 + digit[7];
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > 28) return false;
  year -= month <= 2;
  const int era = year / 400, of_era = year - era * 400;
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  out.days = era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
  return true;
}

}  // namespace

Days::Days(std::shared_ptr<const Calendar> calendar) : calendar_(std::move(calendar)) {
  if (calendar_ != nullptr) zone_ = calendar_->zone();
  first_ = calendar_ != nullptr ? calendar_->first() : Date::of(1900, 1, 1);
  last_ = calendar_ != nullptr ? calendar_->last() : Date::of(2199, 12, 31);
  from_ = zone_.at(first_, 0);
  to_ = zone_.at(last_ + 1, 0);
}

void Days::turn(Date date) {
  day_ = date;
  start_ = zone_.at(date, 0);
  end_ = zone_.at(date + 1, 0);
  even_ = end_.us - start_.us == kDay;
}

Date Days::local_date(Instant t) {
  if (t < start_ || t >= end_) turn(zone_.local_date(t));
  return day_;
}

Instant Days::at(Date date, std::int64_t us) {
  if (date != day_) turn(date);
  return even_ ? Instant{start_.us + us} : zone_.at(date, us);
}

bool Days::wall_clock(std::string_view text, Instant& out) {
  auto parsed = Instant::parse(text);
  if (!parsed.ok() || !plausible(*parsed)) return false;
  out = *parsed;
  const std::size_t clock = text.find(':');
  if (clock != std::string_view::npos && text.find_first_of("+-", clock) != std::string_view::npos) return true;
  const std::int64_t day = (out.us - ((out.us % kDay) + kDay) % kDay) / kDay;
  out = at(Date{static_cast<std::int32_t>(day)}, out.us - day * kDay);
  return true;
}

Instant Days::close(Date date) {
  if (!known(date)) return at(date + 1, 0);
  auto index = static_cast<std::size_t>(date.days - first_.days);
  if (closes_.empty()) closes_.resize(static_cast<std::size_t>(last_.days - first_.days) + 1);
  Instant& close = closes_[index];
  if (close.us != 0) return close;
  close = at(date + 1, 0);
  if (calendar_ != nullptr && calendar_->is_session(date))
    if (auto session = calendar_->session(date); session.ok()) close = session->close();
  return close;
}

bool Days::parse(std::string_view text, std::string_view format, Date& out) {
  if (text == text_) return out = parsed_, true;
  const bool iso = format.empty() || format == "%Y-%m-%d";
  if (!(iso && parse_iso(text, out))) {
    auto date = format.empty() ? Date::parse(text) : Date::parse(text, format);
    if (!date.ok()) return false;
    out = *date;
  }
  text_ = text;
  parsed_ = out;
  return true;
}

}  // namespace tapemill::sources
