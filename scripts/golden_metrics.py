#!/usr/bin/env python3
"""Golden values of tests/backtest/golden_metrics.cpp: quantstats, empyrical and backtesting.py on one series.

  pip install quantstats==0.0.86 empyrical-reloaded==0.5.9 backtesting==0.6.6
  python scripts/golden_metrics.py > tests/backtest/golden_metrics.json
The series is made from integers, so that every machine makes the same one."""
import json
import math
import warnings

warnings.filterwarnings("ignore")
import numpy as np

np.NINF, np.PINF = -np.inf, np.inf  # names that NumPy 2 dropped and empyrical-reloaded 0.5.9 still uses
import backtesting
import empyrical
import pandas as pd
import quantstats
from backtesting._stats import compute_stats

N = 300
state, steps = 12345, []
for _ in range(N):  # a linear congruential generator: daily returns between -2 % and +2.1 %
    state = (1103515245 * state + 12345) % 2**31
    steps.append((state % 4101 - 2000) / 100000)
capital = 1_000_000.0
equity = []
level = capital
for step in steps:
    level = round(level * (1 + step), 2)
    equity.append(level)
dates = pd.bdate_range("2022-01-03", periods=N)
series = pd.Series([capital] + equity, index=[dates[0] - pd.Timedelta(days=3)] + list(dates))
returns = series.pct_change().dropna()

trades = []  # bars of entry and exit, price at both, size
state = 777
for k in range(24):
    state = (1103515245 * state + 12345) % 2**31
    entry = 10 * k + 2
    price = 100 + k
    out = round(price * (1 + (state % 901 - 400) / 10000), 2)
    trades.append((entry, entry + 1 + state % 7, float(price), out, 10))
frame = pd.DataFrame(
    {
        "Size": [t[4] for t in trades],
        "EntryBar": [t[0] for t in trades],
        "ExitBar": [t[1] for t in trades],
        "EntryPrice": [t[2] for t in trades],
        "ExitPrice": [t[3] for t in trades],
        "SL": math.nan, "TP": math.nan,
        "PnL": [(t[3] - t[2]) * t[4] for t in trades],
        "Commission": 0.0,
        "ReturnPct": [t[3] / t[2] - 1 for t in trades],
        "EntryTime": [dates[t[0]] for t in trades],
        "ExitTime": [dates[t[1]] for t in trades],
    }
)
frame["Duration"] = frame["ExitTime"] - frame["EntryTime"]
bars = pd.DataFrame({c: equity for c in ("Open", "High", "Low", "Close")}, index=dates)
stats = compute_stats(trades=frame, equity=np.array(equity), ohlc_data=bars, strategy_instance=None)

golden = {
    "versions": {"quantstats": quantstats.__version__, "empyrical-reloaded": empyrical.__version__, "backtesting": backtesting.__version__},
    "capital": capital,
    "dates": [d.strftime("%Y-%m-%d") for d in dates],
    "equity": equity,
    "trades": [{"pnl": p, "return": r} for p, r in zip(frame["PnL"], frame["ReturnPct"])],
    "expected": {
        "Sharpe Ratio": [float(quantstats.stats.sharpe(returns)), float(empyrical.sharpe_ratio(returns))],
        "Sortino Ratio": [float(quantstats.stats.sortino(returns)), float(empyrical.sortino_ratio(returns))],
        "Volatility (Ann.) [%]": [float(returns.std(ddof=1) * math.sqrt(252) * 100), float(empyrical.annual_volatility(returns) * 100)],
        "Return (Ann.) [%]": [float(empyrical.cagr(returns) * 100)],
        "Calmar Ratio": [float(empyrical.calmar_ratio(returns))],
        "Max. Drawdown [%]": [float(quantstats.stats.max_drawdown(series) * 100), float(empyrical.max_drawdown(returns) * 100)],
        "Win Rate [%]": [float(stats["Win Rate [%]"])],
        "Profit Factor": [float(stats["Profit Factor"])],
        "Expectancy [%]": [float(stats["Expectancy [%]"])],
        "SQN": [float(stats["SQN"])],
        "Kelly Criterion": [float(stats["Kelly Criterion"])],
        "Best Trade [%]": [float(stats["Best Trade [%]"])],
        "Worst Trade [%]": [float(stats["Worst Trade [%]"])],
        "# Trades": [float(stats["# Trades"])],
        "Equity Final [$]": [float(stats["Equity Final [$]"])],
        "Equity Peak [$]": [float(stats["Equity Peak [$]"])],
    },
}
print(json.dumps(golden))
