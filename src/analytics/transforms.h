#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analytics/fitted.h"
#include "analytics/series.h"
#include "core/workers.h"

namespace tapemill::analytics {

/// One step of preprocessing as its document says it (docs/formats/preprocess.md).
struct TransformSpec {
  enum class Kind { duplicates, missing, outliers, time_features, lags, indicators, scale, encode, narrow };
  Kind kind = Kind::duplicates;
  std::string name, where;                     // "clean_data.outlier_detection"; file:line:column
  std::string method;                          // of missing, outliers, scale, encode, narrow
  std::map<std::string, std::string> methods;  // of missing, by column, instead of `method`
  std::vector<std::string> columns;            // empty: all of numbers
  std::string otherwise = "null";              // of outliers: null, drop, clip
  double over = 0;                             // of outliers; 0: the method's own
  bool by_instrument = true;
  std::vector<int> periods;                    // of lags
  std::vector<NamedExpression> expressions;    // of indicators

  bool fitted() const;      // takes statistics of the fit range
  bool looks_back() const;  // a row's values are made of earlier ones too
  std::string looks_ahead() const;  // what of it a row would know of later ones; empty: nothing
};

/// How often a step did something, by what: "close filled".
using Deeds = std::map<std::string, std::int64_t>;

/// A step at work: observe() every frame and settle() where it is fitted, then apply(). Frames come in the order of the
/// instruments; what comes out does not hang on how they are cut.
class Transform {
 public:
  explicit Transform(TransformSpec spec) : spec_(std::move(spec)) {}
  virtual ~Transform() = default;
  const TransformSpec& spec() const { return spec_; }
  virtual Status observe(Frame&) { return Status::OK(); }
  virtual Status settle() { return Status::OK(); }
  virtual Status apply(Frame& frame, Deeds& deeds) = 0;
  virtual void tell(int, std::vector<FittedValue>&) const {}
  virtual void take(const FittedValue&) {}
  /// The narrow type of a column that comes out; null: as it is.
  virtual std::shared_ptr<arrow::DataType> type_of(const std::string&) const { return nullptr; }

 protected:
  /// spec_.columns, or all columns of numbers.
  std::vector<std::string> columns(const Frame& frame) const {
    return spec_.columns.empty() ? frame.names : spec_.columns;
  }
  TransformSpec spec_;
};

/// What every transform may use.
struct Workshop {
  std::string spill_folder;
  const Workers& workers;
  arrow::MemoryPool* pool;
};
std::unique_ptr<Transform> make_transform(const TransformSpec& spec, const Workshop& workshop);

namespace detail {  // by file: transforms_clean.cpp, transforms_features.cpp, transforms_scale.cpp
std::unique_ptr<Transform> make_clean(const TransformSpec& spec, const Workshop& workshop);
std::unique_ptr<Transform> make_feature(const TransformSpec& spec, const Workshop& workshop);
std::unique_ptr<Transform> make_scaled(const TransformSpec& spec, const Workshop& workshop);
}  // namespace detail

}  // namespace tapemill::analytics
