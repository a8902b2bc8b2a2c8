// normalize, encode and optimize_types.
#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "analytics/transforms.h"

namespace tapemill::analytics {
namespace {

constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

/// (x - centre) / width, with scikit-learn's centres and widths: a width of 0 counts as 1.
class Scale : public Transform {
 public:
  Scale(TransformSpec spec, const Workshop& shop)
      : Transform(std::move(spec)), statistics_(which(), spec_.by_instrument, shop.spill_folder) {}
  Status observe(Frame& frame) override { return statistics_.observe(frame, columns(frame), spec_.where); }
  Status settle() override { return statistics_.settle(); }
  void tell(int step, std::vector<FittedValue>& out) const override { statistics_.tell(step, spec_.name, out); }
  void take(const FittedValue& value) override { statistics_.take(value); }

  Status apply(Frame& frame, Deeds& deeds) override {
    for (const std::string& name : columns(frame)) {
      ARROW_ASSIGN_OR_RAISE(auto* values, frame.need(name, spec_.where));
      for (const lake::Span& span : frame.spans) {
        const double* fitted = statistics_.of(span.instrument, name);
        double centre = kNull, width = 1;
        if (fitted != nullptr) {
          centre = fitted[0];
          width = spec_.method == "standard" ? fitted[1]
                  : spec_.method == "minmax" ? fitted[1] - fitted[0]
                                             : fitted[2] - fitted[1];
          if (!(width > 0)) width = 1;
        }
        for (std::int64_t i = span.first; i < span.last; ++i) {
          double& x = (*values)[static_cast<std::size_t>(i)];
          if (x == x && fitted == nullptr) ++deeds[name + " without statistics"];
          x = (x - centre) / width;
        }
      }
    }
    return Status::OK();
  }

 private:
  std::vector<std::string> which() const {
    if (spec_.method == "standard") return {"mean", "std"};
    if (spec_.method == "minmax") return {"least", "most"};
    return {"median", "q1", "q3"};
  }
  Statistics statistics_;
};

/// Letters and digits of a category, for the name of its column.
std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
    if (word) out += c;
    else if (!out.empty() && out.back() != '_') out += '_';
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out.empty() ? "_" : out;
}

/// Texts as numbers: categories are those of the fit range, in the order of their bytes.
class Encode : public Transform {
 public:
  using Transform::Transform;
  Status observe(Frame& frame) override {
    for (const std::string& name : spec_.columns) {
      ARROW_ASSIGN_OR_RAISE(const auto texts, need_text(frame, name));
      auto& known = categories_[name];
      for (std::size_t row = 0; row < frame.rows(); ++row)
        if (frame.in_fit(row) && texts->IsValid(static_cast<std::int64_t>(row)))
          known.emplace(texts->GetView(static_cast<std::int64_t>(row)));
      constexpr std::size_t most = 1000;
      if (known.size() > most)
        return usage_error(fmt::format("{}: {} has more than {} categories", spec_.where, name, most),
                           "encode columns of few values, such as sector");
    }
    return Status::OK();
  }
  void tell(int step, std::vector<FittedValue>& out) const override {
    for (const auto& [name, known] : categories_) {
      double at = 0;
      for (const std::string& one : known) out.push_back({step, spec_.name, name, "", "category", at++, one});
    }
  }
  void take(const FittedValue& value) override {
    if (value.statistic == "category") categories_[value.column].insert(value.text);
  }

  Status apply(Frame& frame, Deeds& deeds) override {
    for (const std::string& name : spec_.columns) {
      ARROW_ASSIGN_OR_RAISE(const auto texts, need_text(frame, name));
      const std::vector<std::string> known(categories_[name].begin(), categories_[name].end());
      const bool hot = spec_.method == "one_hot";
      std::vector<std::vector<double>> made(hot ? known.size() : 1, std::vector<double>(frame.rows(), hot ? 0 : kNull));
      for (std::size_t row = 0; row < frame.rows(); ++row) {
        const auto i = static_cast<std::int64_t>(row);
        if (texts->IsNull(i)) {
          for (auto& values : made) values[row] = kNull;
          continue;
        }
        const std::string_view text = texts->GetView(i);
        const auto at = std::lower_bound(known.begin(), known.end(), text);
        if (at == known.end() || *at != text) {
          ++deeds[name + " of no known category"];
          continue;
        }
        if (hot) made[static_cast<std::size_t>(at - known.begin())][row] = 1;
        else made[0][row] = static_cast<double>(at - known.begin());
      }
      ARROW_ASSIGN_OR_RAISE(frame.fixed, frame.fixed->RemoveColumn(frame.fixed->schema()->GetFieldIndex(name)));
      std::erase(frame.texts, name);
      for (std::size_t i = 0; i < made.size(); ++i)
        ARROW_RETURN_NOT_OK(frame.add(hot ? name + "_" + plain(known[i]) : name, std::move(made[i]), spec_.where));
    }
    return Status::OK();
  }

 private:
  Result<std::shared_ptr<arrow::StringArray>> need_text(const Frame& frame, const std::string& name) const {
    const bool there = std::find(frame.texts.begin(), frame.texts.end(), name) != frame.texts.end();
    if (there) return std::static_pointer_cast<arrow::StringArray>(frame.fixed->GetColumnByName(name));
    return usage_error(fmt::format("{}: there is no column {} of texts", spec_.where, name),
                       "name it in from: columns, or in enrich");
  }
  std::map<std::string, std::set<std::string, std::less<>>> categories_;
};

/// The narrowest type that holds every value of a column exactly; with floats: float32 what is no whole number is rounded to it.
class Narrow : public Transform {
 public:
  using Transform::Transform;
  Status observe(Frame& frame) override {
    for (const std::string& name : columns(frame)) {
      ARROW_ASSIGN_OR_RAISE(const auto* values, frame.need(name, spec_.where));
      Seen& seen = seen_[name];
      for (const double x : *values) {
        if (x != x) continue;
        seen.least = std::min(seen.least, x), seen.most = std::max(seen.most, x);
        seen.whole &= std::trunc(x) == x && !(x == 0 && std::signbit(x));
        seen.single &= static_cast<double>(static_cast<float>(x)) == x;
      }
    }
    return Status::OK();
  }
  Status settle() override {
    for (const auto& [name, seen] : seen_) {
      auto fits = [&](double low, double high) { return seen.whole && seen.least >= low && seen.most <= high; };
      const bool any = seen.least <= seen.most;
      std::shared_ptr<arrow::DataType> type;
      if (!any) type = nullptr;
      else if (fits(INT8_MIN, INT8_MAX)) type = arrow::int8();
      else if (fits(INT16_MIN, INT16_MAX)) type = arrow::int16();
      else if (fits(INT32_MIN, INT32_MAX)) type = arrow::int32();
      else if (seen.single || (spec_.method == "float32" && std::max(std::fabs(seen.least), std::fabs(seen.most)) <=
                                                                std::numeric_limits<float>::max()))
        type = arrow::float32();
      if (type != nullptr) types_[name] = type;
    }
    return Status::OK();
  }
  Status apply(Frame&, Deeds&) override { return Status::OK(); }
  std::shared_ptr<arrow::DataType> type_of(const std::string& column) const override {
    auto found = types_.find(column);
    return found == types_.end() ? nullptr : found->second;
  }

 private:
  struct Seen {
    double least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();
    bool whole = true, single = true;
  };
  std::map<std::string, Seen> seen_;
  std::map<std::string, std::shared_ptr<arrow::DataType>> types_;
};

}  // namespace

std::unique_ptr<Transform> detail::make_scaled(const TransformSpec& spec, const Workshop& workshop) {
  if (spec.kind == TransformSpec::Kind::scale) return std::make_unique<Scale>(spec, workshop);
  if (spec.kind == TransformSpec::Kind::encode) return std::make_unique<Encode>(spec);
  return std::make_unique<Narrow>(spec);
}

}  // namespace tapemill::analytics
