#include "backtest/rules.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/config.h"
#include "core/decimal.h"
#include "core/document.h"
#include "core/hash.h"
#include "core/paths.h"

namespace tapemill::backtest {
namespace {

Status read_date(const Node& row, const char* key, std::optional<Date>& out) {
  const Node* node = row.find(key);
  if (node == nullptr) return Status::OK();
  auto date = Date::parse(node->text);
  if (!date.ok()) return node->error(date.status().message());
  out = *date;
  return Status::OK();
}

Status read_text(const Node& row, const char* key, bool needed, std::string& out) {
  if (!needed && row.find(key) == nullptr) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(const Node* node, row.need(key));
  return node->as_string().Value(&out);
}

}  // namespace

bool Rules::Row::holds(const RuleQuestion& q) const {
  if (what != q.what || (!series.empty() && series != q.series)) return false;
  if (by == "expiry" && !q.expiry) return false;
  Date date = by == "expiry" ? *q.expiry : q.trade_date;
  if (date < from || (to && date > *to)) return false;
  return (!traded_from || q.trade_date >= *traded_from) && (!traded_to || q.trade_date <= *traded_to);
}

Result<Rules> Rules::parse(std::string text, std::string file) {
  Rules rules;
  rules.file_ = file;
  rules.hash_ = sha256(text);
  ARROW_ASSIGN_OR_RAISE(Document document, Document::parse_yaml(std::move(text), std::move(file)));
  const Node& root = document.root();
  ARROW_RETURN_NOT_OK(root.only({"rules", "title", "calendar", "currency", "rows"}));
  ARROW_RETURN_NOT_OK(read_text(root, "rules", true, rules.name_));
  ARROW_RETURN_NOT_OK(read_text(root, "calendar", true, rules.calendar_));
  ARROW_RETURN_NOT_OK(read_text(root, "currency", true, rules.currency_));
  ARROW_ASSIGN_OR_RAISE(const Node* rows, root.need("rows"));
  if (!rows->is_list()) return rows->error("rows is a list");
  for (const Node& node : rows->items) {
    ARROW_RETURN_NOT_OK(node.only(
        {"what", "underlying", "series", "by", "from", "to", "traded_from", "traded_to", "value", "unit", "source"}));
    Row row;
    ARROW_RETURN_NOT_OK(read_text(node, "what", true, row.what));
    ARROW_RETURN_NOT_OK(read_text(node, "underlying", false, row.underlying));
    ARROW_RETURN_NOT_OK(read_text(node, "series", false, row.series));
    ARROW_RETURN_NOT_OK(read_text(node, "by", true, row.by));
    ARROW_RETURN_NOT_OK(check_choice(*node.find("by"), row.by, "expiry|trade_date"));
    ARROW_RETURN_NOT_OK(read_text(node, "value", true, row.value));
    ARROW_RETURN_NOT_OK(read_text(node, "source", true, row.source));
    std::optional<Date> from;
    ARROW_RETURN_NOT_OK(node.need("from").status());
    ARROW_RETURN_NOT_OK(read_date(node, "from", from));
    row.from = *from;
    ARROW_RETURN_NOT_OK(read_date(node, "to", row.to));
    ARROW_RETURN_NOT_OK(read_date(node, "traded_from", row.traded_from));
    ARROW_RETURN_NOT_OK(read_date(node, "traded_to", row.traded_to));
    if (row.by != "expiry" && (row.traded_from || row.traded_to))
      return node.error("traded_from and traded_to belong to rules by expiry");
    rules.rows_.push_back(std::move(row));
  }
  return rules;
}

Result<Rules> Rules::load(const std::string& name) {
  std::string path = name;
  if (!name.ends_with(".yaml")) {
    path = "rules/" + name + ".yaml";
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) path = share_folder() + "/rules/" + name + ".yaml";
  }
  ARROW_ASSIGN_OR_RAISE(std::string text, read_file(path));
  return parse(std::move(text), path);
}

Result<std::string> Rules::find(const RuleQuestion& q) const {
  std::string asked = q.what + (q.underlying.empty() ? "" : " of " + q.underlying) +
                      (q.series.empty() ? "" : ", " + q.series) + (q.expiry ? ", expiry " + q.expiry->str() : "") +
                      ", on " + q.trade_date.str();
  bool own = false;  // rows of the underlying itself shadow those for every one
  for (const Row& row : rows_)
    own = own || (row.what == q.what && !row.underlying.empty() && row.underlying == q.underlying);
  const Row* found = nullptr;
  for (const Row& row : rows_) {
    if (row.underlying != (own ? q.underlying : std::string{}) || !row.holds(q)) continue;
    if (found != nullptr)
      return data_error(fmt::format("{}: two rows answer {}", file_, asked), "validities must not overlap");
    found = &row;
  }
  if (found == nullptr)
    return data_error(fmt::format("{} says nothing of {}", file_, asked),
                      "add a row with its source (docs/formats/rules.md)");
  return found->value;
}

Result<std::int64_t> Rules::find(const RuleQuestion& question, int scale) const {
  ARROW_ASSIGN_OR_RAISE(std::string text, find(question));
  std::int64_t value = 0;
  DecimalParse parsed = parse_decimal(text, scale, value);
  if (parsed != DecimalParse::ok)
    return data_error(fmt::format("{}: {} = {}: {}", file_, question.what, text, reason(parsed)));
  return value;
}

}  // namespace tapemill::backtest
