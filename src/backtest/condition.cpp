#include "backtest/condition.h"
#include "core/json.h"

#include <fmt/format.h>

#include <charconv>

namespace tapemill::backtest {
namespace {

constexpr const char* kOps[] = {"gt", "lt", "gte", "lte", "eq", "ne"};
constexpr const char* kSigns[] = {">", "<", ">=", "<=", "==", "!="};

struct Named {
  const char* name;
  Metric::Id id;
  const char* args;  // those it takes, blank-separated
};
constexpr Named kMetrics[] = {
    {"PRICE_LTP", Metric::Id::ltp, "leg symbol"},
    {"LTP", Metric::Id::ltp, "leg symbol"},
    {"BID_L1", Metric::Id::bid, "leg"},
    {"ASK_L1", Metric::Id::ask, "leg"},
    {"SPREAD_L1", Metric::Id::spread, "leg"},
    {"EMA", Metric::Id::ema, "n field bar leg"},
    {"SMA", Metric::Id::sma, "n field bar leg"},
    {"RSI", Metric::Id::rsi, "n field bar leg"},
    {"SPOT", Metric::Id::spot, ""},
    {"OPEN_DAY", Metric::Id::open_day, "leg symbol"},
    {"PREV_CLOSE", Metric::Id::previous_close, "leg symbol"},
    {"ORB_HIGH", Metric::Id::orb_high, "range leg symbol"},
    {"ORB_LOW", Metric::Id::orb_low, "range leg symbol"},
    {"VIX", Metric::Id::vix, ""},
    {"PnL", Metric::Id::pnl, ""},
    {"Drawdown", Metric::Id::drawdown, ""},
};

/// "5M" -> five minutes, "1S" -> a second; 0 where it is neither.
std::int64_t window_of(std::string_view text) {
  int n = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (failed != std::errc{} || n < 1 || n > 24 * 3600 || end + 1 != text.data() + text.size()) return 0;
  return *end == 'M' ? n * kMinute : *end == 'S' ? n * kSecond : 0;
}

/// VOL_5M, VOL_5M_RATE, RV_10S.
bool windowed(std::string_view text, Metric& out) {
  if (text.starts_with("VOL_")) {
    bool rate = text.ends_with("_RATE");
    out.id = rate ? Metric::Id::volume_rate : Metric::Id::volume;
    text.remove_prefix(4);
    if (rate) text.remove_suffix(5);
  } else if (text.starts_with("RV_")) {
    out.id = Metric::Id::realized;
    out.underlying = true;
    text.remove_prefix(3);
  } else {
    return false;
  }
  out.window = window_of(text);
  return out.window > 0;
}

Status read_range(const Node& node, Metric& out) {
  ARROW_ASSIGN_OR_RAISE(std::string text, node.as_string());
  auto dash = text.find('-');
  if (dash == std::string::npos) return node.error("a range is written \"09:15-09:30\"");
  auto from = parse_time_of_day(text.substr(0, dash)), to = parse_time_of_day(text.substr(dash + 1));
  if (!from.ok() || !to.ok() || *from >= *to)
    return node.error("a range is written \"09:15-09:30\", its start before its end");
  out.from = *from, out.to = *to;
  return Status::OK();
}

Status read_args(const Node& node, const std::string& takes, Metric& out) {
  std::vector<std::string> known;
  for (std::size_t at = 0; at < takes.size();) {
    auto end = std::min(takes.find(' ', at), takes.size());
    known.push_back(takes.substr(at, end - at));
    at = end + 1;
  }
  if (known.size() == 1 && known[0].empty()) known.clear();
  ARROW_RETURN_NOT_OK(node.only(known));
  for (const auto& [key, value] : node.members) {
    if (key.text == "leg") {
      ARROW_ASSIGN_OR_RAISE(std::int64_t leg, value.as_integer());
      ARROW_RETURN_NOT_OK(check_range(value, static_cast<double>(leg), 0, 99));
      out.leg = static_cast<int>(leg);
      out.underlying = false;
    } else if (key.text == "symbol") {
      out.underlying = true;
    } else if (key.text == "n") {
      ARROW_ASSIGN_OR_RAISE(std::int64_t n, value.as_integer());
      ARROW_RETURN_NOT_OK(check_range(value, static_cast<double>(n), 1, 10'000));
      out.n = static_cast<int>(n);
    } else if (key.text == "field") {
      ARROW_ASSIGN_OR_RAISE(out.field, value.as_string());
      ARROW_RETURN_NOT_OK(check_choice(value, out.field, "price|volume|oi|spot"));
      out.underlying = out.field == "spot";
    } else if (key.text == "bar") {
      ARROW_ASSIGN_OR_RAISE(std::string text, value.as_string());
      auto bar = parse_duration(text);
      if (!bar.ok() || *bar < kSecond || *bar % kSecond != 0)
        return value.error("a bar is a whole number of seconds, such as 1s or 1m");
      out.bar = *bar;
    } else {
      ARROW_RETURN_NOT_OK(read_range(value, out));
    }
  }
  return Status::OK();
}

Status read_metric(const Node& node, const std::string& text, const Node* args, Metric& out) {
  std::string takes;
  bool found = windowed(text, out);
  if (found) {
    takes = out.id == Metric::Id::realized ? "" : "leg";
  } else {
    for (const Named& one : kMetrics) {
      if (text != one.name) continue;
      found = true, out.id = one.id, takes = one.args;
    }
  }
  if (!found) {
    std::vector<std::string> names{"VOL_1S", "VOL_1M", "VOL_5M", "VOL_1M_RATE", "RV_5M"};
    for (const Named& one : kMetrics) names.emplace_back(one.name);
    std::string near = nearest(text, names);
    return node.error(fmt::format("unknown metric \"{}\"", text),
                      (near.empty() ? std::string{} : fmt::format("did you mean \"{}\"? ", near)) +
                          "metrics: " + fmt::format("{}", fmt::join(names, ", ")));
  }
  if (args != nullptr) {
    if (!args->is_map()) return args->error("args is a map, such as {n: 5, bar: 1m}");
    ARROW_RETURN_NOT_OK(read_args(*args, takes, out));
  }
  bool averaged = out.id == Metric::Id::ema || out.id == Metric::Id::sma || out.id == Metric::Id::rsi;
  if (averaged && (out.n == 0 || out.bar == 0)) {
    return node.error(fmt::format("{} needs n and bar", text),
                      "write {metric: EMA, args: {n: 5, bar: 1m}}; n alone does not say of which bars");
  }
  if ((out.id == Metric::Id::orb_high || out.id == Metric::Id::orb_low) && out.to == 0) {
    return node.error(fmt::format("{} needs a range", text),
                      "write {metric: ORB_HIGH, args: {range: \"09:15-09:30\"}}");
  }
  if (out.id == Metric::Id::open_day || out.id == Metric::Id::previous_close || out.id == Metric::Id::orb_high ||
      out.id == Metric::Id::orb_low) {
    out.underlying = out.underlying || args == nullptr || args->find("leg") == nullptr;
  }
  out.canonical = {{"metric", text == "LTP" ? "PRICE_LTP" : text}};
  if (args != nullptr && !args->members.empty()) {
    std::map<std::string, Json> sorted;
    for (const auto& [key, value] : args->members) sorted[key.text] = value.json();
    for (auto& [key, value] : sorted) out.canonical["args"][key] = value;
  }
  return Status::OK();
}

Status read_side(const Node& node, Side& out) {
  if (node.type == Node::Type::number) {
    out.is_number = true;
    ARROW_ASSIGN_OR_RAISE(out.number, node.as_number());
    return Status::OK();
  }
  if (node.type == Node::Type::string) return read_metric(node, node.text, nullptr, out.metric);
  if (!node.is_map())
    return node.error("a side is a number or a metric, such as SPOT or {metric: EMA, args: {n: 5, bar: 1m}}");
  ARROW_RETURN_NOT_OK(node.only({"metric", "args"}));
  ARROW_ASSIGN_OR_RAISE(const Node* metric, node.need("metric"));
  ARROW_ASSIGN_OR_RAISE(std::string text, metric->as_string());
  return read_metric(*metric, text, node.find("args"), out.metric);
}

}  // namespace

const char* name(Condition::Op op) { return kSigns[static_cast<int>(op)]; }

Status read_value(const Node& node, Condition& out) {
  if (!node.is_map() || node.members.size() != 1) {
    return node.error("a condition is one of all, any, not, gt, lt, gte, lte, eq, ne",
                      "write {gt: [SPOT, 48000]} or {all: [...]}");
  }
  const auto& [key, value] = node.members.front();
  ARROW_RETURN_NOT_OK(node.only({"all", "any", "not", "gt", "lt", "gte", "lte", "eq", "ne"}));
  if (key.text == "not") {
    out.kind = Condition::Kind::negate;
    return read_value(value, out.children.emplace_back());
  }
  if (!value.is_list()) return value.error(fmt::format("{} takes a list", key.text));
  if (key.text == "all" || key.text == "any") {
    out.kind = key.text == "all" ? Condition::Kind::all : Condition::Kind::any;
    if (value.items.empty()) return value.error(fmt::format("an empty \"{}\" says nothing", key.text));
    for (const Node& item : value.items) ARROW_RETURN_NOT_OK(read_value(item, out.children.emplace_back()));
    return Status::OK();
  }
  out.kind = Condition::Kind::compare;
  for (int op = 0; op < 6; ++op) {
    if (key.text == kOps[op]) out.op = static_cast<Condition::Op>(op);
  }
  if (value.items.size() != 2)
    return value.error(fmt::format("{} compares two sides", key.text), "write {gt: [left, right]}");
  ARROW_RETURN_NOT_OK(read_side(value.items[0], out.left));
  return read_side(value.items[1], out.right);
}

Json Condition::canonical() const {
  if (kind == Kind::none) return nullptr;
  if (kind == Kind::negate) return {{"not", children[0].canonical()}};
  Json list = Json::array();
  if (kind == Kind::compare) {
    for (const Side* side : {&left, &right})
      list.push_back(side->is_number ? Json(side->number) : side->metric.canonical);
    return {{kOps[static_cast<int>(op)], list}};
  }
  for (const Condition& child : children) list.push_back(child.canonical());
  return {{kind == Kind::all ? "all" : "any", list}};
}

void Condition::metrics(std::vector<const Metric*>& out) const {
  for (const Condition& child : children) child.metrics(out);
  if (kind != Kind::compare) return;
  for (const Side* side : {&left, &right}) {
    if (!side->is_number) out.push_back(&side->metric);
  }
}

void warn(const Condition& condition, std::vector<std::string>& warnings) {
  for (const Condition& child : condition.children) warn(child, warnings);
  if (condition.kind != Condition::Kind::compare || condition.left.is_number || condition.right.is_number) return;
  const Metric &a = condition.left.metric, &b = condition.right.metric;
  if (a.id != Metric::Id::volume || b.id != Metric::Id::volume || a.leg != b.leg) return;
  bool shorter_above = condition.op == Condition::Op::gt && a.window <= b.window;
  bool longer_below = condition.op == Condition::Op::lt && a.window >= b.window;
  if (shorter_above || longer_below) {
    warnings.push_back(fmt::format(
        "{} {} {} can never hold: the longer window contains the shorter; compare rates: VOL_1M_RATE",
        a.canonical["metric"].get<std::string>(), name(condition.op), b.canonical["metric"].get<std::string>()));
  }
}

}  // namespace tapemill::backtest
