#pragma once
#include <initializer_list>

#include "backtest/strategy.h"
#include "core/document.h"

namespace tapemill::backtest {

/// The two forms' readers; strategy.cpp chooses by universe: {table} or {symbol}.
Status read_daily(const Node& root, Strategy& out);
Status read_option(const Node& root, Strategy& out);

/// The node at a path that may be absent: the nearest one above it that is there.
const Node& at(const Node& root, std::initializer_list<const char*> path);
/// The message of `status` at the node; OK stays OK.
Status placed(const Node& node, const Status& status);
/// [start, end] of sessions, both optional as a pair.
Status read_dates(const Node& node, const std::vector<std::string>& range, std::optional<Date>& start,
                  std::optional<Date>& end);
/// A rate in basis points, exact to 1/10,000 of one.
Result<std::int64_t> read_rate(const Node& node, double bps);
Json text_or_null(const std::optional<Date>& date);

}  // namespace tapemill::backtest
