#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "analytics/exact_values.h"
#include "analytics/frame.h"

namespace tapemill::analytics {

/// One number or word that a step keeps of the rows it was fitted on: a row of the table of them, an entry of the JSON.
struct FittedValue {
  int step = 0;  // 1 is the document's first
  std::string transform, column, instrument, statistic;  // instrument: empty for all
  double value = 0;
  std::string text;  // of a category
};

/// Statistics of columns over the rows of the fit range, of each instrument or of all rows together. The same bits however the
/// rows are cut into frames: an instrument's are taken one after the other, those of all are joined in the instruments' order.
class Statistics {
 public:
  /// `which` of count, mean, std (of the population), std_sample, least, most, median, q1, q3, mad.
  Statistics(std::vector<std::string> which, bool by_instrument, std::string spill_folder);
  Status observe(Frame& frame, const std::vector<std::string>& columns, const std::string& where);
  Status settle();
  /// In the order of `which`; null where no row of the instrument was there to fit on.
  const double* of(const std::string& instrument, const std::string& column) const;
  void tell(int step, const std::string& transform, std::vector<FittedValue>& out) const;
  void take(const FittedValue& value);
  /// The columns that were seen, in their order.
  const std::vector<std::string>& columns() const { return columns_; }

 private:
  struct Moments {
    double count = 0, mean = 0, squares = 0, least = 0, most = 0;
    void add(double x);
    void add(const Moments& other);
  };
  bool ordered() const;
  Result<std::vector<double>> made_of(const Moments& moments, ExactValues* values) const;

  std::vector<std::string> which_, columns_;
  bool by_instrument_;
  std::string folder_;
  std::map<std::string, Moments> moments_;  // of all, by column
  std::map<std::string, std::unique_ptr<ExactValues>> values_;
  std::map<std::pair<std::string, std::string>, std::vector<double>> made_;  // by instrument, column
};

}  // namespace tapemill::analytics
