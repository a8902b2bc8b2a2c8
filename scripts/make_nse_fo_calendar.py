#!/usr/bin/env python3
"""Writes calendars/nse_fo.yaml, the derivatives segment, out of calendars/nse.yaml, the cash market.

The two segments keep the same days and the same special sessions; since 2026-08-03 derivatives close ten minutes later.
One file is edited by hand, the other is made: a day added to one cannot be forgotten in the other (a test compares them).
"""
import pathlib
import re
import sys

CALENDARS = pathlib.Path(__file__).resolve().parent.parent / "calendars"
HEAD = """\
# Sessions of the National Stock Exchange of India, equity derivatives. Made from nse.yaml by scripts/make_nse_fo_calendar.py:
# edit that file, or the hours in the script. What the sources mean stands at the head of nse.yaml.
calendar: nse_fo
title: National Stock Exchange of India, equity derivatives
"""
HOURS = """\
hours:
  - {from: 2010-10-18, open: "09:15", close: "15:30", source: "conventions 6; NSE: normal market 09:15 to 15:30 since 2010-10-18"}
  - {from: 2026-08-03, open: "09:15", close: "15:40", source: "conventions 6; NSE circular of May 2026 (webindia123.com 2026-05-30)"}
"""


def derivatives(cash: str) -> str:
    body = cash[cash.index("zone: "):]
    return HEAD + re.sub(r"^hours:\n(?:  - .*\n)+", HOURS, body, count=1, flags=re.M)


if __name__ == "__main__":
    text = derivatives((CALENDARS / "nse.yaml").read_text())
    target = CALENDARS / "nse_fo.yaml"
    if "--check" in sys.argv:
        sys.exit(0 if target.read_text() == text else f"{target} is not what nse.yaml makes: run {__file__}")
    target.write_text(text)
