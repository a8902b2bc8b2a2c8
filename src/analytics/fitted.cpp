#include "analytics/fitted.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tapemill::analytics {

void Statistics::Moments::add(double x) {
  least = count == 0 ? x : std::min(least, x), most = count == 0 ? x : std::max(most, x);
  count += 1;
  const double before = x - mean;
  mean += before / count;
  squares += before * (x - mean);
}

/// Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample variances (1979).
void Statistics::Moments::add(const Moments& other) {
  if (other.count == 0) return;
  if (count == 0) return *this = other, void();
  const double all = count + other.count, apart = other.mean - mean;
  mean += apart * other.count / all;
  squares += other.squares + apart * apart * count * other.count / all;
  count = all;
  least = std::min(least, other.least), most = std::max(most, other.most);
}

Statistics::Statistics(std::vector<std::string> which, bool by_instrument, std::string spill_folder)
    : which_(std::move(which)), by_instrument_(by_instrument), folder_(std::move(spill_folder)) {}

bool Statistics::ordered() const {
  return std::any_of(which_.begin(), which_.end(),
                     [](const auto& one) { return one == "median" || one == "q1" || one == "q3" || one == "mad"; });
}

Result<std::vector<double>> Statistics::made_of(const Moments& moments, ExactValues* values) const {
  std::vector<double> quartiles(3), out;
  double mad = 0;
  if (values != nullptr) {
    ARROW_ASSIGN_OR_RAISE(quartiles, values->quantiles({0.25, 0.5, 0.75}));
    if (std::find(which_.begin(), which_.end(), "mad") != which_.end()) {
      ARROW_ASSIGN_OR_RAISE(auto around, values->quantiles({0.5}, quartiles[1]));
      mad = around[0];
    }
  }
  for (const std::string& one : which_) {
    if (one == "count") out.push_back(moments.count);
    else if (one == "mean") out.push_back(moments.mean);
    else if (one == "std") out.push_back(std::sqrt(moments.squares / moments.count));
    else if (one == "std_sample")
      out.push_back(moments.count > 1 ? std::sqrt(moments.squares / (moments.count - 1)) : 0);
    else if (one == "least") out.push_back(moments.least);
    else if (one == "most") out.push_back(moments.most);
    else if (one == "q1") out.push_back(quartiles[0]);
    else if (one == "median") out.push_back(quartiles[1]);
    else if (one == "q3") out.push_back(quartiles[2]);
    else out.push_back(mad);
  }
  return out;
}

Status Statistics::observe(Frame& frame, const std::vector<std::string>& columns, const std::string& where) {
  columns_ = columns;
  for (const std::string& name : columns) {
    ARROW_ASSIGN_OR_RAISE(const std::vector<double>* values, frame.need(name, where));
    for (const lake::Span& span : frame.spans) {
      Moments moments;
      ExactValues own(folder_);
      ExactValues* into = &own;
      if (!by_instrument_ && ordered()) {
        auto& all = values_[name];
        if (all == nullptr) all = std::make_unique<ExactValues>(folder_);
        into = all.get();
      }
      for (std::int64_t i = span.first; i < span.last; ++i) {
        const auto row = static_cast<std::size_t>(i);
        const double x = (*values)[row];
        if (x != x || !frame.in_fit(row)) continue;
        moments.add(x);
        if (ordered()) ARROW_RETURN_NOT_OK(into->add(x));
      }
      if (moments.count == 0) continue;
      if (!by_instrument_) {
        moments_[name].add(moments);
      } else {
        ARROW_ASSIGN_OR_RAISE(auto made, made_of(moments, ordered() ? &own : nullptr));
        made_[{span.instrument, name}] = std::move(made);
      }
    }
  }
  return Status::OK();
}

Status Statistics::settle() {
  for (const auto& [name, moments] : moments_) {
    ARROW_ASSIGN_OR_RAISE(auto made, made_of(moments, ordered() ? values_[name].get() : nullptr));
    made_[{"", name}] = std::move(made);
  }
  moments_.clear();
  values_.clear();
  return Status::OK();
}

const double* Statistics::of(const std::string& instrument, const std::string& column) const {
  auto found = made_.find({by_instrument_ ? instrument : std::string(), column});
  return found == made_.end() ? nullptr : found->second.data();
}

void Statistics::tell(int step, const std::string& transform, std::vector<FittedValue>& out) const {
  for (const auto& [key, made] : made_)
    for (std::size_t i = 0; i < which_.size(); ++i)
      out.push_back({step, transform, key.second, key.first, which_[i], made[i], {}});
}

void Statistics::take(const FittedValue& value) {
  auto at = std::find(which_.begin(), which_.end(), value.statistic);
  if (at == which_.end()) return;
  auto& made = made_[{value.instrument, value.column}];
  made.resize(which_.size(), std::numeric_limits<double>::quiet_NaN());
  made[static_cast<std::size_t>(at - which_.begin())] = value.value;
  if (std::find(columns_.begin(), columns_.end(), value.column) == columns_.end()) columns_.push_back(value.column);
}

}  // namespace tapemill::analytics
