#include "pipeline/contract_terms.h"

#include <arrow/api.h>

#include <algorithm>
#include <numeric>

#include "core/decimal.h"
#include "lake/sort.h"

namespace tapemill::pipeline {
namespace {

constexpr std::int64_t kNone = INT64_MIN;  // no strike, lot or step is that

std::int64_t at_scale(std::int64_t value, int scale) {
  return scale > kContractScale ? value / kPowersOfTen[scale - kContractScale]
                                : value * kPowersOfTen[kContractScale - scale];
}

int scale_of(const arrow::DataType& type) { return static_cast<const arrow::Decimal64Type&>(type).scale(); }

const std::int64_t* numbers(const arrow::Array& decimals) {
  return reinterpret_cast<const std::int64_t*>(static_cast<const arrow::Decimal64Array&>(decimals).raw_values());
}

class Terms {
 public:
  Terms(const arrow::RecordBatch& rows, const backtest::Rules& rules, arrow::MemoryPool* pool)
      : rules_(rules),
        pool_(pool),
        count_(rows.num_rows()),
        symbol_(column<arrow::StringArray>(rows, "symbol")),
        type_(column<arrow::StringArray>(rows, "instrument_type")),
        session_(column<arrow::Date32Array>(rows, "session")),
        expiry_(column<arrow::Date32Array>(rows, "expiry")),
        strike_(column<arrow::Decimal64Array>(rows, "strike")),
        lots_(column<arrow::Int64Array>(rows, "lot_size")) {}

  Result<std::shared_ptr<arrow::RecordBatch>> make() {
    ARROW_RETURN_NOT_OK(put_in_order());
    const auto n = static_cast<std::size_t>(count_);
    monthly_.assign(n, 0), by_rule_.assign(n, 0);
    lot_.assign(n, kNone), tick_.assign(n, kNone), step_.assign(n, kNone);
    for (std::size_t begin = 0; begin < n;) {
      std::size_t end = begin + 1;
      while (end < n && same_chain(order_[begin], order_[end])) ++end;
      chain(begin, end);
      begin = end;
    }
    return batch();
  }

 private:
  template <class Array>
  static const Array& column(const arrow::RecordBatch& rows, const char* name) {
    return static_cast<const Array&>(*rows.GetColumnByName(name));
  }

  /// By session, symbol, expiry and strike; a unit of one session comes so.
  Status put_in_order() {
    auto array = [](const auto& one) { return arrow::MakeArray(one.data()); };
    ARROW_ASSIGN_OR_RAISE(auto keys,
                          lake::RowKeys::make({array(session_), array(symbol_), array(expiry_), array(strike_)}));
    ARROW_ASSIGN_OR_RAISE(auto order, keys.order(pool_));
    order_.resize(static_cast<std::size_t>(count_));
    if (order == nullptr) {
      std::iota(order_.begin(), order_.end(), 0u);
    } else {
      const auto* values = static_cast<const arrow::UInt32Array&>(*order).raw_values();
      std::copy_n(values, order_.size(), order_.begin());
    }
    return Status::OK();
  }

  bool same_names(std::uint32_t a, std::uint32_t b) const {
    return session_.Value(a) == session_.Value(b) && symbol_.GetView(a) == symbol_.GetView(b);
  }
  bool same_chain(std::uint32_t a, std::uint32_t b) const {
    return expiry_.Value(a) == expiry_.Value(b) && same_names(a, b);
  }

  std::int64_t ask(const char* what, std::uint32_t row, int scale) const {
    auto found =
        rules_.find({what, symbol_.GetString(row), Date{session_.Value(row)}, Date{expiry_.Value(row)}, {}}, scale);
    return found.ok() ? *found : kNone;
  }

  void chain(std::size_t begin, std::size_t end) {
    const std::uint32_t first = order_[begin];
    bool monthly = true;  // expiries ascend: the next chain's is the next of this symbol
    if (end < order_.size() && same_names(first, order_[end])) {
      const Date here{expiry_.Value(first)}, next{expiry_.Value(order_[end])};
      monthly = here.year() != next.year() || here.month() != next.month();
    }
    std::optional<std::int64_t> lot, tick;  // of the rules: one a chain, and seldom wanted
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint32_t row = order_[i];
      monthly_[row] = monthly;
      if (lots_.IsValid(row)) {
        lot_[row] = lots_.Value(row);
      } else {
        if (!lot) lot = ask("lot_size", first, 0);
        lot_[row] = *lot, by_rule_[row] = 1;
      }
      const std::string_view type = type_.GetView(row);  // the rules' tick is the indices'
      if (type.starts_with("ID") || type.ends_with("IDX")) {
        if (!tick) tick = ask("tick_size", first, kContractScale);
        tick_[row] = *tick;
      }
    }
    steps(begin, end);
  }

  /// Strikes ascend, nulls first; those of calls and puts, and of several contracts, are one.
  void steps(std::size_t begin, std::size_t end) {
    const std::int64_t* values = numbers(strike_);
    const int scale = scale_of(*strike_.type());
    while (begin < end && strike_.IsNull(order_[begin])) ++begin;
    std::int64_t before = kNone;
    for (std::size_t i = begin; i < end;) {
      const std::int64_t here = at_scale(values[order_[i]], scale);
      std::size_t next = i + 1;
      while (next < end && at_scale(values[order_[next]], scale) == here) ++next;
      std::int64_t step = before == kNone ? kNone : here - before;
      if (next < end) {
        const std::int64_t up = at_scale(values[order_[next]], scale) - here;
        step = step == kNone ? up : std::min(step, up);
      }
      for (; i < next; ++i) step_[order_[i]] = step;
      before = here;
    }
  }

  Result<std::shared_ptr<arrow::RecordBatch>> batch() const {
    arrow::StringBuilder kinds(pool_), sources(pool_);
    arrow::Int64Builder lots(pool_);
    arrow::Decimal64Builder ticks(arrow::decimal64(18, kContractScale), pool_), steps(ticks.type(), pool_);
    for (auto* texts : {&kinds, &sources}) {
      ARROW_RETURN_NOT_OK(texts->Reserve(count_));
      ARROW_RETURN_NOT_OK(texts->ReserveData(count_ * 7));
    }
    ARROW_RETURN_NOT_OK(lots.Reserve(count_));
    ARROW_RETURN_NOT_OK(ticks.Reserve(count_));
    ARROW_RETURN_NOT_OK(steps.Reserve(count_));
    constexpr std::string_view monthly = "monthly", weekly = "weekly", rules = "rules", file = "file";
    auto put = [](arrow::Decimal64Builder& builder, std::int64_t value) {
      if (value == kNone) builder.UnsafeAppendNull();
      else builder.UnsafeAppend(arrow::Decimal64(value));
    };
    for (std::size_t i = 0; i < order_.size(); ++i) {
      kinds.UnsafeAppend(monthly_[i] ? monthly : weekly);
      if (lot_[i] != kNone) lots.UnsafeAppend(lot_[i]), sources.UnsafeAppend(by_rule_[i] ? rules : file);
      else lots.UnsafeAppendNull(), sources.UnsafeAppendNull();
      put(ticks, tick_[i]);
      put(steps, step_[i]);
    }
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (arrow::ArrayBuilder* one :
         {static_cast<arrow::ArrayBuilder*>(&kinds), static_cast<arrow::ArrayBuilder*>(&lots),
          static_cast<arrow::ArrayBuilder*>(&sources), static_cast<arrow::ArrayBuilder*>(&ticks),
          static_cast<arrow::ArrayBuilder*>(&steps)}) {
      fields.push_back(arrow::field(contract_term_names()[columns.size()], one->type()));
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), one->Finish());
    }
    return arrow::RecordBatch::Make(arrow::schema(fields), count_, columns);
  }

  const backtest::Rules& rules_;
  arrow::MemoryPool* pool_;
  std::int64_t count_;
  const arrow::StringArray &symbol_, &type_;
  const arrow::Date32Array &session_, &expiry_;
  const arrow::Decimal64Array& strike_;
  const arrow::Int64Array& lots_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint8_t> monthly_, by_rule_;
  std::vector<std::int64_t> lot_, tick_, step_;
};

}  // namespace

const std::vector<std::string>& contract_term_inputs() {
  static const std::vector<std::string> names{"symbol", "session", "instrument_type", "expiry", "strike", "lot_size"};
  return names;
}

const std::vector<std::string>& contract_term_names() {
  static const std::vector<std::string> names{"expiry_kind", "lot_size", "lot_source", "tick_size", "strike_step"};
  return names;
}

Result<std::shared_ptr<arrow::RecordBatch>> contract_terms(const arrow::RecordBatch& rows, const backtest::Rules& rules,
                                                           arrow::MemoryPool* pool) {
  return Terms(rows, rules, pool).make();
}

Result<std::shared_ptr<arrow::Array>> contract_money(const std::shared_ptr<arrow::Array>& decimals,
                                                     arrow::MemoryPool* pool) {
  const int scale = scale_of(*decimals->type());
  if (scale == kContractScale) return decimals;
  arrow::Decimal64Builder out(arrow::decimal64(18, kContractScale), pool);
  const std::int64_t* values = numbers(*decimals);
  for (std::int64_t i = 0; i < decimals->length(); ++i)
    ARROW_RETURN_NOT_OK(decimals->IsNull(i) ? out.AppendNull()
                                            : out.Append(arrow::Decimal64(at_scale(values[i], scale))));
  return out.Finish();
}

}  // namespace tapemill::pipeline
