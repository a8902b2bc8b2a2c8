#include "lake/adjust.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/decimal.h"
#include "core/feed_words.h"
#include "lake/about.h"

namespace tapemill::lake {
namespace {

__extension__ using Wide = __int128;
constexpr int kLeastScale = 4;
constexpr int kAmountScale = 6;

bool is_price(const std::string& name) {
  static const std::set<std::string> names{"open", "high", "low", "close", "last", "average", "vwap", "prev_close"};
  return names.contains(name);
}
bool is_count(const std::string& name) { return name == "volume" || name == "deliverable"; }

/// An action of NSE's ordinary shares holds for each series they trade in; another series' only for that one.
bool same_series(const std::string& action, const std::string& row) {
  static const std::set<std::string> shares{"EQ", "BE", "BZ", "BL", "IL", "SM", "ST", "SZ"};
  return action.empty() || row.empty() || action == row || (shares.contains(action) && shares.contains(row));
}

/// The product of all factors after a session.
struct Product {
  Wide before = 1, after = 1;  // lowest terms
  double cash = 1;
  bool exact = true;  // the terms still fit

  void times(const Factor& one) {
    cash *= one.cash;
    if (!exact) {
      wide *= static_cast<double>(one.before) / static_cast<double>(one.after);
      return;
    }
    before *= one.before, after *= one.after;
    Wide a = before, b = after;
    while (b != 0) std::swap(a %= b, b);
    before /= a, after /= a;
    constexpr Wide most = static_cast<Wide>(1) << 62;
    if (before < most && after < most) return;
    exact = false;
    wide = static_cast<double>(before) / static_cast<double>(after);
  }
  double wide = 1;
  double shares() const { return exact ? static_cast<double>(before) / static_cast<double>(after) : wide; }
  double value() const { return shares() * cash; }
};

/// value x numerator / denominator, to the nearest, ties away from zero. Prices and volumes have at most 63 bits, and so have
/// the terms.
Result<std::int64_t> scaled(std::int64_t value, Wide numerator, Wide denominator, double otherwise) {
  Wide product = 0, twice = 0;
  if (__builtin_mul_overflow(static_cast<Wide>(value), numerator, &product) ||
      __builtin_mul_overflow(product, static_cast<Wide>(2), &twice))
    product = 0, numerator = 0;
  double rounded = 0;
  if (numerator != 0 || value == 0) {
    const Wide half = value < 0 ? -denominator : denominator;
    const Wide out = value == 0 ? 0 : (twice + half) / (2 * denominator);
    if (out < kPowersOfTen[18] && out > -static_cast<Wide>(kPowersOfTen[18])) return static_cast<std::int64_t>(out);
    rounded = 1e18;
  } else {
    rounded = std::round(otherwise);
  }
  if (std::fabs(rounded) < 1e18) return static_cast<std::int64_t>(rounded);
  return data_error("an adjusted value has more than 18 digits", "show the columns that have not");
}

/// The closes of each instrument, by session.
using Closes = std::map<std::string, std::vector<std::pair<Date, std::int64_t>>>;
Result<Closes> closes_of(const Lake& lake, const ScanRequest& request, const std::vector<std::string>& instruments,
                         const std::string& session, const Workers& workers, arrow::MemoryPool* pool) {
  ScanRequest all;
  all.table = request.table, all.version = request.version, all.known_at = request.known_at;
  all.symbols = instruments;
  all.columns = {"instrument_id", session, "close"};
  ARROW_ASSIGN_OR_RAISE(ScanResult found, scan(lake, all, workers, pool));
  ARROW_ASSIGN_OR_RAISE(auto rows, found.rows->CombineChunks(pool));
  Closes closes;
  if (rows->num_rows() == 0) return closes;
  const auto& ids = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("instrument_id")->chunk(0));
  const auto& days = static_cast<const arrow::Date32Array&>(*rows->GetColumnByName(session)->chunk(0));
  const auto& prices = static_cast<const arrow::Decimal64Array&>(*rows->GetColumnByName("close")->chunk(0));
  for (std::int64_t i = 0; i < rows->num_rows(); ++i)
    if (prices.IsValid(i) && days.IsValid(i))
      closes[ids.GetString(i)].emplace_back(Date{days.Value(i)},
                                            static_cast<std::int64_t>(arrow::Decimal64(prices.GetValue(i))));
  for (auto& [id, list] : closes) std::sort(list.begin(), list.end());
  return closes;
}

struct Instrument {
  std::string symbol, series;
  std::vector<const CorporateAction*> actions;  // ascending ex-dates
  std::vector<Factor> factors;
};

/// The factor that a cash amount makes, by the close before its ex-date; 1 where there is none.
double cash_factor(const CorporateAction& one, const Instrument& instrument, bool split_adjusted,
                   const std::vector<std::pair<Date, std::int64_t>>& closes, int scale,
                   std::vector<std::string>& notes) {
  auto at = std::lower_bound(closes.begin(), closes.end(), std::pair{one.ex_date, INT64_MIN});
  if (at == closes.begin()) return 1;
  const double close = to_double(std::prev(at)->second, scale);
  double amount = to_double(one.amount, kAmountScale);
  if (split_adjusted)  // the closes are in shares of after all splits, the amount in those of its day
    for (const CorporateAction* later : instrument.actions)
      if (later->ex_date > one.ex_date && later->before > 0 && later->kind != "rights")
        amount *= static_cast<double>(later->before) / static_cast<double>(later->after);
  double factor = 0;
  if (one.kind == "rights") {
    const auto before = static_cast<double>(one.before), after = static_cast<double>(one.after);
    factor = (before * close + (after - before) * amount) / (after * close);
    if (factor > 1) factor = 1;  // above the market: nobody takes them up
  } else {
    factor = 1 - amount / close;
  }
  if (factor > 0) return factor;
  notes.push_back(fmt::format("{}: the {} of {} on {} is no less than the close before it ({}); left out", one.symbol,
                              one.kind, amount, one.ex_date.str(), close));
  return 1;
}

}  // namespace

Result<AdjustedScan> scan_adjusted(const Lake& lake, const ScanRequest& request, const AdjustOptions& options,
                                   const Workers& workers, arrow::MemoryPool* pool,
                                   const std::map<std::string, std::int64_t>& versions) {
  ARROW_ASSIGN_OR_RAISE(Dataset dataset, dataset_of(lake, request.table.table));
  TableName real = request.table;
  if (real.layer == Layer::silver && lake.silver_is_view(real.table)) real.layer = Layer::bronze;
  if (real.layer == Layer::gold || real.layer == Layer::landing || dataset.column("symbol") == nullptr ||
      dataset.column("instrument_id") == nullptr)
    return usage_error(request.table.str() + " has no prices of symbols to adjust");
  const bool split_adjusted = feed_words(dataset).split_adjusted;
  if (dataset.column("expiry") != nullptr)
    return usage_error(request.table.str() + " holds contracts, which are not adjusted",
                       "the exchange changes their strikes and lots itself: tapemill contracts shows them");
  if (options.dividends && dataset.bar != kDay)
    return usage_error(request.table.str() + " is not daily: dividends are taken off the close of the session before",
                       "leave --dividends out");
  ARROW_ASSIGN_OR_RAISE(Snapshot snapshot, lake.table(real).snapshot(request.version));
  AdjustedScan out;

  // What is asked for, and what adjusting needs beside it.
  ScanRequest wide = request;
  if (!wide.known_at) wide.known_at = options.known_at;
  std::vector<std::string> needed{"instrument_id", "symbol", dataset.session_column}, extra;
  if (dataset.column("series") != nullptr) needed.emplace_back("series");
  for (const std::string& name : needed)
    if (!wide.columns.empty() && std::find(wide.columns.begin(), wide.columns.end(), name) == wide.columns.end())
      wide.columns.push_back(name), extra.push_back(name);
  ARROW_ASSIGN_OR_RAISE(out.scan, scan(lake, wide, workers, pool));
  ARROW_ASSIGN_OR_RAISE(auto rows, out.scan.rows->CombineChunks(pool));
  const auto count = rows->num_rows();

  std::map<std::string, Instrument> instruments;
  std::vector<Instrument*> of_row(static_cast<std::size_t>(count));
  std::vector<Date> sessions(static_cast<std::size_t>(count));
  if (count > 0) {
    auto text = [&](const char* name, std::int64_t i) {
      auto found = rows->GetColumnByName(name);
      if (found == nullptr || found->chunk(0)->IsNull(i)) return std::string();
      return static_cast<const arrow::StringArray&>(*found->chunk(0)).GetString(i);
    };
    const auto& days = static_cast<const arrow::Date32Array&>(*rows->GetColumnByName(dataset.session_column)->chunk(0));
    std::string last;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::size_t>(i);
      sessions[row] = Date{days.Value(i)};
      std::string id = text("instrument_id", i);
      if (i > 0 && id == last) {
        of_row[row] = of_row[row - 1];
        continue;
      }
      Instrument& one = instruments[id];
      one.symbol = text("symbol", i), one.series = text("series", i);
      of_row[row] = &one, last = std::move(id);
    }
  }
  std::set<std::string> symbols;
  for (const auto& [id, one] : instruments) symbols.insert(one.symbol);
  ARROW_ASSIGN_OR_RAISE(out.actions, actions_of(lake, dataset.exchange, {symbols.begin(), symbols.end()}, wide.known_at,
                                                versions, workers));

  // In effect: the ex-date is reached, by the table and by what is known.
  Date latest{INT32_MAX};
  if (auto range = sessions_of(snapshot, dataset.session_column)) latest = range->second;
  if (wide.known_at) latest = std::min(latest, dataset.calendar->zone().local_date(*wide.known_at));
  std::vector<std::string> priced;  // instruments whose factors need closes
  for (auto& [id, one] : instruments) {
    bool cash = false;
    for (const CorporateAction& action : out.actions.list) {
      if (action.symbol != one.symbol || action.ex_date > latest || !same_series(action.series, one.series)) continue;
      const bool dividend = action.kind == "dividend";
      if (dividend && !options.dividends) continue;
      one.actions.push_back(&action);
      cash |= dividend || action.kind == "rights";
    }
    if (cash) priced.push_back(id);
  }
  Closes closes;
  if (!priced.empty() && dataset.bar == kDay) {
    ARROW_ASSIGN_OR_RAISE(closes, closes_of(lake, wide, priced, dataset.session_column, workers, pool));
  }
  const int close_scale = dataset.column("close") != nullptr ? dataset.column("close")->scale : 0;
  for (auto& [id, one] : instruments)
    for (const CorporateAction* action : one.actions) {
      Factor factor{action->ex_date};
      const bool cash = action->kind == "dividend" || action->kind == "rights";
      if (cash) {
        factor.cash = cash_factor(*action, one, split_adjusted, closes[id], close_scale, out.notes);
        if (factor.cash == 1) continue;
      } else if (!split_adjusted) {
        factor.before = action->before, factor.after = action->after;
      } else {
        continue;
      }
      one.factors.push_back(factor);
    }

  // Products by row: of all factors with an ex-date after its session; prev_close is a price of the session before.
  std::vector<Product> products(sessions.size()), before(sessions.size());
  std::set<std::string> touched;
  arrow::StringBuilder labels(pool);
  arrow::DoubleBuilder values(pool);
  for (std::size_t row = 0; row < sessions.size(); ++row) {
    const Instrument& one = *of_row[row];
    if (row > 0 && of_row[row - 1] == &one && sessions[row - 1] == sessions[row]) {
      products[row] = products[row - 1], before[row] = before[row - 1];
    } else {
      for (const Factor& factor : one.factors) {
        if (factor.ex_date > sessions[row]) products[row].times(factor);
        if (factor.ex_date >= sessions[row]) before[row].times(factor);
      }
    }
    if (!one.factors.empty()) touched.insert(one.symbol);
    ARROW_RETURN_NOT_OK(labels.Append(one.factors.empty() ? "unadjusted" : "adjusted"));
    ARROW_RETURN_NOT_OK(values.Append(products[row].value()));
  }
  out.symbols = static_cast<std::int64_t>(symbols.size());
  for (const std::string& symbol : symbols)
    if (!touched.contains(symbol)) out.unadjusted.push_back(symbol);

  arrow::FieldVector fields;
  arrow::ChunkedArrayVector columns;
  const auto schema = rows->schema();
  for (int c = 0; c < schema->num_fields(); ++c) {
    const auto& field = schema->field(c);
    const std::string& name = field->name();
    if (std::find(extra.begin(), extra.end(), name) != extra.end()) continue;
    const auto id = field->type()->id();
    const bool price = is_price(name) && id == arrow::Type::DECIMAL64;
    const bool shares = is_count(name) && (id == arrow::Type::INT64 || id == arrow::Type::DOUBLE);
    if ((!price && !shares) || count == 0) {
      fields.push_back(field), columns.push_back(rows->column(c));
      continue;
    }
    const arrow::Array& from = *rows->column(c)->chunk(0);
    const auto& factors = name == "prev_close" ? before : products;
    std::shared_ptr<arrow::DataType> type = field->type();
    int shift = 0;
    if (price) {
      const int scale = static_cast<const arrow::Decimal64Type&>(*type).scale();
      shift = std::max(0, kLeastScale - scale);
      type = arrow::decimal64(18, scale + shift);
    }
    ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(type, pool));
    for (std::int64_t i = 0; i < count; ++i) {
      const Product& by = factors[static_cast<std::size_t>(i)];
      if (from.IsNull(i)) {
        ARROW_RETURN_NOT_OK(builder->AppendNull());
      } else if (price) {
        const auto value =
            static_cast<std::int64_t>(arrow::Decimal64(static_cast<const arrow::Decimal64Array&>(from).GetValue(i)));
        const Wide ten = kPowersOfTen[shift];
        const bool whole = by.exact && by.cash == 1;
        ARROW_ASSIGN_OR_RAISE(std::int64_t made, scaled(value, whole ? by.before * ten : 0, whole ? by.after : 1,
                                                        static_cast<double>(value) *
                                                            static_cast<double>(kPowersOfTen[shift]) * by.value()));
        ARROW_RETURN_NOT_OK(static_cast<arrow::Decimal64Builder&>(*builder).Append(arrow::Decimal64(made)));
      } else if (id == arrow::Type::INT64) {
        const std::int64_t value = static_cast<const arrow::Int64Array&>(from).Value(i);
        ARROW_ASSIGN_OR_RAISE(std::int64_t made, scaled(value, by.exact ? by.after : 0, by.exact ? by.before : 1,
                                                        static_cast<double>(value) / by.shares()));
        ARROW_RETURN_NOT_OK(static_cast<arrow::Int64Builder&>(*builder).Append(made));
      } else {
        const double value = static_cast<const arrow::DoubleArray&>(from).Value(i);
        ARROW_RETURN_NOT_OK(static_cast<arrow::DoubleBuilder&>(*builder).Append(value / by.shares()));
      }
    }
    ARROW_ASSIGN_OR_RAISE(auto made, builder->Finish());
    fields.push_back(field->WithType(type)), columns.push_back(std::make_shared<arrow::ChunkedArray>(made));
  }
  for (auto [name, builder] :
       {std::pair<const char*, arrow::ArrayBuilder*>{"adjustment_factor", &values}, {"adjustment", &labels}}) {
    ARROW_ASSIGN_OR_RAISE(auto made, builder->Finish());
    fields.push_back(arrow::field(name, made->type(), false));
    columns.push_back(std::make_shared<arrow::ChunkedArray>(made));
  }
  out.scan.rows = arrow::Table::Make(arrow::schema(std::move(fields)), std::move(columns), count);
  return out;
}

}  // namespace tapemill::lake
