#include "exports/html_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/json.h"
#include "exports/report_template.h"

namespace tapemill::exports {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNull = std::numeric_limits<double>::quiet_NaN();

/// One of everything.
Document sample() {
  Document d;
  d.title = "Demo <1> & more";
  d.subtitle = "two sessions";
  d.verdict = Verdict{Outcome::partial, "1 of 2 checks failed", "run it again"};
  d.figures = {{"Return", 12.5, "%", Tone::good, "trades", 1, true}, {"Rows", std::int64_t{619017}, "rows"}};
  Table table{{"Trades", "gold.trades version 3", "trades", "No trade."},
              {{"Entry", "", ColumnKind::date, {}}, {"P&L", "USD", ColumnKind::signed_number, 2}},
              {{std::string("2024-10-28"), -1.5}, {std::monostate{}, std::int64_t{7}}},
              9,
              "America/New_York",
              "tapemill x"};
  Lines lines{{"Equity", "", "equity", ""},
              {{"2024-10-28", "2024-10-29"}, {}, "", false},
              {{"Equity", "USD", {{"Run", {1e6, kNull}, "", 0, SeriesStyle::area}}, true, {0.5}, 200}}};
  Candles candles;
  candles.caption.title = "Prices";
  candles.name = "SPX";
  candles.unit = "points";
  candles.axis = {{}, {1730122200, 1730122260}, "America/New_York", true};
  candles.open = {1, 2};
  candles.high = {2, 3};
  candles.low = {0.5, 1.5};
  candles.close = {1.25, 0.1 + 0.2};
  candles.marks = {{1, false, "-1"}};
  Checks checks{{"Checks", "", "", ""},
                {{"a", true, ""}, {"b", false, "</script><!-- \u2013"}, {"c", std::nullopt, ""}}};
  Bars bars{{"Bytes", "", "", ""}, {"raw"}, {{"MB", {1.5}}}, "MB", {}};
  Code code{{"Strategy", "", "", ""}, "a: 1\n"};
  Notice notice{NoticeTone::warning, "late", "wait", ""};
  d.sections = {{"one", "One", "words", {table, lines}}, {"two", "Two", "", {candles, checks, bars, code, notice}}};
  d.footer = {{"Run", "abc"}};
  return d;
}

Json document_of(const std::string& page) {
  const std::string begin = R"(<script type="application/json" id="tapemill-document">)";
  const std::size_t from = page.find(begin) + begin.size();
  return Json::parse(page.substr(from, page.find("</script>", from) - from));
}

TEST(HtmlReport, TemplateIsOneFileWithTwoHoles) {
  const std::string_view page = report_template();
  EXPECT_GT(page.size(), 100'000u);
  EXPECT_EQ(page.substr(0, 15), "<!doctype html>");
  for (std::string_view hole : {"@TITLE@", "@DOCUMENT@"}) {
    EXPECT_NE(page.find(hole), page.npos);
    EXPECT_EQ(page.find(hole), page.rfind(hole));
  }
  for (std::string_view outside : {"<link rel=\"stylesheet", "<script src", "@import", "url(http"}) {
    EXPECT_EQ(page.find(outside), page.npos) << outside;
  }
  EXPECT_NE(page.find("default-src 'none'"), page.npos);
  EXPECT_NE(page.find("Permission is hereby granted"), page.npos) << "the licences of what is bundled";
}

TEST(HtmlReport, WritesEveryKindOfBlock) {
  const std::string page = render_report(sample()).ValueOrDie();
  const Json json = document_of(page);
  EXPECT_EQ(json["format"], 1);
  EXPECT_EQ(json["status"]["state"], "partial");
  EXPECT_EQ(json["figures"][0].dump(),
            R"({"label":"Return","value":12.5,"unit":"%","decimals":1,"signed":true,"tone":"good","anchor":"trades"})");
  EXPECT_EQ(json["figures"][1]["value"].dump(), "619017");
  const Json& one = json["sections"][0]["blocks"];
  EXPECT_EQ(one[0]["rows"].dump(), R"([["2024-10-28",-1.5],[null,7]])");
  EXPECT_EQ(one[0]["total"], 9);
  EXPECT_EQ(one[0]["columns"][1]["kind"], "signed");
  EXPECT_EQ(one[1]["axis"].dump(), R"({"kind":"sessions","values":["2024-10-28","2024-10-29"]})");
  EXPECT_EQ(one[1]["panes"][0]["series"][0].dump(),
            R"({"name":"Run","decimals":0,"style":"area","values":[1000000,null]})");
  const Json& two = json["sections"][1]["blocks"];
  EXPECT_EQ(two[0]["axis"].dump(),
            R"({"kind":"instants","zone":"America/New_York","values":[1730122200,1730122260],"ordinal":true})");
  EXPECT_EQ(two[0]["close"].dump(), "[1.25,0.30000000000000004]") << "exact: the same double comes back";
  EXPECT_FALSE(two[0].contains("volume"));
  EXPECT_EQ(two[0]["markers"].dump(), R"([{"index":1,"side":"sell","text":"-1"}])");
  EXPECT_EQ(two[1]["checks"][2]["ok"], nullptr);
  EXPECT_EQ(two[1]["checks"][1]["detail"], "</script><!-- \u2013");
  EXPECT_EQ(two[2]["series"][0]["values"].dump(), "[1.5]");
  EXPECT_EQ(two[3]["text"], "a: 1\n");
  EXPECT_EQ(two[4]["tone"], "warning");
}

TEST(HtmlReport, NoTextLeavesItsPlace) {
  Document document = sample();
  document.title = "</title><script>alert(1)</script>@DOCUMENT@";
  const std::string page = render_report(document).ValueOrDie();
  EXPECT_THAT(page, HasSubstr("<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;@DOCUMENT@</title>"));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert(1)")));
  EXPECT_EQ(document_of(page)["title"], document.title);
}

TEST(HtmlReport, BytesThatAreNoTextAreMarked) {  // a quarantined row, cut in the middle of a character
  Document document = sample();
  std::get<Table>(document.sections[0].blocks[0]).rows[0][0] = std::string("caf\xe9;\xe2\x82");
  const std::string page = render_report(document).ValueOrDie();
  EXPECT_EQ(document_of(page)["sections"][0]["blocks"][0]["rows"][0][0], "caf\ufffd;\ufffd");
}

TEST(HtmlReport, SameDocumentSameBytes) {
  EXPECT_EQ(render_report(sample()).ValueOrDie(), render_report(sample()).ValueOrDie());
}

TEST(HtmlReport, EmptyDocumentIsAPage) { EXPECT_TRUE(render_report({}).ok()); }

struct Refused {
  const char* name;
  void (*spoil)(Document&);
  const char* message;
};
class HtmlReportRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(HtmlReportRefuses, WithWords) {
  Document document = sample();
  GetParam().spoil(document);
  const Status status = render_report(document).status();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(GetParam().message));
}

template <class T>
T& block(Document& d, int section, int i) {
  return std::get<T>(d.sections[section].blocks[i]);
}

INSTANTIATE_TEST_SUITE_P(
    All, HtmlReportRefuses,
    ::testing::Values(
        Refused{"SevenFigures", [](Document& d) { d.figures.resize(7); }, "more than six"},
        Refused{"DeadLink", [](Document& d) { d.figures[0].anchor = "nowhere"; }, "leads to \"nowhere\""},
        Refused{"TwiceNamed", [](Document& d) { d.sections[1].anchor = "one"; }, "\"one\" is used twice"},
        Refused{"NoAnchor", [](Document& d) { d.sections[1].anchor = ""; }, "section \"Two\" has no anchor"},
        Refused{"ShortRow", [](Document& d) { block<Table>(d, 0, 0).rows[1].pop_back(); },
                "Trades: a row has 1 values where 2"},
        Refused{"TooFewThereAre", [](Document& d) { block<Table>(d, 0, 0).total = 1; }, "more rows than there are"},
        Refused{"ShortSeries", [](Document& d) { block<Lines>(d, 0, 1).panes[0].series[0].values.pop_back(); },
                "Run has 1 values"},
        Refused{"BackInTime", [](Document& d) { block<Lines>(d, 0, 1).axis.sessions[1] = "2024-10-28"; },
                "time 1 is not after"},
        Refused{"NoZone", [](Document& d) { block<Candles>(d, 1, 0).axis.zone = ""; }, "need a zone"},
        Refused{"ShortOpen", [](Document& d) { block<Candles>(d, 1, 0).open.pop_back(); }, "open has 1 values"},
        Refused{"MarkOutside", [](Document& d) { block<Candles>(d, 1, 0).marks[0].index = 2; }, "marks must ascend"},
        Refused{"NegativeBar", [](Document& d) { block<Bars>(d, 1, 2).series[0].values[0] = -1; },
                "cannot be negative"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tapemill::exports
