#!/usr/bin/env python3
"""Golden trades of tests/backtest/golden_cross.cpp: strategies/index_cross.yaml by backtesting.py over the same file.

  pip install backtesting==0.6.6
  python scripts/golden_cross.py .deps/data/sp500-2000.csv > tests/backtest/golden_cross.json
Trades in whole units with 10 basis points a side, decided at the close and filled at the next open."""
import json
import sys
import warnings

warnings.filterwarnings("ignore")
import backtesting
import pandas as pd
from backtesting import Backtest, Strategy

bars = pd.read_csv(sys.argv[1], parse_dates=["date"], index_col="date")
bars.columns = [c.capitalize() for c in bars.columns]


def mean(values, n):
    return pd.Series(values).rolling(n).mean()


class Cross(Strategy):
    def init(self):
        self.fast = self.I(mean, self.data.Close, 50)
        self.slow = self.I(mean, self.data.Close, 200)

    def next(self):
        before, now = self.fast[-2] - self.slow[-2], self.fast[-1] - self.slow[-1]
        if before <= 0 < now and not self.position:
            self.buy(size=0.9999999999)  # 1 would mean one unit
        elif before >= 0 > now and self.position:
            self.position.close()


stats = Backtest(bars, Cross, cash=1_000_000, commission=0.001, finalize_trades=True).run()
trades = [
    {"entry": t.EntryTime.strftime("%Y-%m-%d"), "exit": t.ExitTime.strftime("%Y-%m-%d"), "size": int(t.Size),
     "entry_price": round(float(t.EntryPrice), 6), "exit_price": round(float(t.ExitPrice), 6), "pnl": float(t.PnL)}
    for t in stats["_trades"].itertuples()
]
print(json.dumps({"version": backtesting.__version__, "equity_final": float(stats["Equity Final [$]"]), "trades": trades}, indent=1))
