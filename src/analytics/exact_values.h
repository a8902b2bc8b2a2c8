#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lake/files.h"

namespace tapemill::analytics {

/// Many finite numbers of which quantiles are asked: exact, whatever their number, in bounded memory. A million are held, more
/// lie in a file without a name.
class ExactValues {
 public:
  /// `folder`: for the file, of this machine; made on the first spill.
  explicit ExactValues(std::string folder) : folder_(std::move(folder)) {}
  Status add(double value);
  std::int64_t count() const { return count_; }
  /// The quantiles of the numbers, or of their distances from `around`: between the two nearest by linear interpolation, as
  /// numpy, pandas and scikit-learn have them. REQUIRES count() > 0; shares in 0..1.
  Result<std::vector<double>> quantiles(const std::vector<double>& shares, std::optional<double> around = {});

 private:
  Result<std::vector<double>> of_rank(const std::vector<std::int64_t>& ranks, std::optional<double> around);
  template <class Each>
  Status each(const Each& body);

  std::string folder_;
  std::vector<double> held_;
  std::optional<lake::PendingFile> file_;
  std::int64_t count_ = 0, spilled_ = 0;
};

}  // namespace tapemill::analytics
