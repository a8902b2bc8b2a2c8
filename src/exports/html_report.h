#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/status.h"

/// One self-contained HTML file: the demo's report, a backtest's, and `tapemill chart`. This header says what is in
/// it; how it looks is web/report (bundled at build time and embedded here). Same document, same bytes.
namespace tapemill::exports {

enum class Tone { neutral, good, bad };

/// Empty cells are monostate and shown as an en dash; numbers are shown by their column's decimals.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Figure {
  std::string label;
  Cell value;  // text as it is, or a number, which the page writes with thin spaces and a true minus
  std::string unit;
  Tone tone = Tone::neutral;
  std::string anchor;  // of the section or block with the rows it came from
  std::optional<int> decimals;
  bool is_signed = false;  // a plus before a gain
};

/// What every block has. The title says what was found; the source names table and version, in small print.
struct Caption {
  std::string title;
  std::string source;
  std::string anchor;
  std::string empty;  // what to say and do when there is nothing to show; a plain word otherwise
};

enum class ColumnKind { text, number, signed_number, date, time, code };

struct Column {
  std::string name;
  std::string unit;
  ColumnKind kind = ColumnKind::text;
  std::optional<int> decimals;  // as many as the column needs, otherwise
};

struct Table {
  Caption caption;
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;
  std::int64_t total = 0;  // rows there are, where `rows` is only the first of them; 0: all are here
  std::string zone;        // of its times
  std::string hint;        // the command that prints the rest
};

/// Either sessions (ISO dates, side by side) or instants (epoch seconds, UTC, shown in `zone`); ascending.
struct TimeAxis {
  std::vector<std::string> sessions;
  std::vector<double> instants;
  std::string zone;      // IANA name, for instants
  bool ordinal = false;  // instants side by side, without the nights between them
  std::size_t size() const { return sessions.empty() ? instants.size() : sessions.size(); }
};

enum class SeriesStyle { line, area, bars, context };  // area: filled to zero, as a drawdown; context: grey

/// As many values as its axis; NaN is a null, and a hole in the line.
struct Series {
  std::string name;
  std::vector<double> values;
  std::string unit;
  std::optional<int> decimals;
  SeriesStyle style = SeriesStyle::line;
  std::string family = {};  // series of one family share one colour, such as the three lines of Bollinger bands
};

struct Pane {
  std::string title;
  std::string unit;
  std::vector<Series> series;
  bool log = false;
  std::vector<double> levels;  // guide lines, such as 30 and 70
  int height = 0;              // pixels; 0: by its place
};

/// Long series, in panes under one another with one time axis.
struct Lines {
  Caption caption;
  TimeAxis axis;
  std::vector<Pane> panes;
};

struct TradeMark {
  std::int64_t index = 0;  // on the axis
  bool is_buy = true;
  std::string text;
};

/// Bars with what is drawn over them (overlays, in the unit of the prices) and below them (panes).
struct Candles {
  Caption caption;
  std::string name;  // of the instrument
  std::string unit;  // its currency
  int decimals = 2;
  TimeAxis axis;
  std::vector<double> open, high, low, close, volume;  // volume may be empty
  std::vector<Series> overlays;
  std::vector<Pane> panes;
  std::vector<TradeMark> marks;  // ascending
  int visible = 250;             // bars in view at first, the newest
};

struct Check {
  std::string name;
  std::optional<bool> ok;  // null: not run
  std::string detail;
};
struct Checks {
  Caption caption;
  std::vector<Check> checks;
};

/// Bars from a common zero, such as throughput per stage; no value below zero.
struct Bars {
  Caption caption;
  std::vector<std::string> categories;
  std::vector<Series> series;  // name and values; style context for what is only there to compare with
  std::string unit;
  std::optional<int> decimals;
};

struct Code {
  Caption caption;
  std::string text;
};

enum class NoticeTone { info, warning, error };
struct Notice {
  NoticeTone tone = NoticeTone::info;
  std::string text;
  std::string hint;  // what to do
  std::string anchor;
};

using Block = std::variant<Table, Lines, Candles, Checks, Bars, Code, Notice>;

struct Section {
  std::string anchor;
  std::string heading;
  std::string prose;  // paragraphs parted by an empty line; `code` and **strong** are understood
  std::vector<Block> blocks;
};

enum class Outcome { ok, partial, failed };
struct Verdict {
  Outcome outcome = Outcome::ok;
  std::string text;
  std::string hint;  // what to do
};

struct Document {
  std::string title;
  std::string subtitle;
  std::optional<Verdict> verdict;  // did it work? in one sentence
  std::vector<Figure> figures;     // up to six
  std::vector<Section> sections;   // the first block of the first is the picture of the first screen
  std::vector<std::pair<std::string, std::string>> footer;  // run id, versions, command
  bool picture =
      false;  // to be photographed: the first block alone fills the window, without switches, buttons and footer
};

/// The page. Refused: more than six figures, an anchor that is used twice or that a figure names and nothing has,
/// values that do not fit their axis or columns, times that do not ascend. Bytes that are not UTF-8 become U+FFFD.
Result<std::string> render_report(const Document& document);

}  // namespace tapemill::exports
