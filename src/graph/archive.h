#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace tapemill::graph {

/// Saves or loads, by one function of who has a state: archive(member) writes it to the end of the bytes, or takes it back.
/// Little-endian; text with its length before it. A torn end leaves what is asked for at 0 and makes status() an error.
class Archive {
 public:
  Archive() = default;                                                   // saves
  explicit Archive(std::string_view bytes) : loading_(true), rest_(bytes) {}  // loads

  bool loading() const { return loading_; }
  void operator()(std::int64_t& x);
  void operator()(std::string& x);
  /// `one` must be equal at loading: a format's name, a graph's hash. `what` names it in the error.
  void same(const std::string& one, const char* what);
  void fail(Status status);
  const Status& status() const { return status_; }
  bool ended() const { return rest_.empty(); }
  const std::string& bytes() const { return saved_; }

 private:
  bool loading_ = false;
  std::string saved_;
  std::string_view rest_;
  Status status_;
};

}  // namespace tapemill::graph
