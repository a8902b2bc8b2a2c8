#include "core/config.h"

namespace tapemill {

Status read_value(const Node& node, std::string& out) { return node.as_string().Value(&out); }
Status read_value(const Node& node, bool& out) { return node.as_boolean().Value(&out); }
Status read_value(const Node& node, std::int64_t& out) { return node.as_integer().Value(&out); }
Status read_value(const Node& node, double& out) { return node.as_number().Value(&out); }
Status read_value(const Node& node, int& out) {
  ARROW_ASSIGN_OR_RAISE(std::int64_t value, node.as_integer());
  if (value < INT32_MIN || value > INT32_MAX) return node.error(fmt::format("{} is out of range", value));
  out = static_cast<int>(value);
  return Status::OK();
}
namespace {
/// The library's complaint, at the node it stands at.
template <class T>
Status at_node(const Node& node, Result<T> result, T& out) {
  if (!result.ok()) return node.error(result.status().message());
  out = *result;
  return Status::OK();
}
}  // namespace
Status read_value(const Node& node, ByteSize& out) {
  ARROW_ASSIGN_OR_RAISE(std::string text, node.as_string());
  return at_node(node, parse_bytes(text), out.bytes);
}
Status read_value(const Node& node, Duration& out) {
  ARROW_ASSIGN_OR_RAISE(std::string text, node.as_string());
  return at_node(node, parse_duration(text), out.us);
}

Status check_choice(const Node& node, const std::string& value, const char* choices) {
  std::vector<std::string> known;
  for (std::string_view rest = choices; !rest.empty();) {
    auto bar = rest.find('|');
    known.emplace_back(rest.substr(0, bar));
    rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
  }
  for (const auto& one : known)
    if (one == value) return Status::OK();
  std::string near = nearest(value, known);
  return node.error(fmt::format("\"{}\" is none of {}", value, choices),
                    near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
}
Status check_range(const Node& node, double value, double least, double most) {
  if (value >= least && value <= most) return Status::OK();
  if (most > 1e307) return node.error(fmt::format("{} is below {}", show_value(value), show_value(least)));
  return node.error(fmt::format("{} is outside {} .. {}", show_value(value), show_value(least), show_value(most)));
}

std::string show_value(const std::string& v) { return v; }
std::string show_value(bool v) { return v ? "true" : "false"; }
std::string show_value(std::int64_t v) { return fmt::format("{}", v); }
std::string show_value(double v) { return v > 1e307 ? "" : v < -1e307 ? "" : fmt::format("{}", v); }
std::string show_value(ByteSize v) { return v.bytes == 0 ? "no ceiling" : format_bytes(v.bytes); }
std::string show_value(Duration v) {
  if (v.us % kHour == 0 && v.us != 0) return fmt::format("{}h", v.us / kHour);
  if (v.us % kMinute == 0 && v.us != 0) return fmt::format("{}m", v.us / kMinute);
  if (v.us % kSecond == 0) return fmt::format("{}s", v.us / kSecond);
  return fmt::format("{}us", v.us);
}

}  // namespace tapemill
