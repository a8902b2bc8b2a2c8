#include "core/read_check.h"

#include "core/config.h"
#include "core/time.h"

namespace tapemill {

Status read_text(const Node& map, const char* key, std::string& out, bool needed) {
  const Node* node = map.find(key);
  if (node == nullptr) return needed ? map.need(key).status() : Status::OK();
  return node->as_string().Value(&out);
}

Status read_names(const Node& map, const char* key, std::vector<std::string>& out) {
  const Node* node = map.find(key);
  if (node == nullptr) return Status::OK();
  if (!node->is_list()) return node->error(fmt::format("\"{}\" is a list of names", key));
  for (const Node& item : node->items) {
    ARROW_ASSIGN_OR_RAISE(std::string name, item.as_string());
    out.push_back(std::move(name));
  }
  return Status::OK();
}

namespace {

Status read_severity(const Node& node, const std::string& text, CheckSpec::Severity& out) {
  if (text == "warn") out = CheckSpec::Severity::warn;
  else if (text == "quarantine") out = CheckSpec::Severity::quarantine;
  else if (text == "stop") out = CheckSpec::Severity::stop;
  else return node.error(fmt::format("\"{}\" is no severity", text), "a check says warn, quarantine or stop");
  return Status::OK();
}

}  // namespace

Result<CheckSpec> read_check(const Node& item) {
  if (!item.is_map() || item.members.size() != 1)
    return item.error("a check is written \"name: severity\" or \"name: {...}\"");
  const auto& [key, body] = item.members.front();
  CheckSpec check;
  check.name = key.text;
  check.where = key.place();
  if (body.is_scalar()) {
    ARROW_RETURN_NOT_OK(read_severity(body, body.text, check.severity));
    return check;
  }
  ARROW_RETURN_NOT_OK(body.only({"columns", "of", "rule", "over", "least", "most", "by", "change", "window", "after",
                                 "trees", "seed", "within", "otherwise"}));
  for (const auto& member : body.members) check.given.push_back(member.key.text);
  ARROW_RETURN_NOT_OK(read_names(body, "columns", check.columns));
  ARROW_RETURN_NOT_OK(read_names(body, "of", check.of));
  ARROW_RETURN_NOT_OK(read_text(body, "rule", check.rule));
  ARROW_RETURN_NOT_OK(read_text(body, "by", check.by));
  if (const Node* over = body.find("over")) ARROW_RETURN_NOT_OK(over->as_number().Value(&check.over));
  if (const Node* least = body.find("least")) ARROW_RETURN_NOT_OK(read_value(*least, check.least));
  if (const Node* most = body.find("most")) ARROW_RETURN_NOT_OK(read_value(*most, check.most));
  if (const Node* change = body.find("change")) ARROW_RETURN_NOT_OK(change->as_boolean().Value(&check.change));
  for (auto [key, number] : {std::pair{"window", &check.window}, std::pair{"after", &check.after},
                             std::pair{"trees", &check.trees}, std::pair{"seed", &check.seed}}) {
    const Node* node = body.find(key);
    if (node == nullptr) continue;
    ARROW_RETURN_NOT_OK(node->as_integer().Value(number));
    if (*number < 1 || *number > 1'000'000) return node->error(fmt::format("{} is 1 to 1,000,000", key));
  }
  if (const Node* within = body.find("within")) {
    auto parsed = parse_duration(within->text);
    if (!parsed.ok()) return within->error(parsed.status().message());
    check.within = *parsed;
  }
  ARROW_ASSIGN_OR_RAISE(const Node* otherwise, body.need("otherwise"));
  ARROW_RETURN_NOT_OK(read_severity(*otherwise, otherwise->text, check.severity));
  if (const Node* rule = body.find("rule")) check.where = rule->place();
  return check;
}

}  // namespace tapemill
