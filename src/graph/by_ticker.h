#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/archive.h"

namespace tapemill::graph {

/// One state per ticker, made at its first row; looked up without an allocation. State has save() and load(bytes).
template <class State>
class ByTicker {
 public:
  template <class Make>
  State& at(std::string_view ticker, const Make& make) {
    auto found = index_.find(ticker);
    if (found == index_.end()) {
      found = index_.emplace(std::string(ticker), states_.size()).first;
      names_.push_back(found->first);
      states_.push_back(make());
    }
    return states_[found->second];
  }
  std::size_t size() const { return states_.size(); }

  /// In the order in which the tickers came: equal runs save equal bytes.
  template <class Make>
  void state(Archive& archive, const Make& make) {
    auto count = static_cast<std::int64_t>(states_.size());
    archive(count);
    if (archive.loading()) index_.clear(), names_.clear(), states_.clear();
    for (std::int64_t i = 0; i < count && archive.status().ok(); ++i) {
      std::string name, bytes;
      if (!archive.loading())
        name = names_[static_cast<std::size_t>(i)], bytes = states_[static_cast<std::size_t>(i)]->save();
      archive(name);
      archive(bytes);
      if (!archive.loading() || !archive.status().ok()) continue;
      Status loaded = at(name, make)->load(bytes);
      if (!loaded.ok()) archive.fail(prefixed(loaded, name));
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> index_;
  std::vector<std::string> names_;
  std::vector<State> states_;
};

}  // namespace tapemill::graph
