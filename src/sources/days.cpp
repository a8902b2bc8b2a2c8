#include "sources/days.h"

namespace tapemill::sources {

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

Instant Days::close(Date date) {
  if (date == closed_) return close_;
  closed_ = date;
  close_ = at(date + 1, 0);
  if (calendar_ != nullptr && calendar_->is_session(date))
    if (auto session = calendar_->session(date); session.ok()) close_ = session->close();
  return close_;
}

bool Days::parse(std::string_view text, std::string_view format, Date& out) {
  if (text != text_) {
    auto date = format.empty() ? Date::parse(text) : Date::parse(text, format);
    if (!date.ok()) return false;
    text_ = text;
    parsed_ = *date;
  }
  out = parsed_;
  return true;
}

}  // namespace tapemill::sources
