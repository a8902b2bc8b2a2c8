#include "exports/report_check.h"

#include <set>
#include <type_traits>

namespace tapemill::exports {
namespace {

Status wrong(std::string what) {
  return data_error("report: " + std::move(what), "this is an error of the program that wrote the report");
}

template <class Values>
Status ascending(const Values& values, const std::string& block) {
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (!(values[i - 1] < values[i])) return wrong(fmt::format("{}: time {} is not after the one before it", block, i));
  }
  return Status::OK();
}

Status check_axis(const TimeAxis& axis, const std::string& block) {
  if (!axis.sessions.empty() && !axis.instants.empty())
    return wrong(block + ": an axis has sessions or instants, not both");
  if (!axis.instants.empty() && axis.zone.empty()) return wrong(block + ": instants need a zone");
  ARROW_RETURN_NOT_OK(ascending(axis.sessions, block));
  return ascending(axis.instants, block);
}

Status fits(std::size_t have, std::size_t want, const std::string& block, const std::string& name) {
  if (have == want) return Status::OK();
  return wrong(fmt::format("{}: {} has {} values where {} belong", block, name, have, want));
}

Status check_series(const std::vector<Series>& all, std::size_t size, const std::string& block) {
  for (const Series& series : all) ARROW_RETURN_NOT_OK(fits(series.values.size(), size, block, series.name));
  return Status::OK();
}

Status check_panes(const std::vector<Pane>& panes, std::size_t size, const std::string& block) {
  for (const Pane& pane : panes) ARROW_RETURN_NOT_OK(check_series(pane.series, size, block));
  return Status::OK();
}

struct BlockCheck {
  Status operator()(const Table& table) const {
    for (const auto& row : table.rows) {
      ARROW_RETURN_NOT_OK(fits(row.size(), table.columns.size(), table.caption.title, "a row"));
    }
    if (table.total != 0 && table.total < std::int64_t(table.rows.size())) {
      return wrong(table.caption.title + ": more rows than there are");
    }
    return Status::OK();
  }
  Status operator()(const Lines& lines) const {
    ARROW_RETURN_NOT_OK(check_axis(lines.axis, lines.caption.title));
    return check_panes(lines.panes, lines.axis.size(), lines.caption.title);
  }
  Status operator()(const Candles& c) const {
    const std::string& title = c.caption.title;
    const std::size_t size = c.axis.size();
    ARROW_RETURN_NOT_OK(check_axis(c.axis, title));
    ARROW_RETURN_NOT_OK(fits(c.open.size(), size, title, "open"));
    ARROW_RETURN_NOT_OK(fits(c.high.size(), size, title, "high"));
    ARROW_RETURN_NOT_OK(fits(c.low.size(), size, title, "low"));
    ARROW_RETURN_NOT_OK(fits(c.close.size(), size, title, "close"));
    if (!c.volume.empty()) ARROW_RETURN_NOT_OK(fits(c.volume.size(), size, title, "volume"));
    std::int64_t before = 0;
    for (const TradeMark& mark : c.marks) {
      if (mark.index < before || mark.index >= std::int64_t(size))
        return wrong(title + ": marks must ascend along the axis");
      before = mark.index;
    }
    ARROW_RETURN_NOT_OK(check_series(c.overlays, size, title));
    return check_panes(c.panes, size, title);
  }
  Status operator()(const Bars& bars) const {
    for (const Series& series : bars.series) {
      for (double value : series.values) {
        if (value < 0) return wrong(bars.caption.title + ": a bar cannot be negative");
      }
    }
    return check_series(bars.series, bars.categories.size(), bars.caption.title);
  }
  Status operator()(const Checks&) const { return Status::OK(); }
  Status operator()(const Code&) const { return Status::OK(); }
  Status operator()(const Notice&) const { return Status::OK(); }
};

const std::string& anchor_of(const Block& block) {
  auto of = [](const auto& b) -> const std::string& {
    if constexpr (std::is_same_v<std::decay_t<decltype(b)>, Notice>) {
      return b.anchor;
    } else {
      return b.caption.anchor;
    }
  };
  return std::visit(of, block);
}

}  // namespace

Status check_report(const Document& document) {
  if (document.figures.size() > 6) return wrong("more than six headline figures");
  std::set<std::string> anchors;
  auto claim = [&](const std::string& anchor) {
    bool is_new = anchor.empty() || anchors.insert(anchor).second;
    return is_new ? Status::OK() : wrong("the anchor \"" + anchor + "\" is used twice");
  };
  for (const Section& section : document.sections) {
    if (section.anchor.empty()) return wrong("section \"" + section.heading + "\" has no anchor");
    ARROW_RETURN_NOT_OK(claim(section.anchor));
    for (const Block& block : section.blocks) {
      ARROW_RETURN_NOT_OK(claim(anchor_of(block)));
      ARROW_RETURN_NOT_OK(std::visit(BlockCheck{}, block));
    }
  }
  for (const Figure& figure : document.figures) {
    if (!figure.anchor.empty() && !anchors.contains(figure.anchor)) {
      return wrong(fmt::format("the figure \"{}\" leads to \"{}\", which is not there", figure.label, figure.anchor));
    }
  }
  return Status::OK();
}

}  // namespace tapemill::exports
