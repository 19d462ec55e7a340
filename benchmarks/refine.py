"""Speed and quality of the refinement engines, as ratios to named opponents measured in the same run.

`python -m benchmarks.refine [--quick] [--seeds 3] [--tables train,refine,files,mixed,speed] [--json FILE]`

Everything is scored on rows that no generator saw, with the same metrics: KL, Kolmogorov-Smirnov and trend similarity
(1 is best), correlation error (0 is best), classifier two-sample AUC (.5 is best) and R2 of a regressor that is trained
on synthetic rows and tested on real ones. Opponents: bootstrap (the floor that memorises), a Gaussian and an empirical
copula, SDV's TVAE where `sdv` is installed, and fresh real rows (the ceiling). Times are CPU seconds of one thread.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from python_calamine import CalamineWorkbook
from scipy.special import ndtr
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from services.refine.codec import Codec
from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.original import OriginalTraining
from services.refine.refinement import Refinement

DATA = Path(os.environ.get("SENSORFORGE_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
METRICS = ("kl", "kl_excess", "ks", "trend", "corr", "c2st", "tstr")


# Tables ---------------------------------------------------------------------------------------------------------------


def motor(rows: int, seed: int, *, real: bool = False) -> pl.DataFrame:
    """An induction motor's ten columns. `real` is another machine: other speeds, losses, noise, a resonance, coarser
    winding temperatures."""
    rng = np.random.default_rng([seed, int(real)])
    wear = rng.beta(1.1, 1.1, rows)
    shares = (0.4, 0.2, 0.4) if real else (0.25, 0.5, 0.25)
    regime = rng.choice(3, rows, p=shares)
    speeds = np.array((940.0, 1500.0, 1790.0) if real else (900.0, 1450.0, 1780.0))
    speed = speeds[regime] + rng.normal(0, 18 if real else 12, rows)
    load = np.clip(100 * (rng.beta(5, 1.6, rows) if real else rng.beta(2.5, 2, rows)), 2, 130)
    voltage = 392 + rng.gamma(2, 2, rows) - 0.04 * load if real else rng.normal(400, 4, rows)
    torque = 0.6 * load * (1 + 0.05 * wear)
    shaft_kw = torque * speed * 2 * np.pi / 60_000
    losses = 0.05 * wear**2 + 0.10 * np.exp(-load / 15)
    efficiency = np.clip((0.905 if real else 0.93) - losses + rng.normal(0, 0.004, rows), 0.2, 0.98)
    power = shaft_kw / efficiency
    current = 1000 * power / (np.sqrt(3) * voltage * (0.80 if real else 0.85)) + rng.normal(0, 0.15, rows)
    ambient = rng.normal(31, 5, rows) if real else rng.normal(25, 3, rows)
    heating = (0.6325 if real else 0.55) * np.maximum(current, 0) ** 1.3
    winding = ambient + heating + 6 * wear + rng.normal(0, 1.2, rows)
    bearing = ambient + speed / 100 * (1.2 if real else 1) + 22 * wear**3 + rng.normal(0, 1, rows)
    vibration = np.exp(0.1 + 1.3 * wear**4 + speed / 3600 + rng.normal(0, 0.25 if real else 0.12, rows))
    life = (6500 * rng.uniform(0.85, 1.1, rows)) if real else 8000
    if real:
        vibration = vibration * np.where(regime == 0, 1.7, 1.0)
        winding = np.round(2 * winding) / 2
    return pl.DataFrame(
        {
            "speed_rpm": speed,
            "load_pct": load,
            "current_a": current,
            "voltage_v": voltage,
            "winding_temp_c": winding,
            "bearing_temp_c": bearing,
            "vibration_mm_s": vibration,
            "power_kw": power,
            "efficiency": efficiency,
            "rul": life * (1 - wear),
        }
    )


def read_files() -> Iterable[tuple[str, pl.DataFrame, pl.DataFrame | None, str | None]]:
    """Yields (name, rows, rows of an earlier machine to train the base on or None, target) of the shared real files."""
    folder = DATA / "sensor"
    if not folder.is_dir():
        return

    def turbine(year: int) -> pl.DataFrame:
        table = pl.read_csv(folder / f"gt_{year}.csv")
        return table.rename({name: name.strip() for name in table.columns})

    yield "gas turbine 2015, base 2011", turbine(2015), turbine(2011), "TEY"
    cells = CalamineWorkbook.from_path(str(folder / "Folds5x2_pp.xlsx")).get_sheet_by_index(0).to_python()
    plant = pl.DataFrame(cells[1:], schema=cells[0], orient="row").cast(pl.Float64)
    yield "combined-cycle plant", plant, None, "EP"
    raw = np.loadtxt(folder / "cmapss_train_FD001.txt")
    cycles = pl.DataFrame(raw[:, [0, 1, 6, 7, 8, 11, 12, 13, 15, 16, 17, 18, 19, 21, 24, 25]])
    names = ["unit", "cycle", *(f"s{i}" for i in (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21))]
    cycles = cycles.rename(dict(zip(cycles.columns, names, strict=True)))
    rul = (pl.col("cycle").max().over("unit") - pl.col("cycle")).alias("rul")
    yield "C-MAPSS FD001 by unit", cycles.with_columns(rul).rename({"unit": "run_id"}).drop("cycle"), None, "rul"


# Metrics --------------------------------------------------------------------------------------------------------------


def score(train: np.ndarray, test: np.ndarray, rows: np.ndarray, target: int | None) -> dict[str, float]:
    """Returns the metrics of synthetic `rows` against `test`; `train` gives bins and the KL of real against real."""
    kl = _kl(train, test, rows)
    result = {
        "kl": kl,
        "kl_excess": kl - _kl(train, test, train),
        "ks": float(np.mean([1 - ks_2samp(test[:, j], rows[:, j]).statistic for j in range(test.shape[1])])),
        "corr": _correlation_error(test, rows),
        "trend": 1 - _correlation_error(test, rows) / 2,
        "c2st": _two_samples(test, rows),
        "tstr": float("nan"),
    }
    if target is not None:
        others = [j for j in range(test.shape[1]) if j != target]
        fitted = HistGradientBoostingRegressor(max_iter=150, random_state=0).fit(rows[:, others], rows[:, target])
        result["tstr"] = float(r2_score(test[:, target], fitted.predict(test[:, others])))
    return result


def _kl(train: np.ndarray, test: np.ndarray, rows: np.ndarray) -> float:
    """Mean over columns of KL(test || rows) in nats: equal-mass bins of the training rows, +0.5 smoothing."""
    bins = int(np.clip(len(test) / 20, 5, 20))
    found = []
    for j in range(test.shape[1]):
        edges = np.unique(np.quantile(train[:, j], np.linspace(0, 1, bins + 1)[1:-1]))
        p, q = (np.bincount(np.searchsorted(edges, x[:, j]), minlength=len(edges) + 1) + 0.5 for x in (test, rows))
        p, q = p / p.sum(), q / q.sum()
        found.append(float((p * np.log(p / q)).sum()))
    return float(np.mean(found))


def _correlation_error(test: np.ndarray, rows: np.ndarray) -> float:
    upper = np.triu_indices(test.shape[1], 1)
    with np.errstate(all="ignore"):
        difference = np.abs(np.corrcoef(test.T) - np.corrcoef(rows.T))[upper]
    return float(np.nanmean(difference))


def _two_samples(test: np.ndarray, rows: np.ndarray) -> float:
    n = min(len(test), len(rows), 10_000)
    rng = np.random.default_rng(0)
    both = np.concatenate([x[rng.choice(len(x), n, replace=False)] for x in (test, rows)])
    label = np.repeat([1, 0], n)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    model = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    return float(roc_auc_score(label, cross_val_predict(model, both, label, cv=folds, method="predict_proba")[:, 1]))


# Opponents ------------------------------------------------------------------------------------------------------------


def gaussian_copula(rows: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """Normal margins after a linear fit of mean and covariance: no copula could do with less."""
    rng = np.random.default_rng(seed)
    return rng.multivariate_normal(rows.mean(0), np.cov(rows.T), wanted)


def empirical_copula(rows: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """Empirical margins joined by the normal scores' correlation."""
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(rows, schema=[f"c{j}" for j in range(rows.shape[1])])
    codec = Codec.fit(table)
    scores = codec.encode(table, rng).scores
    drawn = rng.multivariate_normal(np.zeros(scores.shape[1]), np.corrcoef(scores.T), wanted)
    ordered = np.sort(rows, 0)
    levels = (np.arange(len(rows)) + 0.5) / len(rows)
    return np.column_stack([np.interp(ndtr(drawn[:, j]), levels, ordered[:, j]) for j in range(rows.shape[1])])


def sdv_tvae(rows: np.ndarray, wanted: int, seed: int) -> np.ndarray:
    """SDV's TVAE with its defaults (300 epochs)."""
    from sdv.metadata import Metadata  # type: ignore[import-not-found,unused-ignore]
    from sdv.single_table import TVAESynthesizer  # type: ignore[import-not-found,unused-ignore]

    torch.manual_seed(seed)
    frame = pl.DataFrame(rows, schema=[f"c{j}" for j in range(rows.shape[1])]).to_pandas()
    synthesizer = TVAESynthesizer(Metadata.detect_from_dataframe(frame))
    synthesizer.fit(frame)
    return np.asarray(synthesizer.sample(wanted).to_numpy(float))


# Runs -----------------------------------------------------------------------------------------------------------------


def original(rows: pl.DataFrame, engine: str, seed: int, epochs: int = 0) -> Model:
    training = OriginalTraining("bench", rows, options=TrainingOptions(engine=engine, epochs=epochs), seed=seed)
    list(training.epochs())
    return training.result()[0]


class Board:
    """Collects scores by table and method, over seeds."""

    def __init__(self) -> None:
        self.scores: dict[str, dict[str, list[dict[str, float]]]] = {}

    def add(self, table: str, method: str, cpu_s: float, scores: dict[str, float]) -> None:
        self.scores.setdefault(table, {}).setdefault(method, []).append({"cpu_s": cpu_s, **scores})

    def show(self) -> None:
        for table, methods in self.scores.items():
            names = list(next(iter(next(iter(methods.values())))))
            print(f"\n{table}\n{'':36s}" + "".join(f"{name:>17s}" for name in names))
            for method, runs in methods.items():
                cells = []
                for name in names:
                    values = np.array([run.get(name, np.nan) for run in runs])
                    spread = f"±{values.std():.3f}" if len(values) > 1 else ""
                    cells.append(f"{values.mean():>10.4g}{spread:7s}")
                print(f"{method:36s}" + "".join(cells), flush=True)


def _timed(make: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.process_time()
    made = make()
    return made, time.process_time() - begun


def table_train(board: Board, seed: int, quick: bool) -> None:
    """10,000 x 10 rows from scratch."""
    train, test = motor(10_000, 10 * seed + 1), motor(10_000, 10 * seed + 2).to_numpy()
    rows, target = train.to_numpy(), train.columns.index("rul")
    name = "train on 10,000 x 10"
    ceiling = motor(10_000, 10 * seed + 3).to_numpy()
    board.add(name, "fresh real rows (ceiling)", 0, score(rows, test, ceiling, target))
    opponents: dict[str, Callable[..., np.ndarray]] = {
        "gaussian copula": gaussian_copula,
        "empirical copula": empirical_copula,
    }
    if importlib.util.find_spec("sdv") and not quick:
        opponents["SDV TVAE, 300 epochs"] = sdv_tvae
    for method, make in opponents.items():
        drawn, cpu = _timed(lambda make=make: make(rows, 10_000, seed))
        board.add(name, method, cpu, score(rows, test, drawn, target))
    for engine in ("flow", "tvae"):
        for epochs in (10, 0) if quick else (10, 0, 400):
            model, cpu = _timed(lambda e=engine, n=epochs: original(train, e, seed, n))
            label = f"{engine}, {epochs or 'default'} epochs"
            board.add(name, label, cpu, score(rows, test, model.sample(10_000, seed=seed).to_numpy(), target))


def table_refine(board: Board, seed: int, quick: bool) -> None:
    """500 and 2,000 real rows of a machine whose physics is not the seed's, scored on 5,000 fresh rows."""
    for engine in ("flow", "tvae"):
        base = original(motor(10_000, 10 * seed + 1), engine, seed)
        for real_rows in (500,) if quick else (500, 2000, 10_000):
            rows = motor(real_rows, 10 * seed + 4, real=True)
            test = motor(5000, 10 * seed + 5, real=True).to_numpy()
            held = motor(max(75, real_rows // 7), 10 * seed + 6, real=True)
            _refined(board, f"refine on {real_rows} rows, {engine}", rows, held, test, base, seed, "rul")


def table_files(board: Board, seed: int, quick: bool) -> None:
    """500-row refinements of real files, scored on thousands of rows of other runs or time blocks."""
    for file, table, earlier, target in read_files():
        train, held, test = _three_ways(table, seed)
        names = [name for name in table.columns if name != "run_id"]
        for engine in ("flow",) if quick else ("flow", "tvae"):
            base = original(earlier, engine, seed) if earlier is not None else None
            _refined(
                board, f"{file}, 500 rows, {engine}", train, held, test.select(names).to_numpy(), base, seed, target
            )


def _three_ways(table: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Returns (500 training rows, 75 validation rows, the rest that is neither): by unit, else by blocks of rows."""
    rng = np.random.default_rng(seed)
    by_unit = "run_id" in table.columns
    group = table["run_id"].rank("dense").to_numpy() if by_unit else np.arange(table.height) // 50
    order = rng.permutation(np.unique(group))
    first, second = (set(order[: len(order) // 2]), set(order[len(order) // 2 : len(order) * 6 // 10]))
    parts = [np.array([g in first for g in group]), np.array([g in second for g in group])]
    parts.append(~(parts[0] | parts[1]))
    train, held, test = (table.filter(pl.Series(part)) for part in parts)
    return train.sample(500, seed=seed), held.sample(75, seed=seed), test


def _refined(
    board: Board,
    name: str,
    train: pl.DataFrame,
    held: pl.DataFrame,
    test: np.ndarray,
    base: Model | None,
    seed: int,
    target_name: str | None,
) -> None:
    """Scores every candidate of one refinement, and the floor and the opponents beside them."""
    columns = [name for name in train.columns if name != "run_id"]
    rows = train.select(columns).to_numpy().astype(float)
    target = columns.index(target_name) if target_name else None
    rng = np.random.default_rng(seed)
    board.add(name, "bootstrap (memorised)", 0, score(rows, test, rows[rng.integers(0, len(rows), 5000)], target))
    copula, cpu = _timed(lambda: empirical_copula(rows, 5000, seed))
    board.add(name, "empirical copula", cpu, score(rows, test, copula, target))
    refinement, prepared = _timed(lambda: Refinement("bench", train, held, base=base, base_name="base", seed=seed))
    _, trained = _timed(lambda: list(refinement.epochs()))
    (model, report), judged = _timed(refinement.result)
    for candidate in refinement.training.ready:
        sampled = refinement.model_of(candidate).sample(5000, seed=seed).select(columns).to_numpy()
        seconds = sum(result.seconds for result in candidate.curve)
        board.add(name, f"  candidate {candidate.name}", seconds, score(rows, test, sampled, target))
    sampled = model.sample(5000, seed=seed).select(columns).to_numpy()
    board.add(name, "chosen", prepared + trained + judged, score(rows, test, sampled, target))
    print(f"# {name}, seed {seed}: {report['why']} improvement {report['refinement_improvement']['percent']}")


def table_mixed(board: Board, seed: int, quick: bool) -> None:
    """AI4I: product type and five failure flags. Impossible combinations, rare classes, failures told from sensors."""
    file = DATA / "sensor" / "ai4i2020.csv"
    if not file.is_file():
        return
    table = pl.read_csv(file)
    table = table.drop(table.columns[:2])
    flags = ["Machine failure", "TWF", "HDF", "PWF", "OSF", "RNF"]
    numbers = [name for name in table.columns if name not in (*flags, "Type")]
    shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
    train, test = shuffled[:6000], shuffled[6000:]
    for engine in ("flow",) if quick else ("flow", "tvae"):
        model, cpu = _timed(lambda e=engine: original(train, e, seed))
        drawn = model.sample(20_000, seed=seed)
        known = set(table.select("Type", *flags).cast(pl.String).unique().iter_rows())
        made = [tuple(_flag(v) for v in row) for row in drawn.select("Type", *flags).iter_rows()]
        shares = []
        for flag in flags:
            real, ours = train[flag].mean(), drawn[flag].cast(pl.Float64).mean()
            shares.append(min(ours / real, real / max(ours, 1e-9)))
        result = {"impossible": float(np.mean([row not in known for row in made])), "rare_kept": float(np.mean(shares))}
        sizes = (("ap_real", train), ("ap_synthetic", drawn[: train.height]), ("ap_synthetic_20k", drawn))
        for label, rows in sizes:
            fitted = HistGradientBoostingClassifier(max_iter=100, random_state=0)
            fitted.fit(rows.select(numbers).to_numpy(), rows["Machine failure"].cast(pl.Float64).to_numpy() > 0)
            chance = fitted.predict_proba(test.select(numbers).to_numpy())[:, 1]
            result[label] = float(average_precision_score(test["Machine failure"].to_numpy(), chance))
        board.add("mixed types, AI4I", engine, cpu, result)


def _flag(value: Any) -> str:
    return value if isinstance(value, str) else str(int(value))


def table_speed(board: Board, seed: int, quick: bool) -> None:
    """Codec and sampling."""
    table = motor(10_000, seed, real=True)
    (codec, _), cpu = _timed(lambda: ((c := Codec.fit(table)), c.encode(table, np.random.default_rng(0))))
    board.add("speed", "codec fit + encode 10,000 x 10", cpu, {"rows_per_s": 10_000 / cpu})
    for engine in ("flow", "tvae"):
        model = original(table, engine, seed, epochs=2)
        _, cpu = _timed(lambda m=model: m.sample(50_000, seed=seed))
        board.add("speed", f"sample 50,000 rows, {engine}", cpu, {"rows_per_s": 50_000 / cpu})
    del codec


TABLES = {
    "speed": table_speed,
    "train": table_train,
    "refine": table_refine,
    "files": table_files,
    "mixed": table_mixed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed and the short rows of each table")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    board = Board()
    for name in arguments.tables.split(","):
        for seed in range(1 if arguments.quick else arguments.seeds):
            TABLES[name](board, seed, arguments.quick)
    board.show()
    if arguments.json:
        arguments.json.write_text(json.dumps(board.scores, indent=1))


if __name__ == "__main__":
    main()
