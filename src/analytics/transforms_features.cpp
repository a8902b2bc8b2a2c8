// engineer_features: of the date and the clock, of earlier rows, of indicators and expressions.
#include <limits>

#include "analytics/transforms.h"

namespace tapemill::analytics {
namespace {

/// ISO 8601: the week of the year that has the Thursday of it.
int iso_week(Date date) {
  const Date thursday = date + (3 - date.weekday());
  return (thursday.days - Date::of(thursday.year(), 1, 1).days) / 7 + 1;
}

double feature(const std::string& name, Date date, std::int64_t clock) {
  const int quarter = (date.month() + 2) / 3;
  const std::int64_t hour = clock / kHour, minute = clock / kMinute % 60;
  if (name == "calendar_year") return date.year();
  if (name == "quarter") return quarter;
  if (name == "month_of_year") return date.month();
  if (name == "week_of_year") return iso_week(date);
  if (name == "day_of_month") return date.day();
  if (name == "day_of_week") return date.weekday();
  if (name == "day_of_year") return date.days - Date::of(date.year(), 1, 1).days + 1;
  if (name == "hour_of_day") return static_cast<double>(hour);
  return static_cast<double>(minute);
}

class TimeFeatures : public Transform {
 public:
  using Transform::Transform;
  Status apply(Frame& frame, Deeds&) override {
    for (const std::string& name : spec_.columns) {
      const bool timed = name == "hour_of_day" || name == "minute_of_hour";
      if (timed && frame.clock.size() != frame.rows())
        return usage_error(fmt::format("{}: the rows have no time of day", spec_.where),
                           "leave hour_of_day and minute_of_hour out");
      std::vector<double> values(frame.rows());
      for (std::size_t row = 0; row < values.size(); ++row)
        values[row] = feature(name, frame.sessions[row], timed ? frame.clock[row] : 0);
      ARROW_RETURN_NOT_OK(frame.add(name, std::move(values), spec_.where));
    }
    return Status::OK();
  }
};

class Lags : public Transform {
 public:
  using Transform::Transform;
  Status apply(Frame& frame, Deeds&) override {
    for (const std::string& name : spec_.columns)
      for (const int period : spec_.periods) {
        ARROW_ASSIGN_OR_RAISE(const auto* source, frame.need(name, spec_.where));
        std::vector<double> values(frame.rows(), std::numeric_limits<double>::quiet_NaN());
        for (const lake::Span& span : frame.spans)
          for (std::int64_t row = span.first + period; row < span.last; ++row)
            values[static_cast<std::size_t>(row)] = (*source)[static_cast<std::size_t>(row - period)];
        ARROW_RETURN_NOT_OK(frame.add(fmt::format("{}_lag_{}", name, period), std::move(values), spec_.where));
      }
    return Status::OK();
  }
};

class Indicators : public Transform {
 public:
  Indicators(TransformSpec spec, const Workers& workers) : Transform(std::move(spec)), workers_(workers) {}
  Status apply(Frame& frame, Deeds&) override {
    if (!series_) { ARROW_ASSIGN_OR_RAISE(series_, Series::compile(spec_.expressions, frame.names)); }
    std::vector<std::span<const double>> inputs;
    for (const std::string& name : series_->inputs()) {
      ARROW_ASSIGN_OR_RAISE(const auto* values, frame.need(name, spec_.where));
      inputs.emplace_back(*values);
    }
    std::vector<std::int64_t> sessions, starts{0};
    if (series_->uses_session())
      for (Date date : frame.sessions) sessions.push_back(date.days);
    for (const lake::Span& span : frame.spans) starts.push_back(span.last);
    std::vector<std::vector<double>> made(series_->outputs(), std::vector<double>(frame.rows()));
    ARROW_RETURN_NOT_OK(series_->run(inputs, sessions, starts, {made.begin(), made.end()}, workers_));
    for (std::size_t i = 0; i < made.size(); ++i)
      ARROW_RETURN_NOT_OK(frame.add(spec_.expressions[i].name, std::move(made[i]), spec_.where));
    return Status::OK();
  }

 private:
  const Workers& workers_;
  std::optional<Series> series_;
};

}  // namespace

std::unique_ptr<Transform> detail::make_feature(const TransformSpec& spec, const Workshop& workshop) {
  if (spec.kind == TransformSpec::Kind::time_features) return std::make_unique<TimeFeatures>(spec);
  if (spec.kind == TransformSpec::Kind::lags) return std::make_unique<Lags>(spec);
  return std::make_unique<Indicators>(spec, workshop.workers);
}

}  // namespace tapemill::analytics
