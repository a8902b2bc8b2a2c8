#pragma once
#include <string>
#include <vector>

#include "sources/days.h"
#include "sources/infer.h"

namespace tapemill::sources {

/// What the values of a column are: the first that fits every one of whole number, number, true or false, date, time; else
/// the one that fits all but a few, which ingest will quarantine; else text.
class ColumnGuess {
 public:
  explicit ColumnGuess(std::string name);  // in snake case
  void see(const std::string& text, std::int64_t line);
  InferredColumn made() const;

 private:
  struct Fit {
    std::int64_t misses = 0, line = 0;  // line and text: of the first that does not fit
    std::string text;
    void miss(std::int64_t at, const std::string& what);
  };
  bool mostly(const Fit& fit) const;
  std::string but(const Fit& fit) const;
  const char* epoch() const;
  InferredColumn text_column() const;

  std::string name_, first_;
  Days days_;
  std::int64_t seen_ = 0, nulls_ = 0, least_, most_, commas_ = 0;
  bool padded_ = false;  // 0007: as a number its zeros would be lost
  std::string comma_;    // the first such as 139,20
  Fit integer_, number_, boolean_, time_;
  std::vector<Fit> dates_;
};

bool is_number(const std::string& text);

}  // namespace tapemill::sources
