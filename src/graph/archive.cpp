#include "graph/archive.h"

#include <cstring>

namespace tapemill::graph {

void Archive::operator()(std::int64_t& x) {
  if (!loading_) {
    saved_.append(reinterpret_cast<const char*>(&x), sizeof x);
    return;
  }
  x = 0;
  if (!status_.ok()) return;
  if (rest_.size() < sizeof x)
    return fail(data_error("checkpoint: the bytes end too early", "run the graph from its beginning"));
  std::memcpy(&x, rest_.data(), sizeof x);
  rest_.remove_prefix(sizeof x);
}

void Archive::operator()(std::string& x) {
  auto size = static_cast<std::int64_t>(x.size());
  (*this)(size);
  if (!loading_) {
    saved_ += x;
    return;
  }
  x.clear();
  if (!status_.ok()) return;
  if (size < 0 || static_cast<std::size_t>(size) > rest_.size())
    return fail(data_error("checkpoint: the bytes end too early", "run the graph from its beginning"));
  x.assign(rest_.substr(0, static_cast<std::size_t>(size)));
  rest_.remove_prefix(static_cast<std::size_t>(size));
}

void Archive::same(const std::string& one, const char* what) {
  std::string other = one;
  (*this)(other);
  if (loading_ && status_.ok() && other != one)
    fail(data_error(fmt::format("checkpoint: it was made with another {}", what),
                    fmt::format("run the graph from its beginning, or with the {} of the checkpoint", what)));
}

void Archive::fail(Status status) {
  if (status_.ok()) status_ = std::move(status);
}

}  // namespace tapemill::graph
