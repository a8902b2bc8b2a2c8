#include "lake/units.h"

#include <algorithm>
#include <charconv>

#include "core/json.h"
#include "lake/tags.h"

namespace tapemill::lake {
namespace {

std::int64_t number_in(const std::string& text) {
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

Result<std::vector<UnitShare>> shares_of(const Part& part) {
  const std::string& list = tag(part, "units");
  if (list.empty()) {
    if (tag(part, "unit").empty()) return std::vector<UnitShare>{};
    return std::vector<UnitShare>{{tag(part, "unit"),
                                   tag(part, "form"),
                                   tag(part, "sha256"),
                                   tag(part, "file"),
                                   number_in(tag(part, "ordinal")),
                                   part.rows,
                                   {},
                                   {},
                                   tag(part, "arrival"),
                                   tag(part, "released")}};
  }
  const Json json = Json::parse(list, nullptr, false);
  auto broken = [&] {
    return data_error(part.path + ": its tag \"units\" cannot be read", "the log was changed by another program");
  };
  if (!json.is_array()) return broken();
  std::vector<UnitShare> shares;
  for (const Json& one : json) {
    if (!one.is_object() || !one.contains("unit")) return broken();
    UnitShare share;
    for (auto [key, member] : {std::pair{"unit", &UnitShare::unit},
                               {"form", &UnitShare::form},
                               {"sha256", &UnitShare::sha256},
                               {"file", &UnitShare::source},
                               {"from", &UnitShare::from},
                               {"to", &UnitShare::to},
                               {"arrival", &UnitShare::arrival},
                               {"released", &UnitShare::released}}) {
      auto found = one.find(key);
      if (found != one.end() && !found->is_string()) return broken();
      if (found != one.end()) share.*member = found->get<std::string>();
    }
    for (auto [key, member] : {std::pair{"ordinal", &UnitShare::ordinal}, {"rows", &UnitShare::rows}}) {
      auto found = one.find(key);
      if (found == one.end() || !found->is_number_integer()) return broken();
      share.*member = found->get<std::int64_t>();
    }
    shares.push_back(std::move(share));
  }
  return shares;
}

std::string units_by(const Part& part) { return tag(part, "units_by"); }

std::map<std::string, std::string> tags_of(const std::vector<UnitShare>& shares, const std::string& by) {
  if (shares.size() == 1) {
    const UnitShare& one = shares.front();
    std::map<std::string, std::string> tags{{"ordinal", std::to_string(one.ordinal)}};
    for (const auto& [key, value] : {std::pair{"unit", one.unit},
                                     {"form", one.form},
                                     {"sha256", one.sha256},
                                     {"file", one.source},
                                     {"arrival", one.arrival},
                                     {"released", one.released}})
      if (!value.empty()) tags[key] = value;
    return tags;
  }
  Json list = Json::array();
  for (const UnitShare& one : shares) {
    Json entry = {
        {"unit", one.unit}, {"form", one.form}, {"sha256", one.sha256}, {"ordinal", one.ordinal}, {"rows", one.rows}};
    if (!one.source.empty()) entry["file"] = one.source;
    if (!one.arrival.empty()) entry["arrival"] = one.arrival;
    if (!one.released.empty()) entry["released"] = one.released;
    if (one.rows > 0) entry["from"] = one.from, entry["to"] = one.to;
    list.push_back(std::move(entry));
  }
  // ordinal: the mark of a part that Tapemill sorted
  return {{"units", list.dump(-1, ' ', false, Json::error_handler_t::replace)}, {"units_by", by}, {"ordinal", "0"}};
}

std::string unit_key(const std::string& unit, const std::string& form) { return unit + "/" + form; }

Result<std::vector<UnitState>> units(const Snapshot& snapshot) {
  std::map<std::pair<std::string, std::string>, UnitState> found;
  for (const Part& part : snapshot.parts) {
    ARROW_ASSIGN_OR_RAISE(auto shares, shares_of(part));
    for (const UnitShare& share : shares) {
      UnitState& state = found[{share.unit, share.form}];
      if (state.paths.empty()) {
        state.unit = share.unit;
        state.form = share.form;
        state.sha256 = share.sha256;
        state.source = share.source;
        state.arrival = share.arrival;
        state.released = share.released;
      } else if (state.sha256 != share.sha256) {
        return data_error(fmt::format("two files of {} {} are in the table at once: {} and {}", state.form, state.unit,
                                      state.sha256, share.sha256),
                          "the log was changed by another program: see tapemill history");
      }
      state.ordinal = std::max(state.ordinal, share.ordinal);
      state.rows += share.rows;
      state.bytes += shares.size() == 1 || part.rows == 0
                         ? part.size / static_cast<std::int64_t>(shares.size())
                         : static_cast<std::int64_t>(static_cast<double>(part.size) * static_cast<double>(share.rows) /
                                                     static_cast<double>(part.rows));
      state.modified_ms = std::max(state.modified_ms, part.modified_ms);
      state.paths.push_back(part.path);
    }
  }
  std::vector<UnitState> out;
  for (auto& [key, state] : found) out.push_back(std::move(state));
  return out;
}

Result<std::map<std::string, UnitState>> units_by_key(const Snapshot& snapshot) {
  ARROW_ASSIGN_OR_RAISE(auto all, units(snapshot));
  std::map<std::string, UnitState> by_key;
  for (UnitState& one : all) {
    std::string key = unit_key(one.unit, one.form);
    by_key.emplace(std::move(key), std::move(one));
  }
  return by_key;
}

}  // namespace tapemill::lake
