#include "pipeline/stream_window.h"

#include <arrow/api.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "core/arithmetic.h"
#include "core/expression.h"

namespace tapemill::pipeline {
namespace {

constexpr std::pair<const char*, Aggregate::What> kFunctions[] = {
    {"first", Aggregate::What::first}, {"last", Aggregate::What::last}, {"min", Aggregate::What::min},
    {"max", Aggregate::What::max},     {"sum", Aggregate::What::sum},   {"mean", Aggregate::What::mean},
    {"count", Aggregate::What::count}};

/// All that any of the functions needs, of rows in their order. The sum is compensated (Neumaier), so that it hardly
/// depends on how a stream was cut.
struct Sums {
  std::int64_t count = 0;
  double first = 0, last = 0, least = 0, most = 0, sum = 0, lost = 0;

  void add_to_sum(double x) {
    const double total = sum + x;
    if (!std::isfinite(total)) {  // what is infinite stays so: a correction of it would be no number
      sum = total, lost = 0;
      return;
    }
    lost += std::fabs(sum) >= std::fabs(x) ? (sum - total) + x : (x - total) + sum;
    sum = total;
  }
  void add(double x) {
    if (arithmetic::is_null(x)) return;
    if (count++ == 0) first = least = most = x;
    last = x, least = std::min(least, x), most = std::max(most, x);
    add_to_sum(x);
  }
  void add(const Sums& later) {
    if (later.count == 0) return;
    if (count == 0) {
      *this = later;
      return;
    }
    count += later.count, last = later.last;
    least = std::min(least, later.least), most = std::max(most, later.most);
    add_to_sum(later.sum);
    lost += later.lost;
  }
  double value(Aggregate::What what) const {
    if (count == 0) return arithmetic::kNull;
    switch (what) {
      case Aggregate::What::first: return first;
      case Aggregate::What::last: return last;
      case Aggregate::What::min: return least;
      case Aggregate::What::max: return most;
      case Aggregate::What::sum: return sum + lost;
      case Aggregate::What::mean: return (sum + lost) / static_cast<double>(count);
      case Aggregate::What::count: return static_cast<double>(count);
    }
    return arithmetic::kNull;
  }
};

/// A piece of `every` rows or microseconds; a window is one or several of them side by side.
struct Pane {
  std::int64_t rows = 0;
  std::vector<Sums> values;
};
struct Group {
  std::vector<std::shared_ptr<arrow::Scalar>> key;
  std::map<std::int64_t, Pane> panes;
  std::int64_t rows = 0;
};

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

bool groups(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_string(type.id()) || type.id() == arrow::Type::DATE32 ||
         type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::BOOL || type.id() == arrow::Type::DOUBLE;
}

}  // namespace

Result<Aggregate> Aggregate::parse(const std::string& text) {
  std::string known;
  for (const auto& [name, what] : kFunctions) known += (known.empty() ? "" : ", ") + std::string(name);
  const auto wrong = [&](const std::string& why) {
    return usage_error(fmt::format("aggregate {}: {}", text, why),
                       "write NAME=FUNCTION(COLUMN), such as high=max(price); functions: " + known);
  };
  const auto equals = text.find('='), open = text.find('(', equals == std::string::npos ? 0 : equals);
  if (open == std::string::npos || text.back() != ')') return wrong("it names no function of a column");
  Aggregate out;
  const std::size_t at = equals == std::string::npos ? 0 : equals + 1;
  const std::string function = text.substr(at, open - at);
  out.column = text.substr(open + 1, text.size() - open - 2);
  out.name =
      equals == std::string::npos ? function + (out.column.empty() ? "" : "_" + out.column) : text.substr(0, equals);
  const auto found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                  [&](const auto& one) { return function == one.first; });
  if (found == std::end(kFunctions)) return wrong(fmt::format("there is no function {}", function));
  out.what = found->second;
  if (out.name.empty()) return wrong("it has no name");
  if (out.column.empty() && out.what != What::count) return wrong(fmt::format("{} needs a column", function));
  return out;
}

struct WindowStage::State {
  WindowOptions options;
  std::shared_ptr<arrow::Schema> in, out;
  std::vector<int> by;
  std::vector<std::optional<RowExpression>> values;  // nothing: count()
  int time = -1;
  std::int64_t pane = 0, panes = 1;  // size of one, and how many make a window
  std::unordered_map<std::string, std::size_t> at;
  std::vector<Group> groups;
  std::int64_t closed = INT64_MIN;  // windows of time whose last pane is at or below this have gone
  std::int64_t newest = INT64_MIN;  // instant
  std::int64_t late = 0;

  bool timed() const { return options.us > 0; }
  bool counted() const { return options.rows > 0; }

  static std::string text_of(const std::vector<std::shared_ptr<arrow::Scalar>>& key) {
    std::string text;
    for (const auto& value : key) {
      const std::string one = value->is_valid ? value->ToString() : "";
      text += fmt::format("{}{}:{}", value->is_valid ? "" : "null", one.size(), one);
    }
    return text;
  }

  Result<std::size_t> group_of(const arrow::RecordBatch& rows, std::int64_t row) {
    std::vector<std::shared_ptr<arrow::Scalar>> key;
    for (int column : by) {
      ARROW_ASSIGN_OR_RAISE(auto value, rows.column(column)->GetScalar(row));
      key.push_back(std::move(value));
    }
    auto [found, fresh] = at.try_emplace(text_of(key), groups.size());
    if (fresh) groups.push_back({std::move(key), {}, 0});
    return found->second;
  }

  /// Windows as rows of `out`, collected while one batch is worked on.
  struct Made {
    std::vector<std::size_t> group;
    std::vector<std::int64_t> start, end;
    std::vector<Pane> whole;
  };

  void make_window(std::size_t g, std::int64_t last, Made& made) const {
    const Group& group = groups[g];
    Pane whole;
    whole.values.resize(values.size());
    for (auto it = group.panes.lower_bound(last - panes + 1); it != group.panes.end() && it->first <= last; ++it) {
      whole.rows += it->second.rows;
      for (std::size_t i = 0; i < values.size(); ++i) whole.values[i].add(it->second.values[i]);
    }
    if (whole.rows == 0) return;
    made.group.push_back(g);
    made.start.push_back((last - panes + 1) * pane + options.offset_us);
    made.end.push_back((last + 1) * pane + options.offset_us);
    made.whole.push_back(std::move(whole));
  }

  /// Windows of time whose last pane is at most `last`, in the order of their ends.
  void close(std::int64_t last, Made& made) {
    std::map<std::int64_t, std::vector<std::size_t>> ends;  // last pane -> groups that have rows in it
    for (std::size_t g = 0; g < groups.size(); ++g)
      for (const auto& [index, pane_rows] : groups[g].panes)
        for (std::int64_t end = std::max(index, closed == INT64_MIN ? index : closed + 1);
             end < index + panes && end <= last; ++end) {
          auto& there = ends[end];
          if (there.empty() || there.back() != g) there.push_back(g);
        }
    for (const auto& [end, of] : ends)
      for (std::size_t g : of) make_window(g, end, made);
    closed = std::max(closed, last);
    for (Group& group : groups) group.panes.erase(group.panes.begin(), group.panes.upper_bound(closed - panes + 1));
  }

  Result<Batch> batch(const Made& made) const {
    const std::int64_t rows = static_cast<std::int64_t>(made.group.size());
    if (rows == 0) return Batch();
    ARROW_ASSIGN_OR_RAISE(auto builder, arrow::RecordBatchBuilder::Make(out, arrow::default_memory_pool(), rows));
    int column = 0;
    for (std::size_t i = 0; i < by.size(); ++i, ++column)
      for (std::size_t g : made.group) ARROW_RETURN_NOT_OK(builder->GetField(column)->AppendScalar(*groups[g].key[i]));
    if (timed() || counted())
      for (const auto* values_of : {&made.start, &made.end}) {
        for (std::int64_t value : *values_of)
          ARROW_RETURN_NOT_OK(timed() ? builder->GetFieldAs<arrow::TimestampBuilder>(column)->Append(value)
                                      : builder->GetFieldAs<arrow::Int64Builder>(column)->Append(value));
        ++column;
      }
    for (std::size_t i = 0; i < values.size(); ++i, ++column)
      for (const Pane& whole : made.whole) {
        const auto what = options.values[i].what;
        if (what == Aggregate::What::count) {
          ARROW_RETURN_NOT_OK(
              builder->GetFieldAs<arrow::Int64Builder>(column)->Append(values[i] ? whole.values[i].count : whole.rows));
          continue;
        }
        const double value = whole.values[i].value(what);
        auto* one = builder->GetFieldAs<arrow::DoubleBuilder>(column);
        ARROW_RETURN_NOT_OK(arithmetic::is_null(value) ? one->AppendNull() : one->Append(value));
      }
    return builder->Flush();
  }
};

WindowStage::WindowStage(std::unique_ptr<State> state) : state_(std::move(state)) {}
WindowStage::~WindowStage() = default;
std::int64_t WindowStage::late_rows() const { return state_->late; }
const std::shared_ptr<arrow::Schema>& WindowStage::schema() const { return state_->out; }

Result<std::unique_ptr<WindowStage>> WindowStage::make(const arrow::Schema& schema, WindowOptions options) {
  auto state = std::make_unique<State>();
  state->in = std::make_shared<arrow::Schema>(schema);
  if (options.rows > 0 && options.us > 0) return usage_error("a window is of rows or of time, not of both");
  const std::int64_t size = options.us > 0 ? options.us : options.rows;
  if (options.every == 0) options.every = size;
  if (size > 0 && (options.every < 0 || options.every > size || size % options.every != 0))
    return usage_error(fmt::format("windows of {} cannot start every {}", size, options.every),
                       "the second divides the first");
  if (constexpr std::int64_t most = 10'000; size > 0 && size / options.every > most)
    return usage_error(fmt::format("each row would lie in {} windows", size / options.every),
                       fmt::format("{} at the most: let them start later, with --every", most));
  state->pane = size == 0 ? 1 : options.every, state->panes = size == 0 ? 1 : size / options.every;
  arrow::FieldVector fields;
  auto column = [&](const std::string& name, const char* use) -> Result<int> {
    const int at = schema.GetFieldIndex(name);
    if (at >= 0) return at;
    const auto names = schema.field_names();
    const std::string near = nearest(name, names);
    return usage_error(
        fmt::format("there is no column {} to {} by", name, use),
        near.empty() ? "the columns are: " + fmt::format("{}", fmt::join(names, ", ")) : "did you mean " + near + "?");
  };
  for (const std::string& name : options.by) {
    ARROW_ASSIGN_OR_RAISE(int at, column(name, "group"));
    if (!groups(*schema.field(at)->type()))
      return usage_error(fmt::format("column {} is {}: rows are grouped by text, numbers, dates and instants", name,
                                     schema.field(at)->type()->ToString()));
    state->by.push_back(at);
    fields.push_back(schema.field(at));
  }
  if (options.us > 0) {
    ARROW_ASSIGN_OR_RAISE(state->time, column(options.time, "cut"));
    const auto& type = *schema.field(state->time)->type();
    if (type.id() != arrow::Type::TIMESTAMP ||
        static_cast<const arrow::TimestampType&>(type).unit() != arrow::TimeUnit::MICRO)
      return usage_error(fmt::format("column {} is {}: windows of time need instants", options.time, type.ToString()),
                         "name another with --time");
  }
  if (size > 0) {
    const auto type = options.us > 0 ? schema.field(state->time)->type() : arrow::int64();
    fields.push_back(arrow::field("window_start", type)), fields.push_back(arrow::field("window_end", type));
  }
  for (const Aggregate& one : options.values) {
    std::optional<RowExpression> expression;
    if (!one.column.empty()) {
      const std::string where = "aggregate " + one.name;
      ARROW_ASSIGN_OR_RAISE(auto parsed, Expression::parse(one.column, where));
      ARROW_ASSIGN_OR_RAISE(expression, RowExpression::compile(parsed, schema, where));
    }
    state->values.push_back(std::move(expression));
    fields.push_back(arrow::field(one.name, one.what == Aggregate::What::count ? arrow::int64() : arrow::float64()));
  }
  std::set<std::string> names;
  for (const auto& field : fields)
    if (!names.insert(field->name()).second)
      return usage_error(fmt::format("two columns of the result would be called {}", field->name()),
                         "name the value otherwise: NAME=FUNCTION(COLUMN)");
  state->out = arrow::schema(std::move(fields));
  state->options = std::move(options);
  return std::unique_ptr<WindowStage>(new WindowStage(std::move(state)));
}

Result<Batch> WindowStage::process(const Batch& rows) {
  State& state = *state_;
  std::vector<std::vector<double>> values(state.values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (state.values[i]) { ARROW_ASSIGN_OR_RAISE(values[i], state.values[i]->evaluate(*rows)); }
  const auto* times =
      state.timed() ? static_cast<const arrow::TimestampArray*>(rows->column(state.time).get()) : nullptr;
  State::Made made;
  for (std::int64_t row = 0; row < rows->num_rows(); ++row) {
    std::int64_t index = 0;
    if (times != nullptr) {
      if (times->IsNull(row)) {
        ++state.late;
        continue;
      }
      index = floor_div(times->Value(row) - state.options.offset_us, state.pane);
      state.newest = std::max(state.newest, times->Value(row));
    }
    ARROW_ASSIGN_OR_RAISE(std::size_t g, state.group_of(*rows, row));
    Group& group = state.groups[g];
    if (state.counted()) index = group.rows / state.pane;
    if (times != nullptr && state.closed != INT64_MIN && index + state.panes - 1 <= state.closed) {
      ++state.late;
      continue;
    }
    ++group.rows;
    Pane& pane = group.panes[index];
    if (pane.values.empty()) pane.values.resize(values.size());
    ++pane.rows;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!values[i].empty()) pane.values[i].add(values[i][static_cast<std::size_t>(row)]);
    if (state.counted() && group.rows % state.pane == 0) {
      if (index + 1 >= state.panes) state.make_window(g, index, made);
      group.panes.erase(group.panes.begin(), group.panes.upper_bound(index - state.panes + 1));
    }
    if (times != nullptr) {
      const std::int64_t last =
          floor_div(state.newest - state.options.late_us - state.options.offset_us, state.pane) - 1;
      if (state.closed == INT64_MIN || last > state.closed) state.close(last, made);
    }
  }
  return state.batch(made);
}

Result<Batch> WindowStage::finish() {
  State& state = *state_;
  State::Made made;
  if (state.timed()) {
    std::int64_t last = INT64_MIN;
    for (const Group& group : state.groups)
      if (!group.panes.empty()) last = std::max(last, group.panes.rbegin()->first + state.panes - 1);
    if (last != INT64_MIN) state.close(last, made);
  } else {
    for (std::size_t g = 0; g < state.groups.size(); ++g) {
      const Group& group = state.groups[g];
      if (group.panes.empty() || (state.counted() && group.rows % state.pane == 0 && group.rows >= state.options.rows))
        continue;
      state.make_window(g, group.panes.rbegin()->first, made);
    }
  }
  return state.batch(made);
}

Status WindowStage::merge(WindowStage&& later) {
  State& state = *state_;
  if (state.timed() || state.counted()) return usage_error("windows of rows or time cannot be joined");
  if (!state.in->Equals(*later.state_->in))
    return data_error("its columns or types differ from those of the files before it",
                      "give types to columns whose first rows mislead: --types COLUMN=TYPE");
  for (Group& group : later.state_->groups) {
    auto [found, fresh] = state.at.try_emplace(State::text_of(group.key), state.groups.size());
    if (fresh) {
      state.groups.push_back(std::move(group));
      continue;
    }
    Group& into = state.groups[found->second];
    into.rows += group.rows;
    for (auto& [index, pane] : group.panes) {
      Pane& there = into.panes[index];
      if (there.values.empty()) there.values.resize(pane.values.size());
      there.rows += pane.rows;
      for (std::size_t i = 0; i < pane.values.size(); ++i) there.values[i].add(pane.values[i]);
    }
  }
  state.late += later.state_->late;
  return Status::OK();
}

}  // namespace tapemill::pipeline
