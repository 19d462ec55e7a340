"""What the refinement benchmark is run on: a generated motor and its shifted twin, and real files where they are there.

The files are read from `SENSORFORGE_SHARED_DATA`, else from `shared/data` beside the repository, and are left out where
there are none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
from python_calamine import CalamineWorkbook

DATA = Path(os.environ.get("SENSORFORGE_SHARED_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


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


def real_files() -> Iterable[tuple[str, pl.DataFrame, pl.DataFrame | None, str]]:
    """Yields (name, rows, rows of an earlier machine to train the base on or None, target) of the real files."""
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


def mixed_types() -> pl.DataFrame | None:
    """Returns AI4I (product type and five failure flags) without its two ids, or None where it is not there."""
    file = DATA / "sensor" / "ai4i2020.csv"
    if not file.is_file():
        return None
    table = pl.read_csv(file)
    return table.drop(table.columns[:2])


def three_ways(table: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Returns (500 training rows, 75 validation rows, the three quarters that are neither): by unit, else by blocks of
    50 rows, so that no row's neighbour is in another part."""
    rng = np.random.default_rng(seed)
    by_unit = "run_id" in table.columns
    group = table["run_id"].rank("dense").to_numpy() if by_unit else np.arange(table.height) // 50
    order = rng.permutation(np.unique(group))
    bounds = len(order) // 5, len(order) // 4
    parts = [np.isin(group, order[: bounds[0]]), np.isin(group, order[bounds[0] : bounds[1]])]
    train, held = (table.filter(pl.Series(part)) for part in parts)
    test = table.filter(pl.Series(~(parts[0] | parts[1])))
    return train.sample(500, seed=seed), held.sample(75, seed=seed), test
