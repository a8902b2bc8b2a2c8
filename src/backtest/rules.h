#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/time.h"

namespace tapemill::backtest {

/// What a rule is asked for. expiry is needed where a rule follows the contract.
struct RuleQuestion {
  std::string what, underlying;
  Date trade_date;
  std::optional<Date> expiry;
  std::string series;  // weekly | monthly; empty: rules that do not differ
};

/// Market rules as data (rules/*.yaml, docs/formats/rules.md): lots, ticks, taxes, with a validity and a source per row.
class Rules {
 public:
  static Result<Rules> load(
      const std::string& name);  // of ./rules, else the share folder; or a path that ends in .yaml
  static Result<Rules> parse(std::string text, std::string file);

  const std::string& name() const { return name_; }
  const std::string& calendar() const { return calendar_; }
  const std::string& currency() const { return currency_; }
  const std::string& hash() const { return hash_; }  // sha-256 of the file's bytes

  /// The value's text. Data error naming the question where no row answers, or where two do: never a default.
  Result<std::string> find(const RuleQuestion& question) const;
  /// The value as an exact decimal at `scale`.
  Result<std::int64_t> find(const RuleQuestion& question, int scale) const;

 private:
  struct Row {
    std::string what, underlying, by, series, value, source;
    Date from;
    std::optional<Date> to, traded_from, traded_to;
    bool holds(const RuleQuestion& question) const;
  };
  std::string name_, file_, calendar_, currency_, hash_;
  std::vector<Row> rows_;
};

}  // namespace tapemill::backtest
