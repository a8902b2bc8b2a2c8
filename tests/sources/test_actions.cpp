// Corporate actions: subjects by rule, and the feeds that carry them.
#include <gtest/gtest.h>

#include "source_test.h"
#include "sources/action_subject.h"
#include "sources/feed.h"

namespace tapemill::sources {
namespace {

std::string said(const std::string& subject, const std::string& face = "10") {
  std::string out;
  for (const SubjectAction& one : parse_subject(subject, face)) {
    if (!out.empty()) out += " | ";
    if (!one.refusal.empty()) out += "refused";
    else out += one.kind;
    if (one.shares_before > 0) out += fmt::format(" {}->{}", one.shares_before, one.shares_after);
    if (!one.amount.empty()) out += " @" + one.amount;
  }
  return out;
}

TEST(Subject, RulesOfNse) {
  EXPECT_EQ(said("Bonus 1:1"), "bonus 1->2");
  EXPECT_EQ(said("Bonus 2:1"), "bonus 1->3");
  EXPECT_EQ(said("Bonus 1:2"), "bonus 2->3");
  EXPECT_EQ(said(" BONUS 3:1/DIVIDEND - RS 30 PER SHARE"), "bonus 1->4 | dividend @30");
  EXPECT_EQ(said("FACE VALUE SPLIT (SUB-DIVISION) - FROM RS 10/- PER SHARE TO RS 2/- PER SHARE"), "split 1->5");
  EXPECT_EQ(said("Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share"), "split 1->10");
  EXPECT_EQ(said("Consolidation Of Shares From Re 1/- To Rs 10/-"), "consolidation 10->1");
  EXPECT_EQ(said("Dividend - Rs 5 Per Share"), "dividend @5");
  EXPECT_EQ(said("Interim Dividend - Rs 8.50 Per Share And Special Dividend - Rs 10 Per Share"),
            "dividend @8.5 | dividend @10");
  EXPECT_EQ(said("Annual General Meeting/Dividend - Re 1 Per Share"), "other | dividend @1");
  EXPECT_EQ(said("Dividend - 25%", "10"), "dividend @2.5");
  EXPECT_EQ(said("Rights 1:15 @ Premium Rs 1247/-", "10"), "rights 15->16 @1257");
  EXPECT_EQ(said("Face Value Split From Rs 10/- To Rs 2.50/-"), "split 1->4");
}

TEST(Subject, WhatNoRuleReadsIsRefusedWithItsText) {
  EXPECT_EQ(said("Demerger"), "refused");
  EXPECT_EQ(said("Bonus Debentures 1:1"), "refused");
  EXPECT_EQ(said("Bonus"), "refused");
  EXPECT_EQ(said("Face Value Split From Rs 2/- To Rs 10/-"), "refused");  // it would raise the face value
  EXPECT_EQ(said("Dividend - 25%", "-"), "refused");                      // of what?
  EXPECT_EQ(said("Dividend - Rs 5 Plus Rs 3"), "refused");
  EXPECT_EQ(said("Something New/Bonus 1:1"), "refused | bonus 1->2");
  EXPECT_EQ(said(""), "refused");
  EXPECT_EQ(said("Bonus 0:1"), "refused");
  EXPECT_EQ(parse_subject("Demerger Of Jio", "")[0].refusal, "\"DEMERGER OF JIO\": its factor is not in its text");
}

TEST(ActionFeeds, RealNseJson) {
  const std::string path = shared_data("feeds/nse_corporate_actions_api.json");
  if (path.empty()) GTEST_SKIP() << "no ../shared/data: NSE's actions are NOT tested";
  Drained d = drain(dataset("corporate_actions"), path);
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  EXPECT_EQ(d.info.form, "nse_actions");
  ASSERT_EQ(d.rows, 4);  // three lines, one of them two actions
  EXPECT_EQ(d.at("symbol", 0), "KSOLVES");
  EXPECT_EQ(d.at("kind", 0), "bonus");
  EXPECT_EQ(d.at("shares_after", 0), "4");
  EXPECT_EQ(d.at("kind", 1), "dividend");
  EXPECT_EQ(d.at("amount", 1), "30.000000");
  EXPECT_EQ(d.at("announced", 1), "2021-12-17");
  EXPECT_EQ(d.at("ex_date", 1), "2021-06-04");
  EXPECT_EQ(d.at("isin", 1), "null");  // 341033 is none
  EXPECT_EQ(d.at("available_at", 1), "2021-12-17 18:30:00.000000Z");  // the day after, by the file's own word
  EXPECT_EQ(d.at("shares_before", 3), "1");
  EXPECT_EQ(d.at("shares_after", 3), "10");
  EXPECT_EQ(d.at("announced", 3), "null");
  EXPECT_EQ(d.at("available_at", 3), "2024-01-24 18:30:00.000000Z");  // the ex-date, midnight in Mumbai
  const SourceBatch& batch = d.batches[0];
  EXPECT_EQ(batch.lines[2], 2);
  EXPECT_TRUE(batch.raw(2).starts_with("{\"bcEndDate\":\"-\"")) << batch.raw(2);
  EXPECT_TRUE(batch.raw(2).ends_with("\"symbol\":\"VCL\"}")) << batch.raw(2);
  EXPECT_EQ(slurp(path).substr(static_cast<std::size_t>(batch.bytes[3]), 5), "{\"bcE");
}

TEST(ActionFeeds, CsvAndJsonSayTheSame) {
  Folder folder;
  Drained json =
      drain(dataset("corporate_actions"),
            folder.write("a.json", R"([{"symbol":"RELIANCE","series":"EQ","faceVal":"10","subject":"Bonus 1:1",
"exDate":"28-Oct-2024","recDate":"28-Oct-2024","comp":"Reliance","isin":"INE002A01018","caBroadcastDate":null}])"));
  Drained csv = drain(
      dataset("corporate_actions"),
      folder.write("b.csv",
                   "\"SYMBOL\",\"COMPANY NAME\",\"SERIES\",\"PURPOSE\",\"FACE VALUE\",\"EX-DATE\",\"RECORD DATE\"\n"
                   "\"RELIANCE\",\"Reliance\",\"EQ\",\"Bonus 1:1\",\"10\",\"28-Oct-2024\",\"28-Oct-2024\"\n"
                   "\"RELIANCE\",\"Reliance, Ltd\",\"EQ\",\"Demerger\",\"10\",\"20-Jul-2023\",\"-\"\n"
                   "short,line\n"));
  ASSERT_TRUE(json.status.ok()) << json.status.ToString();
  ASSERT_TRUE(csv.status.ok()) << csv.status.ToString();
  ASSERT_EQ(json.rows, 1);
  ASSERT_EQ(csv.rows, 1);
  EXPECT_EQ(csv.info.form, "nse_actions_csv");
  for (const char* name : {"symbol", "kind", "ex_date", "record_date", "shares_before", "shares_after", "available_at"})
    EXPECT_EQ(csv.at(name, 0), json.at(name, 0)) << name;
  EXPECT_EQ(csv.at("delivery", 0), "b");
  ASSERT_EQ(csv.refused.size(), 2u);
  EXPECT_EQ(csv.refused[0].line, 3);
  EXPECT_EQ(csv.refused[0].check, "subject");
  EXPECT_TRUE(csv.refused[0].raw.find("Demerger") != std::string::npos) << csv.refused[0].raw;
  EXPECT_EQ(csv.refused[1].check, "columns");
  EXPECT_EQ(csv.refused[1].raw, "short,line");
  EXPECT_EQ(csv.rows_in, 3);
}

TEST(ActionFeeds, PolygonReference) {
  Folder folder;
  Drained splits =
      drain(dataset("us_corporate_actions"),
            folder.write("splits.json", R"({"results":[{"execution_date":"2020-08-31","split_from":1,"split_to":4,
"ticker":"AAPL"},{"execution_date":"2021-08-02","split_from":8,"split_to":1,"ticker":"GE"},
{"execution_date":"2021-08-02","split_from":0,"split_to":1,"ticker":"BAD"}],"status":"OK"})"));
  ASSERT_TRUE(splits.status.ok()) << splits.status.ToString();
  ASSERT_EQ(splits.rows, 2);
  EXPECT_EQ(splits.at("kind", 0), "split");
  EXPECT_EQ(splits.at("shares_after", 0), "4");
  EXPECT_EQ(splits.at("kind", 1), "consolidation");
  EXPECT_EQ(splits.at("available_at", 0), "2020-08-31 04:00:00.000000Z");
  ASSERT_EQ(splits.refused.size(), 1u);
  EXPECT_EQ(splits.refused[0].line, 3);
  Drained cash = drain(dataset("us_corporate_actions"),
                       folder.write("dividends.json", R"({"results":[{"cash_amount":0.22,"currency":"USD",
"declaration_date":"2021-10-28","dividend_type":"CD","ex_dividend_date":"2021-11-05","pay_date":"2021-11-11",
"record_date":"2021-11-08","ticker":"AAPL"}]})"));
  ASSERT_TRUE(cash.status.ok()) << cash.status.ToString();
  ASSERT_EQ(cash.rows, 1);
  EXPECT_EQ(cash.at("amount", 0), "0.220000");
  EXPECT_EQ(cash.at("announced", 0), "2021-10-28");
  EXPECT_EQ(cash.at("available_at", 0), "2021-10-29 04:00:00.000000Z");
}

TEST(ActionFeeds, YahooDividendsAreAsPaid) {
  Folder folder;
  // AAPL paid 0.82 before its 4:1 split of 2020-08-31; Yahoo says 0.205.
  Drained d = drain(dataset("us_corporate_actions"),
                    folder.write("AAPL.json", R"({"chart":{"result":[{"meta":{"symbol":"AAPL","currency":"USD",
"exchangeTimezoneName":"America/New_York"},"timestamp":[],"events":{"dividends":{"1596807000":{"amount":0.205,"date":1596807000},
"1604673000":{"amount":0.20499999821186066,"date":1604673000}},
"splits":{"1598880600":{"date":1598880600,"numerator":4.0,"denominator":1.0,"splitRatio":"4:1"}}},"indicators":{}}],"error":null}})"));
  ASSERT_TRUE(d.status.ok()) << d.status.ToString();
  ASSERT_EQ(d.rows, 3);
  EXPECT_EQ(d.at("kind", 0), "split");
  EXPECT_EQ(d.at("ex_date", 0), "2020-08-31");
  EXPECT_EQ(d.at("shares_after", 0), "4");
  EXPECT_EQ(d.at("ex_date", 1), "2020-08-07");
  EXPECT_EQ(d.at("amount", 1), "0.820000");
  EXPECT_EQ(d.at("amount", 2), "0.205000");  // a binary float, rounded by floats: round
}

TEST(ActionFeeds, DamagedAndForeignDocumentsAreRefusedWhole) {
  Folder folder;
  const Dataset actions = dataset("corporate_actions");
  for (const char* text :
       {"[{\"symbol\":\"A\",", "{}", "[]", "[1,2]", "17", "SYMBOL,PURPOSE\nA,B\n", "", "[{\"a\":1}]"}) {
    Drained d = drain(actions, folder.write("x.json", text));
    EXPECT_FALSE(d.status.ok()) << text;
    EXPECT_EQ(exit_code(d.status), 1) << text << d.status.ToString();
  }
}

TEST(RoundDecimal, ToTheNearestTiesToEven) {
  auto rounded = [](std::string text, int scale) { return round_decimal(text, scale), text; };
  EXPECT_EQ(rounded("244.47000122070312", 4), "244.4700");
  EXPECT_EQ(rounded("0.99996", 4), "1.0000");
  EXPECT_EQ(rounded("-9.99996", 4), "-10.0000");
  EXPECT_EQ(rounded("1.00005", 4), "1.0000");
  EXPECT_EQ(rounded("1.00015", 4), "1.0002");
  EXPECT_EQ(rounded("1.000050001", 4), "1.0001");
  EXPECT_EQ(rounded("2.5", 0), "2");
  EXPECT_EQ(rounded("3.5", 0), "4");
  EXPECT_EQ(rounded("1.5e3", 0), "1.5e3");
  std::string plain = "1.2500";
  EXPECT_FALSE(round_decimal(plain, 2));
}

}  // namespace
}  // namespace tapemill::sources
