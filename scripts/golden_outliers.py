#!/usr/bin/env python3
"""Golden values of tests/quality/golden_outliers.cpp: scikit-learn's isolation forest, NumPy's and SciPy's statistics.

  pip install scikit-learn==1.9.1
  python scripts/golden_outliers.py > tests/golden/quality/outliers.json
The points are made from integers, so that every machine makes the same ones: a cloud, and a few points off it."""
import json

import numpy as np
from scipy import stats
from sklearn.ensemble import IsolationForest

state, points = 2026, []
for i in range(600):
    row = []
    for _ in range(3):  # a sum of four uniform numbers: nearly a bell
        total = 0
        for _ in range(4):
            state = (1103515245 * state + 12345) % 2**31
            total += (state >> 8) % 1001
        row.append(total / 1000)
    if i % 60 == 59:
        row[i // 60 % 3] += 3 + i / 200
    points.append(row)
array = np.array(points)
# Scores of one forest are a draw; the mean of ten forests of 500 trees is nearly what all forests have in the mean.
scores = np.mean([-IsolationForest(n_estimators=500, max_samples=256, random_state=seed).fit(array).score_samples(array)
                  for seed in range(10)], axis=0)
window = array[:99, 0]
print(json.dumps({
    "points": points,
    "scores": [round(float(x), 6) for x in scores],
    "window": {
        "quartiles": [float(x) for x in np.quantile(window, [0.25, 0.5, 0.75])],
        "mean": float(window.mean()), "deviation": float(window.std(ddof=1)),
        "absolute_deviation": float(stats.median_abs_deviation(window)),
    },
}))
