"""Speed and quality of the refinement engines, as ratios to named opponents measured in the same run.

`python -m benchmarks.refine [--quick] [--seeds 3] [--tables speed,train,refine,files,mixed] [--json FILE]`

Everything is scored on rows that no generator saw (`refinement.scoring`). Opponents: bootstrap (the floor that
memorises), the independence copula, a Gaussian and an empirical copula, SDV's TVAE where `sdv` is installed, fresh real
rows (the ceiling), and in a refinement the base with nothing but its codec swapped. Times are CPU seconds of one
thread. Below the tables stands the goal table, with what was reached and what was missed, and where an opponent wins.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score

from benchmarks.refinement import goals, opponents
from benchmarks.refinement.board import Board, show_goals
from benchmarks.refinement.scoring import score
from benchmarks.refinement.tables import DATA, mixed_types, motor, real_files, three_ways
from services.refine.codec import Codec
from services.refine.model import Model
from services.refine.options import TrainingOptions
from services.refine.original import OriginalTraining
from services.refine.refinement import Refinement

SAMPLED = 5000  # rows of each refinement that are scored
ENGINES = ("flow", "tvae")
DRAWS = 3  # times 50,000 rows are drawn, SDV's as well: a fifth of a second is at the mercy of the other core


class Bench:
    """One run: the board, and what was left out and why."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self.board = Board()
        self.notes: list[str] = []
        self.files: list[str] = []
        self._sdv = opponents.sdv_installed() and not quick
        if not self._sdv:
            self.note("SDV's TVAE is not measured: " + ("--quick" if quick else "sdv is not installed"))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    # Tables -----------------------------------------------------------------------------------------------------------

    def speed(self, seed: int) -> None:
        """Codec and sampling."""
        table = motor(10_000, seed, real=True)
        Codec.fit(table[:500])  # what is imported and allocated once is not the codec's time
        _, cpu = timed(lambda: Codec.fit(table).encode(table, np.random.default_rng(0)))
        self.board.add("speed", "codec fit + encode 10,000 x 10", cpu, {"rows_per_s": 10_000 / cpu})
        for engine in ENGINES:
            model = original(table, engine, seed, epochs=2)
            model.sample(1000)
            _, cpu = timed(lambda m=model: m.sample(50_000, seed=seed), DRAWS)
            self.board.add("speed", f"sample, {engine}", cpu, {"rows_per_s": 50_000 / cpu})

    def train(self, seed: int) -> None:
        """10,000 x 10 rows from scratch."""
        table, test = motor(10_000, 10 * seed + 1), motor(10_000, 10 * seed + 2).to_numpy()
        rows, target = table.to_numpy(), table.columns.index("rul")
        name = goals.TRAIN

        def add(method: str, cpu: float, made: np.ndarray) -> None:
            self.board.add(name, method, cpu, score(rows, test, made, target))

        add("fresh real rows (ceiling)", 0, motor(10_000, 10 * seed + 3).to_numpy())
        for method, make in (
            ("independence copula", opponents.independent),
            ("gaussian copula", opponents.gaussian_copula),
            ("empirical copula", opponents.empirical_copula),
        ):
            made, cpu = timed(lambda make=make: make(rows, 10_000, seed))
            add(method, cpu, made)
        if self._sdv:
            fitted, cpu = timed(lambda: opponents.SdvTvae(rows, seed))
            made, drawing = timed(lambda: fitted.sample(50_000), DRAWS)
            add(goals.SDV, cpu, made[:10_000])
            self.board.add("speed", "sample, SDV TVAE", drawing, {"rows_per_s": 50_000 / drawing})
        for engine, epochs in (
            ("flow", 4),
            ("flow", 6),
            ("flow", 8),
            ("flow", 16),
            ("flow", 0),
            ("tvae", 8),
            ("tvae", 16),
            ("tvae", 0),
        ):
            model, cpu = timed(lambda engine=engine, epochs=epochs: original(table, engine, seed, epochs))
            add(f"{engine}, {epochs or 'default'} epochs", cpu, model.sample(10_000, seed=seed).to_numpy())

    def refine(self, seed: int) -> None:
        """Real rows of a motor whose physics is not the seed's, scored on 5,000 fresh rows."""
        test = motor(5000, 10 * seed + 5, real=True).to_numpy()
        for engine in ENGINES:
            base = original(motor(10_000, 10 * seed + 1), engine, seed)
            for rows in (500,) if self.quick else (500, 10_000):
                train = motor(rows, 10 * seed + 4, real=True)
                held = motor(max(75, rows // 7), 10 * seed + 6, real=True)
                self._refined(goals.refine_table(rows, engine), train, held, test, base, engine, seed, "rul")

    def real(self, seed: int) -> None:
        """500-row refinements of real files, scored on thousands of rows of other units or time blocks."""
        if not (DATA / "sensor").is_dir():
            self.note(f"the tables of real files are left out: there is no {DATA / 'sensor'}")
        for file, table, earlier, target in real_files():
            train, held, test = three_ways(table, seed)
            names = [name for name in table.columns if name != "run_id"]
            for engine in ENGINES[:1] if self.quick else ENGINES:
                base = original(earlier, engine, seed) if earlier is not None else None
                name = f"{file}, 500 rows, {engine}"
                self.files += [name] if name not in self.files else []
                self._refined(name, train, held, test.select(names).to_numpy(), base, engine, seed, target)

    def mixed(self, seed: int) -> None:
        """AI4I: product type and five failure flags. Impossible combinations, rare classes, precision."""
        table = mixed_types()
        if table is None:
            self.note("the table of mixed types is left out: ai4i2020.csv is not there")
            return
        flags = ["Machine failure", "TWF", "HDF", "PWF", "OSF", "RNF"]
        numbers = [name for name in table.columns if name not in (*flags, "Type")]
        shuffled = table.sample(fraction=1, shuffle=True, seed=seed)
        train, test = shuffled[:6000], shuffled[6000:]

        def precision(rows: pl.DataFrame) -> float:
            fitted = HistGradientBoostingClassifier(max_iter=100, random_state=0)
            fitted.fit(rows.select(numbers).to_numpy(), rows["Machine failure"].cast(pl.Float64).to_numpy() > 0)
            chance = fitted.predict_proba(test.select(numbers).to_numpy())[:, 1]
            return float(average_precision_score(test["Machine failure"].to_numpy(), chance))

        real = precision(train)
        for engine in ENGINES:
            model, cpu = timed(lambda engine=engine: original(train, engine, seed))
            drawn = model.sample(20_000, seed=seed)
            known = {_combination(row) for row in table.select("Type", *flags).iter_rows()}
            made = [_combination(row) for row in drawn.select("Type", *flags).iter_rows()]
            kept = []
            for flag in flags:
                share, ours = train[flag].mean(), drawn[flag].cast(pl.Float64).mean()
                kept.append(min(ours / share, share / max(ours, 1e-9)))
            result = {
                "impossible": float(np.mean([row not in known for row in made])),
                "rare_kept": float(np.mean(kept)),
            }
            result |= {
                "ap_real": real,
                "ap_synthetic_6k": precision(drawn[: train.height]),
                "ap_synthetic": precision(drawn),
            }
            self.board.add("mixed types, AI4I", engine, cpu, result)

    def _refined(
        self,
        name: str,
        train: pl.DataFrame,
        held: pl.DataFrame,
        test: np.ndarray,
        base: Model | None,
        engine: str,
        seed: int,
        target_name: str,
    ) -> None:
        """Scores every candidate of one refinement, and the floor and the opponents beside them."""
        columns = [name for name in train.columns if name != "run_id"]
        rows, target = train.select(columns).to_numpy().astype(float), columns.index(target_name)
        if engine == ENGINES[0]:  # they do not depend on the engine: once is enough
            self._opponents(name, rows, test, seed, target)

        def whole() -> tuple[Refinement, dict[str, Any]]:
            refinement = Refinement(
                "bench", train, held, base=base, base_name="base", options=TrainingOptions(engine=engine), seed=seed
            )
            mark = time.process_time()
            for candidate, _ in refinement.epochs():
                now = time.process_time()
                if candidate.judged is None:
                    spent[candidate.name] = spent.get(candidate.name, 0.0) + now - mark
                mark = now
            return refinement, refinement.result()[1]

        spent: dict[str, float] = {}
        (refinement, report), cpu = timed(whole)
        scores: dict[str, dict[str, float]] = {}
        for candidate in refinement.training.ready:
            sampled = refinement.model_of(candidate).sample(SAMPLED, seed=seed).select(columns).to_numpy()
            scores[candidate.name] = score(rows, test, sampled, target)
            self.board.add(
                name, f"  candidate {candidate.name}", spent.get(candidate.name, 0.0), scores[candidate.name]
            )
        improvement = report["refinement_improvement"]["percent"]
        chosen = scores[report["chosen"]] | ({} if improvement is None else {"improvement": improvement})
        self.board.add(name, "chosen", cpu, chosen)
        print(f"# {name}, seed {seed}: {report['why']}", flush=True)

    def _opponents(self, name: str, rows: np.ndarray, test: np.ndarray, seed: int, target: int) -> None:
        for method, make in (
            ("bootstrap (memorised)", opponents.bootstrap),
            ("independence copula", opponents.independent),
            ("empirical copula", opponents.empirical_copula),
        ):
            made, cpu = timed(lambda make=make: make(rows, SAMPLED, seed))
            self.board.add(name, method, cpu, score(rows, test, made, target))
        if self._sdv and len(rows) <= 500:
            fitted, cpu = timed(lambda: opponents.SdvTvae(rows, seed))
            self.board.add(name, goals.SDV, cpu, score(rows, test, fitted.sample(SAMPLED), target))


def original(rows: pl.DataFrame, engine: str, seed: int, epochs: int = 0) -> Model:
    """Returns a model trained from scratch."""
    training = OriginalTraining("bench", rows, options=TrainingOptions(engine=engine, epochs=epochs), seed=seed)
    list(training.epochs())
    return training.result()[0]


def timed(make: Callable[[], Any], times: int = 1) -> tuple[Any, float]:
    """Returns what was made and the CPU seconds it took, the median where it is made several times."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        made = make()
        spent.append(time.process_time() - begun)
    return made, float(np.median(spent))


def _combination(row: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(value if isinstance(value, str) else str(int(value)) for value in row)


TABLES = {"speed": Bench.speed, "train": Bench.train, "refine": Bench.refine, "files": Bench.real, "mixed": Bench.mixed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, no SDV, the short rows of each table")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    bench = Bench(quick=arguments.quick)
    for name in arguments.tables.split(","):
        for seed in range(1 if arguments.quick else arguments.seeds):
            TABLES[name](bench, seed)
            if arguments.json:  # after every table: a run of half an hour may be stopped
                arguments.json.write_text(json.dumps(bench.board.scores, indent=1))
    bench.board.show()
    show_goals(goals.goals(bench.board, bench.files))
    for line in goals.where_we_lose(bench.board):
        print(line)
    print(f"# one second of the goals' machine is {goals.pace(bench.board):.2f} CPU seconds of this run")
    for note in bench.notes:
        print(f"# {note}")


if __name__ == "__main__":
    main()
