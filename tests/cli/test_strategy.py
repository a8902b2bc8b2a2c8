"""Daily strategies as people write them."""
import json

import pytest
from program import DAYS, ROOT, Program, day

STRATEGY = """\
name: bare
universe: {{table: stocks_daily, symbols: [T000]}}
capital: 1000 USD
entry: {{when: "{when}", size: 50 %}}
exit: {{when: "{when}"}}
"""


@pytest.mark.parametrize("bare, whole", [("rsi(period=2) < 101", "rsi(close, period=2) < 101"), ("atr(period=2) > 0", "atr(high, low, close, period=2) > 0"),
                                         ("vwap() > 1", "vwap(high, low, close, volume) > 1"), ("stoch(fast_k=2) >= 0", "stoch(high, low, close, fast_k=2) >= 0")])
def test_indicators_without_series_read_their_own_columns(filled, bare, whole):
    """As in indicators run and in features: docs/formats/expressions.md."""
    found = []
    for when in (bare, whole):
        (filled.folder / "bare.yaml").write_text(STRATEGY.format(when=when))
        filled("backtest", "check", "bare.yaml")
        found.append(json.loads(filled("backtest", "run", "bare.yaml", "--json").stdout)["metrics"])
    assert found[0] == found[1]


def test_a_mended_spec_is_not_passed_over_in_silence(program, tmp_path):
    made = Program(tmp_path)
    date, start = next(iter(DAYS.items()))
    (tmp_path / f"{date}.csv").write_text(day(date, start))
    made("ingest", "stocks_daily", f"{date}.csv")
    assert "another spec" not in made("ingest", "stocks_daily", f"{date}.csv").stderr
    spec = (ROOT / "datasets" / "stocks_daily.yaml").read_text()
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "stocks_daily.yaml").write_text(spec + "\n# mended\n")
    said = made("ingest", "stocks_daily", f"{date}.csv").stderr
    assert "1 file came in by another spec of stocks_daily" in said
    assert "tapemill rebuild stocks_daily" in said
