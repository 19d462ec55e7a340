"""What a refinement is given, as engines see it: real, seed and validation rows as scores of one codec.

Real rows become normal scores of their own, whatever the base was fitted on: the network then sees the margins it
knows, and only the dependence is new to it. Seed rows among the rows are encoded with a codec of their own and told
apart by a provenance condition. Columns that the real rows lack keep the base's codec (or the seed rows') and are
missing in every real row. Rows and a base model that cannot go together are refused here, with names and numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.refine import errors as errors
from services.refine.codec import Codec, Encoded
from services.refine.columns import column_specs, modelled_columns
from services.refine.engines import Layout
from services.refine.holding_back import held_back
from services.refine.model import PROVENANCE, Model, conditions_of, layout_of
from services.refine.training import Rows

FEWEST_ROWS = 100
FEWEST_VALIDATION_ROWS = 20  # fewer decide nothing: some training rows are held back instead
REAL_SHARE = 0.5  # of each batch, at least, where seed rows are trained on too
REPLAYED_ROWS = 10_000

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Notice:
    """Something a person should know about the refinement."""

    code: str
    message: str


@dataclass(frozen=True)
class Divided:
    """Real training rows, seed rows if there are any, and real validation rows."""

    real: pl.DataFrame
    seeds: pl.DataFrame | None
    validation: pl.DataFrame
    notices: tuple[Notice, ...] = ()


def divided(train: pl.DataFrame, validation: pl.DataFrame | None, *, seed: int = 0) -> Divided:
    """Returns the rows by what they are for. Raises TRAINING_ROWS_TOO_FEW below 100 real rows.

    Validation rows are taken from the real training rows where fewer than 20 are given. Seed rows alone count as real.
    """
    notices: list[Notice] = []
    real, seeds = train, None
    if "provenance" in train.columns:
        real = train.filter(pl.col("provenance") == "real")
        seeds = train.filter(pl.col("provenance") == "seed")
        seeds = None if seeds.is_empty() else seeds
    if validation is not None and "provenance" in validation.columns:
        validation = validation.filter(pl.col("provenance") == "real")
    if real.is_empty() and seeds is not None:
        real, seeds = seeds, None
        notices.append(Notice("NO_REAL_ROWS", "All rows are seed rows: the model is one of the physics."))
    total = real.height + (0 if validation is None else validation.height)
    if total < FEWEST_ROWS:
        raise SensorForgeError(
            "TRAINING_ROWS_TOO_FEW", f"There are {total} real rows; refinement needs at least {FEWEST_ROWS}."
        )
    if validation is None or validation.height < FEWEST_VALIDATION_ROWS:
        held = pl.Series(held_back(real, seed=seed))
        real, validation = real.filter(~held), real.filter(held)
    return Divided(real, seeds, validation, tuple(notices))


def check_base(base: Model, name: str, machine: str, real: pl.DataFrame) -> list[Notice]:
    """Returns what is new to the base. Raises BASE_OF_ANOTHER_MACHINE and BASE_SENSORS_DIFFER."""
    if base.machine != machine:
        raise SensorForgeError(
            "BASE_OF_ANOTHER_MACHINE",
            f"The base model {name or '(unnamed)'} is one of machine {base.machine!r}, the rows are of {machine!r}.",
        )
    columns = modelled_columns(real)
    unknown = [column for column in columns if column not in base.sensors]
    if len(unknown) == len(columns) or len(unknown) > len(columns) - len(unknown):
        raise SensorForgeError(
            "BASE_SENSORS_DIFFER",
            f"The base model has {', '.join(base.sensors)}; of the rows' columns it does not know "
            f"{', '.join(unknown) or 'any'}.",
        )
    if not unknown:
        return []
    return [Notice("SENSORS_NEW_TO_BASE", f"The base model does not know {', '.join(unknown)}; they start untrained.")]


class Material:
    """The divided rows, the codec fitted on the real ones, and both ways to lay the rows out: with the provenance
    condition where seed rows or the base ask for one (`layout`), and without any (`alone`).

    Raises NOTHING_TO_MODEL when no column is a number that varies, and what `divided` and `check_base` raise.
    """

    def __init__(
        self,
        machine: str,
        train: pl.DataFrame,
        validation: pl.DataFrame | None,
        *,
        profile: MachineProfile | None = None,
        base: Model | None = None,
        base_name: str = "",
        seed: int = 0,
    ) -> None:
        self.base, self.seed = base, seed
        rows = divided(train, validation, seed=seed)
        self.real, self.seeds, self.validation = rows.real, rows.seeds, rows.validation
        self.notices = list(rows.notices)
        if base is not None:
            self.notices += check_base(base, base_name, machine, self.real)
        specs = column_specs(profile, modelled_columns(train))
        self._seed_codec = Codec.fit(self.seeds, specs) if self.seeds is not None else None
        known = base.codec if base is not None else self._seed_codec
        self.codec = Codec.fit(self.real, specs, fallback=known)
        if not self.codec.continuous:
            raise SensorForgeError(
                "NOTHING_TO_MODEL",
                f"None of the columns {', '.join(self.codec.names) or '(none)'} is a number that varies.",
            )
        told_apart = self._seed_codec is not None or (base is not None and base.knows_provenance)
        self.layout = layout_of(self.codec, told_apart)
        self.alone = layout_of(self.codec, provenance=False)
        self.encoded = self.codec.encode(self.real, self._draws(1))
        self.encoded_validation = self.codec.encode(self.validation, self._draws(4))

    def real_rows(self, layout: Layout, kept: Mask | None = None) -> Rows:
        """Returns the real training rows, or those that `kept` (n,) marks."""
        return self._laid_out(self.encoded if kept is None else self.encoded.rows(kept), layout, real=True)

    def validation_rows(self, layout: Layout) -> Rows:
        """Returns the real validation rows."""
        return self._laid_out(self.encoded_validation, layout, real=True)

    def both(self, kept: Mask | None = None) -> Rows:
        """Returns real (those that `kept` marks) and seed rows, weighted so that at least half of each batch is real.

        Without seed rows these are the real rows alone.
        """
        real = self.real_rows(self.layout, kept)
        if self.seeds is None or self._seed_codec is None:
            return real
        encoded = self.codec.encode(self.seeds, self._draws(2))
        own = self._seed_codec.encode_scores(self.seeds, self._draws(3))
        for j, name in enumerate(self.codec.continuous):
            if name in self._seed_codec.continuous:  # each provenance on its own margins
                encoded.scores[:, j] = own[:, self._seed_codec.continuous.index(name)]
        seeds = self._laid_out(encoded, self.layout, real=False)
        share = max(REAL_SHARE, len(real) / (len(real) + len(seeds)))
        weights = [np.ones(len(rows)) if rows.weights is None else rows.weights for rows in (real, seeds)]
        scaled = [w / w.sum() * s for w, s in zip(weights, (share, 1 - share), strict=True)]
        assert real.conditions is not None
        assert seeds.conditions is not None
        return Rows(
            np.concatenate([real.scores, seeds.scores]),
            np.concatenate([real.conditions, seeds.conditions]),
            np.concatenate(scaled),
        )

    def replayed(self) -> Rows | None:
        """Returns rows of the base model in the new layout: in score space no codec stands between."""
        if self.base is None:
            return None
        scores, codes = self.base.sample_encoded(REPLAYED_ROWS, seed=self.seed)
        old = self.base.engine.layout
        return Rows(
            _columns(scores, old.scores, self.layout.scores, np.nan),
            _columns(self.base.conditions(codes), old.conditions, self.layout.conditions, 0.0),
        )

    def _laid_out(self, encoded: Encoded, layout: Layout, *, real: bool) -> Rows:
        conditions = conditions_of(self.codec, encoded.codes, real, PROVENANCE in layout.conditions)
        return Rows(encoded.scores, conditions, self.codec.discrete.tempered_weights(encoded.codes))

    def _draws(self, stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream])


def _columns(values: Any, old: tuple[str, ...], new: tuple[str, ...], absent: float) -> NDArray[np.float32]:
    """Returns the values' columns in the new order, `absent` where the old layout has none."""
    out = np.full((len(values), len(new)), absent, np.float32)
    for j, name in enumerate(new):
        if name in old:
            out[:, j] = values[:, old.index(name)]
    return out
