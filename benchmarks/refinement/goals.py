"""The goals of the refinement engine, each read off the board of one run.

The goals name seconds and rows a second of a machine on which SDV's TVAE trains 300 epochs in 80 s and samples 138,000
rows a second. Where SDV was measured in the same run, times and rates are given in that machine's: what carries over
from one machine to another, and from an idle one to a busy one, is the ratio.
"""

from __future__ import annotations

import numpy as np

from benchmarks.refinement.board import CPU_S, Board, Goal, above, below

SDV_SECONDS, SDV_RATE = 80.0, 138_000.0  # of the machine that the goals are meant for
TRAIN = "train on 10,000 x 10"
SDV = "SDV TVAE, 300 epochs"
BETTER = {"ks": 1, "trend": 1, "tstr": 1, "kl": -1, "corr": -1, "c2st": -1}  # sign of what is better
OPPONENTS = (SDV, "independence copula", "gaussian copula", "empirical copula")
ARGN_CORRELATION = 0.323  # MOSTLY AI's TabularARGN on 500 rows of such a motor; not measured here


def refine_table(rows: int, engine: str) -> str:
    return f"refine on {rows} rows of a shifted motor, {engine}"


def pace(board: Board) -> float:
    """Returns how many seconds of this run are one of the goals' machine; 1 where SDV was not measured."""
    measured = board.mean(TRAIN, SDV, CPU_S)
    return 1.0 if np.isnan(measured) else measured / SDV_SECONDS


def goals(board: Board, files: list[str]) -> list[Goal]:
    """Returns the goal table. `files` are the names of the tables of real files."""
    slow = pace(board)
    found = [_as_good_as_sdv(board, engine, limit) for engine, limit in (("flow", 0.8), ("tvae", 4.0))]
    for engine in ("flow", "tvae"):
        table = refine_table(10_000, engine)
        found.append(below(f"refine on 10,000 rows, {engine}", board.mean(table, "chosen", CPU_S) / slow, 8, " s"))
    for engine in ("flow", "tvae"):
        table = refine_table(500, engine)
        name = f"refine on 500 rows, {engine}"
        found += [
            below(name, board.mean(table, "chosen", CPU_S) / slow, 4, " s"),
            below(f"{name}: KL above the real rows'", board.mean(table, "chosen", "kl_excess"), 0.005),
            below(f"{name}: correlation error", board.mean(table, "chosen", "corr"), 0.035),
            below(f"{name}: C2ST", board.mean(table, "chosen", "c2st"), 0.80),
            above(f"{name}: quality", board.mean(table, "chosen", "quality"), 0.965),
            above(
                f"{name}: TabularARGN's correlation error / ours",
                ARGN_CORRELATION / board.mean(table, "chosen", "corr"),
                8,
            ),
        ]
    best = min(
        (
            m
            for m in board.methods(TRAIN)
            if m.startswith(("flow", "tvae")) and board.mean(TRAIN, m, CPU_S) <= 60 * slow
        ),
        key=lambda method: board.mean(TRAIN, method, "c2st"),
        default="",
    )
    found.append(below(f"C2ST on 10,000 rows within 60 s ({best})", board.mean(TRAIN, best, "c2st"), 0.57))
    sdv_rate = board.mean("speed", "sample, SDV TVAE", "rows_per_s")
    faster = 1.0 if np.isnan(sdv_rate) else sdv_rate / SDV_RATE
    for engine, limit in (("flow", 250_000), ("tvae", 350_000)):
        rate = board.mean("speed", f"sample, {engine}", "rows_per_s") / faster
        found.append(above(f"sampling, {engine}", rate, limit, " rows/s"))
    codec = 1000 * board.mean("speed", "codec fit + encode 10,000 x 10", CPU_S) / slow
    found.append(below("codec fit + encode 10,000 x 10", codec, 50, " ms"))
    for engine in ("flow", "tvae"):
        table = "mixed types, AI4I"
        real, ours, as_many = (board.mean(table, engine, n) for n in ("ap_real", "ap_synthetic", "ap_synthetic_6k"))
        found += [
            below(f"AI4I, {engine}: impossible combinations", board.mean(table, engine, "impossible"), 0),
            above(f"AI4I, {engine}: share of rare classes kept", board.mean(table, engine, "rare_kept"), 0.95),
            above(f"AI4I, {engine}: failure AP / real, 20,000 rows", ours / real, 0.85),
            above(f"AI4I, {engine}: failure AP / real, as many rows as real ones", as_many / real, 0.85),
        ]
    for table in files:
        found += [
            below(f"{table}: KL above control", board.mean(table, "chosen", "kl_excess"), 0.1),
            below(f"{table}: correlation error above control", board.mean(table, "chosen", "corr_excess"), 0.05),
            above(f"{table}: improvement over the base", board.mean(table, "chosen", "improvement"), 30, " %"),
        ]
    return found


def where_we_lose(board: Board) -> list[str]:
    """Returns a line for each table, model and metric in which an opponent that draws new rows does better.

    The bootstrap only repeats its rows and the ceiling is real: neither is an opponent.
    """
    lines = ["", "where an opponent does better"]
    for table in board.scores:
        ours = [m for m in board.methods(table) if m == "chosen" or m.endswith("default epochs")]
        for method in ours:
            for name, sign in BETTER.items():
                own = board.mean(table, method, name)
                rivals = {other: board.mean(table, other, name) for other in OPPONENTS}
                ahead = [f"{other} {value:.4g}" for other, value in rivals.items() if sign * (value - own) > 0]
                if ahead:
                    lines.append(f"  {table}, {method}: {name} {own:.4g}; {', '.join(ahead)}")
    return lines if len(lines) > 2 else [*lines, "  nowhere"]


def _as_good_as_sdv(board: Board, engine: str, limit: float) -> Goal:
    """The cheapest training of the engine that beats SDV's TVAE in all six metrics at once."""
    text = f"{engine} better than SDV TVAE in {', '.join(BETTER)} at once within {limit:g} s"
    sdv = {name: board.mean(TRAIN, SDV, name) for name in BETTER}
    if any(np.isnan(value) for value in sdv.values()):
        return Goal(text, "SDV not measured", None)
    better = [
        method
        for method in board.methods(TRAIN)
        if method.startswith(engine)
        and all(sign * (board.mean(TRAIN, method, name) - sdv[name]) > 0 for name, sign in BETTER.items())
    ]
    if not better:
        return Goal(text, "never", False)
    cheapest = min(better, key=lambda method: board.mean(TRAIN, method, CPU_S))
    ratio = board.mean(TRAIN, SDV, CPU_S) / board.mean(TRAIN, cheapest, CPU_S)
    seconds = SDV_SECONDS / ratio
    return Goal(text, f"{seconds:.2f} s, 1/{ratio:.0f} of SDV's", seconds <= limit)
