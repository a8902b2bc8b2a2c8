// clean_data: rows that stand twice, values that are missing, values unlike those of the fit range.
#include <arrow/api.h>

#include <cmath>
#include <limits>
#include <set>

#include "analytics/transforms.h"

namespace tapemill::analytics {
namespace {

constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

/// Of an instrument's rows with equal values in the columns the first stays.
class Duplicates : public Transform {
 public:
  Duplicates(TransformSpec spec, arrow::MemoryPool* pool) : Transform(std::move(spec)), pool_(pool) {}
  Status apply(Frame& frame, Deeds& deeds) override {
    std::vector<bool> first(frame.rows(), true);
    std::vector<const std::vector<double>*> numbers;
    std::vector<const arrow::Array*> texts;
    for (const std::string& name : spec_.columns) {
      if (auto column = frame.fixed->GetColumnByName(name); column != nullptr) {
        texts.push_back(column.get());
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(const auto* values, frame.need(name, spec_.where));
      numbers.push_back(values);
    }
    for (const lake::Span& span : frame.spans) {
      std::set<std::string> seen;
      for (std::int64_t i = span.first; i < span.last; ++i) {
        const auto row = static_cast<std::size_t>(i);
        std::string key;
        for (const auto* values : numbers) {
          const double x = std::isnan((*values)[row]) ? kNull : (*values)[row] + 0.0;
          key.append(reinterpret_cast<const char*>(&x), sizeof(x));
        }
        for (const auto* array : texts) {
          ARROW_ASSIGN_OR_RAISE(auto value, array->GetScalar(i));
          const std::string text = value->is_valid ? value->ToString() : std::string();
          key += fmt::format("{}{}:{}", value->is_valid ? 1 : 0, text.size(), text);
        }
        first[row] = seen.insert(std::move(key)).second;
        deeds["rows dropped"] += !first[row];
      }
    }
    return frame.keep(first, pool_);
  }

 private:
  arrow::MemoryPool* pool_;
};

class Missing : public Transform {
 public:
  Missing(TransformSpec spec, const Workshop& shop)
      : Transform(std::move(spec)),
        pool_(shop.pool),
        statistics_({"mean", "median"}, spec_.by_instrument, shop.spill_folder) {}

  Status observe(Frame& frame) override {
    std::vector<std::string> asked;
    for (const auto& [name, method] : methods(frame))
      if (method == "mean" || method == "median") asked.push_back(name);
    return statistics_.observe(frame, asked, spec_.where);
  }
  Status settle() override { return statistics_.settle(); }
  void tell(int step, std::vector<FittedValue>& out) const override { statistics_.tell(step, spec_.name, out); }
  void take(const FittedValue& value) override { statistics_.take(value); }

  Status apply(Frame& frame, Deeds& deeds) override {
    std::vector<bool> whole(frame.rows(), true);
    bool ahead = false;
    for (const auto& [name, method] : methods(frame)) {
      if (auto text = frame.fixed->GetColumnByName(name); text != nullptr && method == "drop") {
        for (std::size_t row = 0; row < whole.size(); ++row)
          if (text->IsNull(static_cast<std::int64_t>(row))) whole[row] = false;
        continue;
      }
      ARROW_ASSIGN_OR_RAISE(auto* values, frame.need(name, spec_.where));
      ahead |= method == "bfill" || method == "interpolate";
      for (const lake::Span& span : frame.spans) {
        const double* fitted = statistics_.of(span.instrument, name);
        const auto first = static_cast<std::size_t>(span.first), last = static_cast<std::size_t>(span.last);
        std::size_t before = last;  // the row of the last value so far
        for (std::size_t row = first; row < last; ++row) {
          double& x = (*values)[row];
          if (x == x) {
            before = row;
            continue;
          }
          if (method == "drop") {
            whole[row] = false;
            continue;
          }
          if (method == "zero") x = 0;
          else if (method == "ffill") x = before < last ? (*values)[before] : kNull;
          else if (method == "mean") x = fitted != nullptr ? fitted[0] : kNull;
          else if (method == "median") x = fitted != nullptr ? fitted[1] : kNull;
          else {  // bfill, interpolate: up to the next value
            std::size_t after = row;
            while (after < last && std::isnan((*values)[after])) ++after;
            fill(frame, *values, method, before, after, row, last, deeds, name);
            if (after < last) before = after;
            row = after < last ? after : last - 1;
            continue;
          }
          ++deeds[name + (x == x ? " filled" : " left null")];
        }
      }
    }
    if (ahead) frame.carry_known();
    for (bool one : whole) deeds["rows dropped"] += !one;
    return frame.keep(whole, pool_);
  }

 private:
  std::vector<std::pair<std::string, std::string>> methods(const Frame& frame) const {
    if (!spec_.methods.empty()) return {spec_.methods.begin(), spec_.methods.end()};
    std::vector<std::pair<std::string, std::string>> all;
    for (const std::string& name : columns(frame)) all.emplace_back(name, spec_.method);
    return all;
  }
  /// The gap [row, after) between the values at `before` and `after` (`last`: none). As pandas: a gap at the end takes the value
  /// before it, one at the beginning stays, when it is interpolated; what was filled is known when the value after it is.
  static void fill(Frame& frame, std::vector<double>& values, const std::string& method, std::size_t before,
                   std::size_t after, std::size_t row, std::size_t last, Deeds& deeds, const std::string& name) {
    for (; row < after; ++row) {
      double& x = values[row];
      if (method == "bfill") {
        if (after < last) x = values[after];
      } else if (before < last) {
        if (after == last) x = values[before];
        else
          x = values[before] + (values[after] - values[before]) * static_cast<double>(row - before) /
                                   static_cast<double>(after - before);
      }
      const bool filled = x == x;
      if (filled && after < last) frame.known[row] = std::max(frame.known[row], frame.known[after]);
      ++deeds[name + (filled ? " filled" : " left null")];
    }
  }

  arrow::MemoryPool* pool_;
  Statistics statistics_;
};

/// Every method makes bounds of what was seen in the fit range: what lies outside is null, dropped or moved to the bound.
class Outliers : public Transform {
 public:
  Outliers(TransformSpec spec, const Workshop& shop)
      : Transform(std::move(spec)), pool_(shop.pool), statistics_(which(), spec_.by_instrument, shop.spill_folder) {}

  Status observe(Frame& frame) override { return statistics_.observe(frame, columns(frame), spec_.where); }
  Status settle() override { return statistics_.settle(); }
  void tell(int step, std::vector<FittedValue>& out) const override { statistics_.tell(step, spec_.name, out); }
  void take(const FittedValue& value) override { statistics_.take(value); }

  Status apply(Frame& frame, Deeds& deeds) override {
    std::vector<bool> whole(frame.rows(), true);
    for (const std::string& name : columns(frame)) {
      ARROW_ASSIGN_OR_RAISE(auto* values, frame.need(name, spec_.where));
      for (const lake::Span& span : frame.spans) {
        const double* fitted = statistics_.of(span.instrument, name);
        double low = 0, high = 0;
        const bool judged = fitted != nullptr && bounds(fitted, low, high);
        for (std::int64_t i = span.first; i < span.last; ++i) {
          double& x = (*values)[static_cast<std::size_t>(i)];
          if (x != x) continue;
          if (!judged) {
            if (fitted == nullptr) ++deeds[name + " not judged"];
            continue;
          }
          if (x >= low && x <= high) continue;
          ++deeds[name + (spec_.otherwise == "clip" ? " clipped" : " outlying")];
          if (spec_.otherwise == "clip") x = x < low ? low : high;
          else if (spec_.otherwise == "null") x = kNull;
          else whole[static_cast<std::size_t>(i)] = false;
        }
      }
    }
    for (bool one : whole) deeds["rows dropped"] += !one;
    return frame.keep(whole, pool_);
  }

 private:
  std::vector<std::string> which() const {
    if (spec_.method == "zscore") return {"mean", "std_sample"};
    if (spec_.method == "iqr") return {"q1", "q3"};
    return {"median", "mad"};
  }
  /// False where all values are one: then nothing is said.
  bool bounds(const double* fitted, double& low, double& high) const {
    const double over = spec_.over > 0 ? spec_.over : spec_.method == "zscore" ? 3 : spec_.method == "iqr" ? 1.5 : 3.5;
    if (spec_.method == "iqr") {
      const double reach = over * (fitted[1] - fitted[0]);
      low = fitted[0] - reach, high = fitted[1] + reach;
      return reach > 0;
    }
    const double reach = over * fitted[1] / (spec_.method == "mad" ? 0.6745 : 1);
    low = fitted[0] - reach, high = fitted[0] + reach;
    return reach > 0;
  }

  arrow::MemoryPool* pool_;
  Statistics statistics_;
};

}  // namespace

std::unique_ptr<Transform> detail::make_clean(const TransformSpec& spec, const Workshop& workshop) {
  if (spec.kind == TransformSpec::Kind::duplicates) return std::make_unique<Duplicates>(spec, workshop.pool);
  if (spec.kind == TransformSpec::Kind::missing) return std::make_unique<Missing>(spec, workshop);
  return std::make_unique<Outliers>(spec, workshop);
}

}  // namespace tapemill::analytics
