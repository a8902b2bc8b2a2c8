#pragma once
#include <arrow/table.h>

#include <memory>
#include <string>
#include <vector>

#include "backtest/daily.h"
#include "backtest/metrics.h"
#include "backtest/option.h"

namespace tapemill::backtest {

/// Collects columns of equal length into an Arrow table. Nulls: kNullPrice of decimals, NaN of reals.
class TableMaker {
 public:
  Status text(const char* name, const std::vector<std::string>& values);
  Status decimal(const char* name, int scale, const std::vector<std::int64_t>& values);
  Status whole(const char* name, const std::vector<std::int64_t>& values);
  Status real(const char* name, const std::vector<double>& values);
  Status flag(const char* name, const std::vector<bool>& values);
  Status date(const char* name, const std::vector<Date>& values);
  Status instant(const char* name, const std::vector<Instant>& values);
  std::shared_ptr<arrow::Table> table() const { return arrow::Table::Make(arrow::schema(fields_), columns_); }

 private:
  Status add(const char* name, arrow::ArrayBuilder& builder);
  arrow::FieldVector fields_;
  arrow::ArrayVector columns_;
};

/// What a run leaves, the same for both forms (docs/formats/ledger.md has the columns).
struct Outcome {
  std::shared_ptr<arrow::Table> trades, equity;
  Performance performance;
};
/// trades by backtesting.py's column names, with Symbol and InstrumentId; equity: one row a session.
Result<Outcome> outcome_of(const DailyResult& result, const DailyMarket& market, const std::string& currency);
/// trades by spec D6's columns; equity: one row a day, of the capital and the days' pnl after costs.
Result<Outcome> outcome_of(const std::vector<OptionDay>& days, const OptionStrategy& plan);

/// An option's name as the exchange writes dates in it: "NIFTY 2024-10-31 24500 CE".
std::string option_name(const std::string& symbol, const OptionTrade& trade);

}  // namespace tapemill::backtest
