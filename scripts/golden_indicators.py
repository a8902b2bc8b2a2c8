#!/usr/bin/env python3
"""Golden values of the indicator tests: what other programs answer on one generated series.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install TA-Lib==0.8.2 pandas==3.1.1 pandas-ta-classic==0.8.32
    /tmp/golden/bin/python scripts/golden_indicators.py        # writes tests/golden/indicators/*.csv

series.csv is made by integer arithmetic alone, so it is the same everywhere. The other files have a column per call and
output ("rsi(period=14)|rsi"), an empty cell where that program has no value, and in their first lines who computed them
and how near tests/indicators/golden_values.cpp demands them.
"""
import pathlib

import numpy as np
import pandas as pd
import pandas_ta_classic as pta
import talib

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "indicators"
BARS, SESSION = 320, 25


def series():
    """A walk in cents by a 32-bit linear congruential generator; volumes whole; a session of 25 bars."""
    state, rows, close = 20240229, [], 10_000

    def draw(n):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return (state >> 8) % n

    for bar in range(BARS):
        opened = close + draw(61) - 30
        close = max(100, opened + draw(241) - 120)
        high, low = max(opened, close) + draw(60), min(opened, close) - draw(60)
        rows.append((opened / 100, high / 100, low / 100, close / 100, float(100 + draw(90_000)), float(bar // SESSION)))
    return pd.DataFrame(rows, columns=["open", "high", "low", "close", "volume", "session"])


def write(name, columns, source, relative, absolute):
    lines = [
        f"# made by scripts/golden_indicators.py with {source}; do not edit",
        f"# tolerance {relative:g} relative, {absolute:g} absolute",
        ";".join(columns),
    ]
    for row in zip(*columns.values(), strict=True):
        lines.append(";".join("" if np.isnan(x) else repr(float(x)) for x in row))
    (FOLDER / f"{name}.csv").write_text("\n".join(lines) + "\n")


def after(warm_up, values):
    """pandas has a value from the first row; ours is null until the window is full."""
    values = pd.Series(values).astype(float).copy()
    values.iloc[:warm_up] = np.nan
    return values.to_numpy()


def main():
    s = series()
    o, h, l, c, v = (s[x].to_numpy() for x in ("open", "high", "low", "close", "volume"))
    TALIB = f"TA-Lib {talib.__version__} (C library {talib.__ta_version__.decode().split()[0]})"
    PANDAS = f"pandas {pd.__version__}"
    BOTH = f"{TALIB} and {PANDAS}"
    FOLDER.mkdir(parents=True, exist_ok=True)
    write("series", {x: s[x].to_numpy() for x in s}, "integer arithmetic", 0, 0)

    write("sma", {f"sma(period={n})|sma": talib.SMA(c, n) for n in (5, 20, 50, 200)}, TALIB, 1e-12, 0)

    span = {"first": False, "adjusted": True}
    ema = {f"ema(period={n})|ema": talib.EMA(c, n) for n in (5, 12, 20, 26, 200)}
    for seed, adjust in span.items():
        ema[f"ema(period=20, seed={seed})|ema"] = after(19, s.close.ewm(span=20, adjust=adjust).mean())
    write("ema", ema, BOTH, 1e-12, 0)

    change = s.close.diff().iloc[1:]
    rise, fall = change.clip(lower=0), (-change).clip(lower=0)

    def strength(average):
        g, x = average(rise), average(fall)
        return after(14, (100 * g / (g + x)).reindex(s.index))

    rsi = {f"rsi(period={n})|rsi": talib.RSI(c, n) for n in (2, 9, 14, 50)}
    rsi["rsi(period=14, smoothing=span)|rsi"] = strength(lambda x: x.ewm(span=14, adjust=False).mean())
    rsi["rsi(period=14, smoothing=simple)|rsi"] = strength(lambda x: x.rolling(14).mean())
    write("rsi", rsi, BOTH, 1e-11, 0)

    macd = {}
    for fast, slow, signal in ((12, 26, 9), (5, 35, 5), (26, 12, 9)):
        values = talib.MACD(c, fast, slow, signal)
        for output, column in zip(("line", "signal", "histogram"), values, strict=True):
            macd[f"macd(fast={fast}, slow={slow}, signal={signal})|{output}"] = column
    for seed, adjust in span.items():
        line = s.close.ewm(span=12, adjust=adjust).mean() - s.close.ewm(span=26, adjust=adjust).mean()
        mean = line.ewm(span=9, adjust=adjust).mean()
        for output, column in (("line", line), ("signal", mean), ("histogram", line - mean)):
            macd[f"macd(fast=12, slow=26, signal=9, seed={seed})|{output}"] = after(33, column)
    write("macd", macd, BOTH, 1e-10, 1e-12)

    bb = {}
    for n, width in ((5, 2), (20, 2), (20, 1.5), (100, 2)):
        for output, column in zip(("upper", "middle", "lower"), talib.BBANDS(c, n, width, width), strict=True):
            bb[f"bb(period={n}, deviations={width})|{output}"] = column
    for ddof in (0, 1):
        bands = pta.bbands(s.close, length=20, std=2, ddof=ddof, talib=False)
        for output, prefix, scale in (("upper", "BBU", 1), ("middle", "BBM", 1), ("lower", "BBL", 1), ("percent_b", "BBP", 1), ("width", "BBB", 100)):
            column = bands[[x for x in bands if x.startswith(prefix)][0]]
            bb[f"bb(period=20, deviations=2, ddof={ddof})|{output}"] = column.to_numpy() / scale
    write("bb", bb, f"{TALIB}; percent_b, width and ddof: pandas-ta-classic {pta.version} ({PANDAS})", 1e-9, 1e-11)

    atr = {f"atr(period={n})|atr": talib.ATR(h, l, c, n) for n in (1, 2, 14, 50)}
    true_range = pd.Series(talib.TRANGE(h, l, c)).iloc[1:]
    atr["atr(period=14, smoothing=span)|atr"] = after(14, true_range.ewm(span=14, adjust=False).mean().reindex(s.index))
    write("atr", atr, BOTH, 1e-12, 0)

    days = s.set_index(pd.Timestamp("2024-01-01") + pd.to_timedelta(s.session * 86_400 + s.index % SESSION * 60, unit="s"))
    vwap = pta.vwap(days.high, days.low, days.close, days.volume, anchor="D")
    write("vwap", {"vwap()|vwap": vwap.to_numpy()}, f"pandas-ta-classic {pta.version} ({PANDAS}), anchor D", 1e-12, 0)

    write("obv", {"obv()|obv": talib.OBV(c, v)}, TALIB, 0, 0)

    stoch = {}
    for fast, k, d in ((5, 3, 3), (14, 3, 3), (14, 1, 3), (1, 1, 1)):
        for output, column in zip(("k", "d"), talib.STOCH(h, l, c, fast, k, 0, d, 0), strict=True):
            stoch[f"stoch(fast_k={fast}, slow_k={k}, slow_d={d})|{output}"] = column
    write("stoch", stoch, TALIB, 1e-10, 1e-11)

    write("volume_sma", {f"volume_sma(period={n})|volume_sma": talib.SMA(v, n) for n in (5, 20)}, TALIB, 1e-12, 0)
    write("volume_ratio", {
        "volume_ratio(period=20)|volume_ratio": (s.volume / (s.volume.rolling(20).mean() + 1)).to_numpy(),
        "volume_ratio(period=20, add=0)|volume_ratio": (s.volume / s.volume.rolling(20).mean()).to_numpy(),
    }, PANDAS, 1e-12, 0)


if __name__ == "__main__":
    main()
