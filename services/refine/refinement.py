"""Refinement: a model for the real rows, from the base model where there is one, and the proof that it helped.

The network is kept and the codec is swapped: real rows become normal scores of their own, so the network goes on with
the margins it knows and learns what is different, the dependence. Beside the refined candidate stand one trained from
scratch on the real rows and, as a control, the base with nothing but its codec swapped; real validation rows choose.
Seed rows among the rows are encoded with a codec of their own and told apart by a provenance condition; sampling asks
for the real one. Columns that the real rows lack keep the base's codec, are masked, and are named `seed_derived`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.refine import errors as errors
from services.refine.candidates import Candidate, Candidates
from services.refine.codec import Codec, Encoded, column_specs, modelled_columns
from services.refine.energy import EnergySpace, energy_distance
from services.refine.engines import Layout, create_engine
from services.refine.holding_back import held_back
from services.refine.model import PROVENANCE, Model, calibration_of, conditions_of, layout_of
from services.refine.options import DEFAULT_ENGINE, TrainingOptions
from services.refine.report import Judgement, candidate_report, curve_report
from services.refine.training import MOST_VALIDATION_ROWS, EpochResult, Rows, Schedule, schedule

FEWEST_ROWS = 100
FEWEST_VALIDATION_ROWS = 20  # fewer decide nothing: some training rows are held back instead
REAL_SHARE = 0.5  # of each batch, at least, where seed rows are trained on too
REPLAYED_ROWS = 10_000
JUDGED_ROWS = 3000  # sampled for a candidate's energy distance
QUICK_ROWS = 1000  # sampled for the quality shown while training
JUDGED_DRAWS = 8192  # rows x draws behind a candidate's loss


@dataclass(frozen=True)
class Notice:
    """Something a person should know about the refinement."""

    code: str
    message: str


class Refinement:
    """One refinement under way. Raises SensorForgeError at once when the rows and the base cannot go together.

    `train` are merged rows (see the house's table of tables), `validation` real ones; `data` is a checkpoint of the
    same refinement. Call `epochs()` to the end (or `stop()`), then `result()`.
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
        options: TrainingOptions | None = None,
        seed: int = 0,
        data: bytes | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self.machine, self.base, self.base_name, self.seed = machine, base, base_name, seed
        self.options = options or TrainingOptions()
        self.options.check()
        self.notices: list[Notice] = []
        self.real, self.seeds, self.validation = self._divide(train, validation)
        self._check_base()
        self.kind = self._engine_kind()
        specs = column_specs(profile, modelled_columns(train))
        seed_codec = Codec.fit(self.seeds, specs) if self.seeds is not None else None
        known = base.codec if base is not None else seed_codec
        self.codec = Codec.fit(self.real, specs, fallback=known)
        if not self.codec.continuous:
            raise SensorForgeError(
                "NOTHING_TO_MODEL",
                f"None of the columns {', '.join(self.codec.names) or '(none)'} is a number that varies.",
            )
        self.layout = layout_of(self.codec, seed_codec is not None or (base is not None and base.knows_provenance))
        self._seed_codec = seed_codec
        self._encoded = self.codec.encode(self.real, np.random.default_rng([seed, 1]))
        self._candidates = self._propose()
        self.training = Candidates(self._candidates, seed=seed, data=data)
        self._judge = _Judge(self)

    # Rows -------------------------------------------------------------------------------------------------------------

    def _divide(
        self, train: pl.DataFrame, validation: pl.DataFrame | None
    ) -> tuple[pl.DataFrame, pl.DataFrame | None, pl.DataFrame]:
        """Returns (real training rows, seed rows or None, real validation rows)."""
        real, seeds = train, None
        if "provenance" in train.columns:
            real = train.filter(pl.col("provenance") == "real")
            seeds = train.filter(pl.col("provenance") == "seed")
            seeds = None if seeds.is_empty() else seeds
        if real.is_empty() and seeds is not None:
            real, seeds = seeds, None
            self.notices.append(Notice("NO_REAL_ROWS", "All rows are seed rows: the model is one of the physics."))
        total = real.height + (0 if validation is None else validation.height)
        if total < FEWEST_ROWS:
            raise SensorForgeError(
                "TRAINING_ROWS_TOO_FEW", f"There are {total} real rows; refinement needs at least {FEWEST_ROWS}."
            )
        if validation is not None and "provenance" in validation.columns:
            validation = validation.filter(pl.col("provenance") == "real")
        if validation is None or validation.height < FEWEST_VALIDATION_ROWS:
            held = held_back(real, seed=self.seed)
            real, validation = real.filter(pl.Series(~held)), real.filter(pl.Series(held))
        return real, seeds, validation

    def _check_base(self) -> None:
        if self.base is None:
            return
        if self.base.machine != self.machine:
            raise SensorForgeError(
                "BASE_OF_ANOTHER_MACHINE",
                f"The base model {self.base_name or '(unnamed)'} is one of machine {self.base.machine!r}, "
                f"the rows are of {self.machine!r}.",
            )
        columns = modelled_columns(self.real)
        unknown = [name for name in columns if name not in self.base.sensors]
        shared = [name for name in columns if name in self.base.sensors]
        if not shared or len(unknown) > len(shared):
            raise SensorForgeError(
                "BASE_SENSORS_DIFFER",
                f"The base model has {', '.join(self.base.sensors)}; of the rows' columns it does not know "
                f"{', '.join(unknown) or 'any'}.",
            )
        if unknown:
            self.notices.append(
                Notice(
                    "SENSORS_NEW_TO_BASE", f"The base model does not know {', '.join(unknown)}; they start untrained."
                )
            )

    def _engine_kind(self) -> str:
        kind = self.options.engine or (self.base.engine.kind if self.base else DEFAULT_ENGINE)
        if self.base is not None and kind != self.base.engine.kind:
            raise SensorForgeError(
                "TRAINING_OPTION_INVALID",
                f"Engine {kind!r} was asked for, but the base model is a {self.base.engine.kind!r}: its network cannot "
                "be taken over.",
                remedy="Leave the engine out, or use base `none`.",
            )
        if self.options.freeze_encoder and kind != "tvae":
            self.notices.append(Notice("OPTION_WITHOUT_EFFECT", f"A {kind} engine has no encoder to freeze."))
        return kind

    def _rows(self, encoded: Encoded, real: bool, layout: Layout) -> Rows:
        conditions = conditions_of(self.codec, encoded.codes, real, PROVENANCE in layout.conditions)
        return Rows(encoded.scores, conditions, self.codec.discrete.tempered_weights(encoded.codes))

    def _rows_with_seed(self, real: Rows) -> Rows:
        """Returns real and seed rows, weighted so that at least half of each batch is real."""
        if self.seeds is None or self._seed_codec is None:
            return real
        encoded = self.codec.encode(self.seeds, np.random.default_rng([self.seed, 2]))
        own = self._seed_codec.encode_scores(self.seeds, np.random.default_rng([self.seed, 3]))
        for j, name in enumerate(self.codec.continuous):
            if name in self._seed_codec.continuous:  # each provenance on its own margins
                encoded.scores[:, j] = own[:, self._seed_codec.continuous.index(name)]
        seeds = self._rows(encoded, False, self.layout)
        share = max(REAL_SHARE, len(real) / (len(real) + len(seeds)))
        weights = [np.ones(len(r)) if r.weights is None else r.weights for r in (real, seeds)]
        scaled = [w / w.sum() * s for w, s in zip(weights, (share, 1 - share), strict=True)]
        assert real.conditions is not None
        assert seeds.conditions is not None
        return Rows(
            np.concatenate([real.scores, seeds.scores]),
            np.concatenate([real.conditions, seeds.conditions]),
            np.concatenate(scaled),
        )

    # Candidates -------------------------------------------------------------------------------------------------------

    def _plan(self, rows: int, *, refinement: bool) -> Schedule:
        options = self.options
        rate = options.learning_rate
        if not rate and refinement and self.base is not None and self.base.learning_rate:
            rate = self.base.learning_rate / 10
        plan = schedule(
            rows,
            epochs=options.epochs,
            batch_size=min(options.batch_size, rows),
            learning_rate=rate,
            patience=options.patience,
            refinement=refinement,
        )
        if not refinement:
            return plan
        freeze = options.freeze_encoder and self.kind == "tvae"
        return replace(plan, l2_sp=options.l2_sp, replay=options.replay, freeze_encoder=freeze)

    def _propose(self) -> list[Candidate]:
        """Returns the candidates in training order: control, refined, scratch, as far as they apply."""
        validation = self.codec.encode(self.validation, np.random.default_rng([self.seed, 4]))
        real = self._rows(self._encoded, True, self.layout)
        held = self._rows(validation, True, self.layout)
        rows = self._rows_with_seed(real)
        proposed = []
        if self.base is not None:
            proposed.append(Candidate("control", "control", self.base.engine.adapted(self.layout), real, held))
            refined = self.base.engine.adapted(self.layout, seed=self.seed)
            plan = self._plan(len(real), refinement=True)
            proposed.append(Candidate("refined", "refined", refined, rows, held, plan, self._replay()))
        elif self.seeds is not None:
            engine = create_engine(self.kind, self.layout, seed=self.seed)
            plan = self._plan(len(rows), refinement=False)
            proposed.append(Candidate("merged", "refined", engine, rows, held, plan))
        if proposed and self.codec.kept_from_base:
            self.notices.append(
                Notice(
                    "SCRATCH_NOT_TRAINED",
                    f"The rows lack {', '.join(self.codec.kept_from_base)}: a model trained on them alone could not "
                    "give these columns, so none was trained.",
                )
            )
            return proposed
        alone = layout_of(self.codec, provenance=False)
        proposed.append(
            Candidate(
                "scratch",
                "scratch",
                create_engine(self.kind, alone, self.base.engine.shape if self.base else None, seed=self.seed),
                self._rows(self._encoded, True, alone),
                self._rows(validation, True, alone),
                self._plan(len(real), refinement=False),
            )
        )
        return proposed

    def _replay(self) -> Rows | None:
        """Returns rows of the base model in the new layout, for replay: in score space no codec stands between."""
        if self.base is None or not self.options.replay:
            return None
        scores, codes = self.base.sample_encoded(REPLAYED_ROWS, seed=self.seed)
        old = self.base.engine.layout
        conditions = self.base.conditions(codes)
        return Rows(
            _columns(scores, old.scores, self.layout.scores, np.nan),
            _columns(conditions, old.conditions, self.layout.conditions, 0.0),
        )

    # Running ----------------------------------------------------------------------------------------------------------

    def epochs(self) -> Iterator[tuple[Candidate, EpochResult]]:
        """Trains; yields each epoch with its candidate."""
        yield from self.training.epochs()

    def quality_so_far(self, candidate: Candidate) -> float | None:
        """Returns by how many percent the best epoch so far is nearer to real rows than the base, if there is one."""
        engine = self.training.best_so_far()
        if self.base is None or engine is None:
            return None
        return self._judge.percent(self._judge.distance(self.model_of(replace(candidate, engine=engine)), QUICK_ROWS))

    def stop(self) -> None:
        """Ends training at the best epoch so far."""
        self.training.stop()

    def state(self) -> bytes:
        """Returns a checkpoint, for `data` of an equal refinement."""
        return self.training.state()

    def result(self, original_curve: Sequence[Mapping[str, Any]] = ()) -> tuple[Model, dict[str, Any]]:
        """Returns the chosen model and training.json."""
        judge = self._judge
        judgements = [judge.judge(candidate) for candidate in self.training.ready]
        best = min(judgements, key=lambda judgement: judgement.validation_loss)
        why = _reason(best, judgements)
        if best.candidate.name == "control":
            self.notices.append(
                Notice(
                    "CONTROL_WON", "No training beat the base model with nothing but its codec swapped; that is kept."
                )
            )
        improvement = judge.improvement(best)
        return self._report(best, judgements, why, improvement, original_curve)

    def _report(
        self,
        best: Judgement,
        judgements: list[Judgement],
        why: str,
        improvement: dict[str, Any],
        original_curve: Sequence[Mapping[str, Any]],
    ) -> tuple[Model, dict[str, Any]]:
        summary = {
            "validation_loss": best.validation_loss,
            "energy_distance": best.energy_distance,
            "refinement_improvement": improvement["percent"],
            "candidate": best.candidate.name,
            "rows_real": self.real.height,
            "rows_seed": 0 if self.seeds is None else self.seeds.height,
            "epochs": len(best.candidate.curve),
        }
        model = replace(best.model, summary=summary)
        report = {
            "schema_version": 1,
            "machine_id": self.machine,
            "engine": self.kind,
            "base_model": self.base_name,
            "seed": self.seed,
            "rows": {
                "real": self.real.height,
                "seed": summary["rows_seed"],
                "validation": self.validation.height,
            },
            "columns": {
                "continuous": list(self.codec.continuous),
                "discrete": [c.name for c in self.codec.columns if c.kind == "discrete"],
                "constant": [c.name for c in self.codec.columns if c.kind == "constant"],
                "empty": [c.name for c in self.codec.columns if c.kind == "empty"],
                "seed_derived": list(self.codec.kept_from_base),
            },
            "options": self.options.to_json(),
            "curves": {
                "original": list(original_curve),
                **{c.series: curve_report(c.curve) for c in self._candidates if c.plan is not None},
            },
            "candidates": [candidate_report(j) for j in judgements],
            "chosen": best.candidate.name,
            "why": why,
            "refinement_improvement": improvement,
            "notices": [{"code": n.code, "message": n.message} for n in self.notices],
            "wall_seconds": time.perf_counter() - self._started,
        }
        return model, report

    def model_of(self, candidate: Candidate) -> Model:
        """Returns the candidate as a model, calibrated if that was asked for."""
        model = Model(
            machine=self.machine,
            engine=candidate.engine,
            codec=self.codec,
            origin="scratch" if candidate.name == "scratch" or self.base is None else "refined",
            base_model="" if candidate.name == "scratch" else self.base_name,
            seed_derived=self.codec.kept_from_base,
            learning_rate=(candidate.plan.learning_rate if candidate.plan else 0.0),
        )
        if self.options.calibrate:
            model = replace(model, calibration=calibration_of(model, self._encoded, seed=self.seed))
        return model


class _Judge:
    """Scores candidates by samples against real validation rows, all in one space."""

    def __init__(self, refinement: Refinement) -> None:
        self._refinement = refinement
        self._space = EnergySpace.of(refinement.codec, refinement.real)
        self._real = self._space.place(refinement.validation)

    def judge(self, candidate: Candidate) -> Judgement:
        """Returns the candidate's model with its scores."""
        model = self._refinement.model_of(candidate)
        rows = candidate.validation.chosen(np.arange(min(len(candidate.validation), MOST_VALIDATION_ROWS)))
        draws = max(4, JUDGED_DRAWS // len(rows))
        losses = model.engine.row_losses(rows.scores, rows.conditions, draws=draws, seed=1)
        return Judgement(candidate, model, self.distance(model), losses)

    def improvement(self, best: Judgement) -> dict[str, Any]:
        """Returns by how many percent the chosen model is nearer to real validation rows than the base as it stands."""
        document: dict[str, Any] = {
            "metric": "energy distance of sampled rows to real validation rows, columns scaled by real-train std",
            "base": None,
            "refined": max(0.0, best.energy_distance),
            "real_training_rows": max(0.0, energy_distance(self._space.place(self._refinement.real), self._real)),
            "percent": None,
        }
        if self._refinement.base is not None:
            document |= {"base": self.base_distance, "percent": self.percent(best.energy_distance)}
        return document

    def percent(self, distance: float) -> float:
        """Returns by how many percent `distance` is smaller than the base's as it stands."""
        return 100 * (1 - max(0.0, distance) / self.base_distance)

    @cached_property
    def base_distance(self) -> float:
        """Energy distance of the base as it stands."""
        base = self._refinement.base
        assert base is not None
        return max(1e-12, self.distance(base))

    def distance(self, model: Model, rows: int = JUDGED_ROWS) -> float:
        """Returns the energy distance of so many sampled rows to the real validation rows."""
        return energy_distance(self._space.place(model.sample(rows, seed=self._refinement.seed)), self._real)


def _reason(best: Judgement, judgements: list[Judgement]) -> str:
    """Returns in a sentence why the best one was chosen: its lead over each other one, with its standard error."""
    if len(judgements) == 1:
        return f"{best.candidate.name} was the only candidate."
    leads = []
    for other in judgements:
        if other is not best:
            lead = other.row_losses - best.row_losses
            error = float(lead.std() / np.sqrt(len(lead)))
            leads.append(f"{other.candidate.name} by {lead.mean():.4f} ± {error:.4f}")
    rows = len(best.row_losses)
    return f"{best.candidate.name} has the lowest loss on {rows} real validation rows; it leads {' and '.join(leads)}."


def _columns(values: Any, old: tuple[str, ...], new: tuple[str, ...], absent: float) -> Any:
    """Returns the values' columns in the new order, `absent` where the old layout has none."""
    out = np.full((len(values), len(new)), absent, np.float32)
    for j, name in enumerate(new):
        if name in old:
            out[:, j] = values[:, old.index(name)]
    return out
