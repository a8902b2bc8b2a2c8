#include <algorithm>

#include "graph/connectors/connector.h"

namespace tapemill::graph {
namespace {

struct Scheme {
  const char* name;
  bool source, sink;  // built in this version
};
// "lake://" is ours, so are "file://" and "memory://"; the others are those of spec C2.
constexpr Scheme kSchemes[] = {{"file", true, true},        {"lake", true, false},        {"memory", false, true},
                               {"kafka", false, false},     {"rest", false, false},       {"redis", false, false},
                               {"websocket", false, false}, {"ws", false, false},         {"wss", false, false},
                               {"lmdb", false, false},      {"postgresql", false, false}, {"http", false, false},
                               {"https", false, false}};

std::vector<std::string> names(bool built, bool source) {
  std::vector<std::string> out;
  for (const Scheme& one : kSchemes)
    if (!built || (source ? one.source : one.sink)) out.emplace_back(one.name);
  return out;
}

bool parquet(const Address& address) {
  const std::string_view path = address.path, ending = ".parquet";
  return address.scheme == "file" && path.size() >= ending.size() && path.substr(path.size() - ending.size()) == ending;
}

}  // namespace

Result<Address> Address::parse(const Node& at) {
  ARROW_ASSIGN_OR_RAISE(std::string text, at.as_string());
  Address address;
  address.at = &at;
  auto colon = text.find("://");
  if (colon == std::string::npos || colon == 0)
    return at.error(fmt::format("\"{}\" has no connector", text),
                    fmt::format("write connector://..., such as file://prices.csv; connectors: {}",
                                fmt::join(names(false, true), ", ")));
  address.scheme = text.substr(0, colon);
  address.path = text.substr(colon + 3);
  const auto known = names(false, true);
  if (std::find(known.begin(), known.end(), address.scheme) == known.end()) {
    std::string near = nearest(address.scheme, known);
    return at.error(fmt::format("unknown connector \"{}\"", address.scheme),
                    (near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near)) +
                        fmt::format("connectors: {}", fmt::join(known, ", ")));
  }
  auto question = address.path.find('?');
  if (address.scheme == "file" || question == std::string::npos) return address;  // ? is a letter of a glob
  std::string_view rest = std::string_view(address.path).substr(question + 1);
  while (!rest.empty()) {
    auto end = std::min(rest.find('&'), rest.size());
    std::string_view pair = rest.substr(0, end);
    auto equals = pair.find('=');
    if (equals == std::string_view::npos)
      return at.error(fmt::format("\"{}\" is no key=value", pair),
                      "lake://silver.stocks_daily?symbols=A,B&start=2024-01-02");
    if (!address.query.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second)
      return at.error(fmt::format("\"{}\" stands twice", pair.substr(0, equals)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  address.path.erase(question);
  return address;
}

bool Address::built(bool source) const {
  if (parquet(*this)) return false;
  const auto known = names(true, source);
  return std::find(known.begin(), known.end(), scheme) != known.end();
}

Status Address::absent(bool source) const {
  if (parquet(*this) && source)
    return at->error("Parquet files are not read by file:// in this version",
                     "tapemill ingest makes a table of them; then source lake://silver.TABLE");
  if (parquet(*this))
    return at->error("Parquet files are not written by file:// in this version", "end it in .jsonl or .csv");
  return at->error(
      fmt::format("the connector \"{}\" is not built in this version", scheme),
      fmt::format("{} that are: {}", source ? "sources" : "destinations", fmt::join(names(true, source), ", ")));
}

Result<SourcePlan> plan_source(const Node& config, const Address& address, const Surroundings& around) {
  if (!address.built(true)) return address.absent(true);
  return address.scheme == "lake" ? plan_lake_source(config, address, around)
                                  : plan_file_source(config, address, around);
}

}  // namespace tapemill::graph
