"""What the server links, says and refuses."""
import json
import re

from served import served


def test_the_home_page_links_what_is_there(filled):
    with served(filled) as ask:
        links = re.findall(r'href="([^"]+)"', ask("/")[1])
        assert "/api/tables" in links and {link: ask(link)[0] for link in links} == dict.fromkeys(links, 200)
        report = filled.lake / "reports" / "demo.html"
        report.parent.mkdir()
        try:
            report.write_text("<p>")
            assert "/report" in re.findall(r'href="([^"]+)"', ask("/")[1])
        finally:
            report.unlink()
            report.parent.rmdir()


def test_a_refused_method_says_what_to_do(filled):
    with served(filled) as ask:
        status, text = ask("/api/tables", "POST")
        assert status == 405 and json.loads(text)["hint"]


def test_help_names_the_paths(tapemill):
    text = tapemill("serve", "--help").stdout
    for path in ("/health", "/api/tables", "/api/runs", "/report"):
        assert path in text


def test_a_backtests_page_has_its_strategy(filled):
    text = ("name: s\nuniverse: {table: stocks_daily, symbols: [T000]}\ncapital: 1000 USD\n"
            "entry: {when: \"close > 0\", size: 50 %}\nexit: {when: \"close < 0\"}\n")
    (filled.folder / "s.yaml").write_text(text)
    run = json.loads(filled("backtest", "run", "s.yaml", "--json").stdout)["run_id"]
    with served(filled) as ask:
        page = ask("/report/" + run)[1]
    assert "size: 50 %" in page and "The document as it ran" in page
