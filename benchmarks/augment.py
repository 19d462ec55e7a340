"""Ordered synthetic runs against independent rows sorted by RUL, on C-MAPSS FD001 by unit.

Fits on 70 units and scores on 30 others: classifier two-sample test on windows (.5 is undetectable), autocorrelation
error, lagged cross-correlation error, first-difference Wasserstein, row KL, and the error of an RUL model that is
trained on synthetic rows alone. Run `python benchmarks/augment.py [--engine flow|tvae] [--units 70] [--json FILE]`; the
data come from SENSORFORGE_SHARED_DATA (sensor/cmapss_train_FD001.txt).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score

from services.machines.profile import MachineProfile, Sensor
from services.refine.augmentation import temporal
from services.refine.augmentation.cascade import Conditioning, fit_cascade
from services.refine.augmentation.history import History, read_history
from services.refine.augmentation.lives import Plan, plan_runs
from services.refine.codec import Codec, column_specs
from services.refine.engines import Layout, create_engine
from services.refine.training import Rows, Schedule, train

Runs = list[NDArray[np.float64]]
SENSORS = [f"s{i}" for i in (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21)]
CAP = 125.0
WINDOW = 20


def cmapss(folder: Path, units: int) -> pl.DataFrame:
    """Returns the rows with run_id, sensors, rul and split: `units` units to train on, the last 30 to test on."""
    names = ["unit", "cycle", *(f"o{i}" for i in (1, 2, 3)), *(f"s{i}" for i in range(1, 22))]
    table = pl.DataFrame(np.loadtxt(folder / "sensor" / "cmapss_train_FD001.txt"), schema=names)
    return table.select(
        pl.col("unit").cast(pl.Int64).cast(pl.String).alias("run_id"),
        *SENSORS,
        (pl.col("cycle").max().over("unit") - pl.col("cycle")).alias("rul"),
        pl.when(pl.col("unit") <= units)
        .then(pl.lit("train"))
        .when(pl.col("unit") > 70)
        .then(pl.lit("test"))
        .otherwise(pl.lit("guard"))
        .alias("split"),
    )


def windows(runs: Runs, ruls: Runs, stride: int) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Returns mean, deviation, slope, first and last value of each window, its run and its RUL."""
    t = np.arange(WINDOW) - (WINDOW - 1) / 2
    features, groups, labels = [], [], []
    for number, (run, rul) in enumerate(zip(runs, ruls, strict=True)):
        if len(run) < WINDOW:
            continue
        view = np.lib.stride_tricks.sliding_window_view(run, WINDOW, axis=0)[::stride]
        slope = view @ t / (t * t).sum()
        features.append(np.concatenate([view.mean(2), view.std(2), slope, view[:, :, 0], view[:, :, -1]], 1))
        groups.append(np.full(len(view), number))
        labels.append(rul[WINDOW - 1 :: stride][: len(view)])
    return np.concatenate(features), np.concatenate(groups), np.concatenate(labels)


def window_c2st(real: Runs, real_rul: Runs, other: Runs, other_rul: Runs) -> float:
    """Returns the mean ROC-AUC over three run-disjoint folds of telling real from other windows (RUL is a feature)."""
    rng = np.random.default_rng(0)
    parts = []
    for label, (runs, ruls) in enumerate(((other, other_rul), (real, real_rul))):
        x, group, rul = windows(runs, ruls, 10)
        parts.append((np.c_[x, rul], group + 100_000 * label, np.full(len(x), label)))
    n = min(len(part[0]) for part in parts)
    chosen = [rng.permutation(len(part[0]))[:n] for part in parts]
    x, group, y = (np.concatenate([part[k][c] for part, c in zip(parts, chosen, strict=True)]) for k in range(3))
    fold = np.zeros(len(y), int)
    for label in (0, 1):
        names = rng.permutation(np.unique(group[y == label]))
        place = {name: i % 3 for i, name in enumerate(names)}
        fold[y == label] = [place[name] for name in group[y == label]]
    scores = []
    for k in range(3):
        model = HistGradientBoostingClassifier(max_iter=80, random_state=0).fit(x[fold != k], y[fold != k])
        scores.append(roc_auc_score(y[fold == k], model.predict_proba(x[fold == k])[:, 1]))
    return float(np.mean(scores))


def rul_rmse(train_runs: Runs, train_rul: Runs, test_runs: Runs, test_rul: Runs) -> float:
    """Returns the error of RUL (capped at 125) predicted from windows for the test units."""
    x, _, y = windows(train_runs, train_rul, 2)
    xt, _, yt = windows(test_runs, test_rul, 1)
    model = HistGradientBoostingRegressor(max_iter=150, learning_rate=0.06, random_state=0).fit(x, np.minimum(y, CAP))
    return float(np.sqrt(((np.minimum(yt, CAP) - model.predict(xt)) ** 2).mean()))


def row_kl(real: Runs, other: Runs, reference: Runs) -> float:
    """Returns the mean KL(real || other) over columns in 20 equal-mass bins of the reference."""
    a, b, r = (np.concatenate(runs) for runs in (real, other, reference))
    values = []
    for j in range(a.shape[1]):
        edges = np.unique(np.quantile(r[:, j], np.linspace(0, 1, 21)))[1:-1]
        p, q = (np.bincount(np.searchsorted(edges, x[:, j]), minlength=len(edges) + 1) + 0.5 for x in (a, b))
        values.append(float((p / p.sum() * np.log((p / p.sum()) / (q / q.sum()))).sum()))
    return float(np.mean(values))


def score(name: str, real: tuple[Runs, Runs], other: tuple[Runs, Runs], base: tuple[Runs, Runs]) -> dict[str, Any]:
    """Returns and prints one line of the table; `base` are the real training runs."""
    (t, rt), (s, rs) = real, other
    line = {
        "method": name,
        "window_c2st": window_c2st(t, rt, s, rs),
        "acf_error": temporal.autocorrelation_error(t, s),
        "cross_correlation_error": temporal.cross_correlation_error(t, s),
        "difference_w1": temporal.step_distance(t, s),
        "row_kl": row_kl(t, s, base[0]),
        "rul_rmse_synthetic": rul_rmse(s, rs, t, rt),
        "rul_rmse_real_and_synthetic": rul_rmse(base[0] + s, base[1] + rs, t, rt),
    }
    print(f"{name:34s} " + " ".join(f"{k} {v:.4f}" for k, v in line.items() if k != "method"), flush=True)
    return line


def of_plan(values: NDArray[np.float64], plan: Plan) -> Runs:
    """Returns rows cut into the plan's runs."""
    return [np.asarray(part) for part in np.split(values, np.cumsum(plan.lengths)[:-1])]


def independent_rows(history: History, codec: Codec, plan: Plan, steps: int) -> tuple[Runs, Runs]:
    """Returns the baseline: rows of a joint flow of sensors and RUL, drawn independently and sorted by RUL per run."""
    scores = np.concatenate([stretch.scores for stretch in history.stretches])
    rul = np.concatenate([s.rul for s in history.stretches if s.rul is not None])
    life = codec.scores_of("rul")
    joint = np.c_[scores, life.encode(rul, np.random.default_rng(1))].astype(np.float32)
    engine = create_engine("flow", Layout((*history.columns, "rul")))
    train(engine, Rows(joint), Rows(joint[::10]), Schedule(30, 512, steps // 30, 2e-3, 30))
    drawn = engine.sample(plan.rows)
    values = np.stack([codec.scores_of(n).decode(drawn[:, j]) for j, n in enumerate(history.columns)], 1)
    life_left = life.decode(drawn[:, -1])
    runs, ruls = [], []
    for x, r in zip(of_plan(values, plan), np.split(life_left, np.cumsum(plan.lengths)[:-1]), strict=True):
        order = np.argsort(-r, kind="stable")
        runs.append(x[order])
        ruls.append(r[order])
    return runs, ruls


def main() -> None:
    """Prints the table and writes it as JSON where asked to."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--engine", choices=("flow", "tvae"), default="flow")
    arguments.add_argument("--units", type=int, default=70)
    arguments.add_argument("--rows", type=int, default=28_000)
    arguments.add_argument("--steps", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--smoothing", type=float, default=0.0)
    arguments.add_argument("--mixing", type=float, default=0.5)
    arguments.add_argument("--margins", action=argparse.BooleanOptionalAction, default=False)
    arguments.add_argument("--skip-baseline", action="store_true")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    home = Path(__file__).resolve().parents[1].parent
    folder = Path(os.environ.get("SENSORFORGE_SHARED_DATA", home / "shared" / "data"))
    profile = MachineProfile("cmapss", tuple(Sensor(name) for name in SENSORS), rul_unit="cycles")
    table = cmapss(folder, options.units)
    real_train, real_test = (table.filter(pl.col("split") == name) for name in ("train", "test"))

    def runs_of(rows: pl.DataFrame) -> tuple[Runs, Runs]:
        parts = rows.partition_by("run_id", maintain_order=True)
        return [p.select(SENSORS).to_numpy() for p in parts], [p["rul"].to_numpy() for p in parts]

    base, real = runs_of(real_train), runs_of(real_test)
    codec = Codec.fit(real_train.drop("run_id", "split"), column_specs(profile, [*SENSORS, "rul"]))
    history = read_history(table, codec, profile)
    lines = [score("real training units", real, base, base)]
    started = time.process_time()
    more: dict[str, Any] = {"smoothing": options.smoothing} if options.smoothing else {}
    more["mixing"] = options.mixing
    cascade = fit_cascade(history, codec, options.engine, seed=options.seed, steps=options.steps, **more)
    if options.margins:
        trial = plan_runs(history, 12_000, seed=options.seed + 1)
        everything = np.ones(trial.rows, dtype=bool)
        first = cascade.generate(trial.lengths, trial.rul, trial.hour, trial.codes, everything, options.seed + 1)
        cascade = cascade.with_margins(first, np.concatenate([stretch.scores for stretch in history.stretches]))
    fitted = time.process_time() - started
    plan = plan_runs(history, options.rows, seed=options.seed)
    started = time.process_time()
    keep = np.ones(plan.rows, dtype=bool)
    scores = cascade.generate(plan.lengths, plan.rul, plan.hour, plan.codes, keep, options.seed)
    values = np.stack([codec.scores_of(n).decode(scores[:, j]) for j, n in enumerate(history.columns)], 1)
    seconds = (time.process_time() - started) * 50_000 / plan.rows
    assert plan.rul is not None
    made = of_plan(values, plan), [np.asarray(r) for r in np.split(plan.rul, np.cumsum(plan.lengths)[:-1])]
    print(f"fit {fitted:.1f} s, 50,000 rows {seconds:.2f} s, conditions {Conditioning.of(history, codec).names}")
    near = temporal.nearest_runs(*(([cascade.slow_path(np.float32(x)) for x in
        [np.stack([codec.scores_of(n).encode(r[:, j]) for j, n in enumerate(history.columns)], 1) for r in group[:40]]])
        for group in (base[0], made[0])))  # fmt: skip
    print(f"nearest runs: ratio {near.ratio:.2f}, close share {near.close_share:.2f}")
    lines.append(score(f"cascade, {options.engine}", real, made, base))
    lines[-1] |= {"fit_seconds": fitted, "seconds_50k": seconds, "nearest_run_ratio": near.ratio}
    if not options.skip_baseline:
        lines.append(score("independent rows sorted by RUL", real, independent_rows(history, codec, plan, 3000), base))
    if options.json:
        options.json.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
