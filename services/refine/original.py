"""The original model: an engine trained from scratch on seed rows, which later refinements start from."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile
from services.refine import errors as errors
from services.refine.candidates import Candidate, Candidates
from services.refine.codec import Codec
from services.refine.columns import column_specs, modelled_columns
from services.refine.energy import EnergySpace, energy_distance
from services.refine.engines import create_engine
from services.refine.holding_back import held_back
from services.refine.judging import Judgement
from services.refine.model import Model, calibration_of, criticised, layout_of
from services.refine.options import DEFAULT_ENGINE, TrainingOptions
from services.refine.report import candidate_report, curve_report
from services.refine.training import EpochResult, Rows, schedule

FEWEST_ROWS = 100
VALIDATION_SHARE = 0.1


class OriginalTraining:
    """One training under way. Raises SensorForgeError at once when the rows cannot be modelled."""

    def __init__(
        self,
        machine: str,
        rows: pl.DataFrame,
        *,
        profile: MachineProfile | None = None,
        options: TrainingOptions | None = None,
        seed: int = 0,
        data: bytes | None = None,
    ) -> None:
        self._started = time.perf_counter()
        self.machine, self.seed = machine, seed
        self.options = options or TrainingOptions()
        self.options.check()
        if rows.height < FEWEST_ROWS:
            raise SensorForgeError(
                "TRAINING_ROWS_TOO_FEW", f"There are {rows.height} rows; training needs at least {FEWEST_ROWS}."
            )
        # Blocks, not runs: these rows only say when to stop. What a base is worth on other machines, refinement finds.
        held = held_back(rows, share=VALIDATION_SHARE, seed=seed, by_run=False)
        self._train, self._validation = rows.filter(pl.Series(~held)), rows.filter(pl.Series(held))
        # All rows: they are no test, and a class of ten rows would else lose one with each that is held back.
        self.codec = Codec.fit(rows, column_specs(profile, modelled_columns(rows)))
        if not self.codec.continuous:
            raise SensorForgeError(
                "NOTHING_TO_MODEL", f"No column of {', '.join(rows.columns)} is a number that varies."
            )
        self.kind = self.options.engine or DEFAULT_ENGINE
        self._encoded = self.codec.encode(self._train, np.random.default_rng([seed, 1]))
        self._encoded_validation = validation = self.codec.encode(self._validation, np.random.default_rng([seed, 2]))
        weights = self.codec.discrete.tempered_weights(self._encoded.codes)
        plan = schedule(
            self._train.height,
            epochs=self.options.epochs,
            batch_size=min(self.options.batch_size, self._train.height),
            learning_rate=self.options.learning_rate,
            patience=self.options.patience,
        )
        self._candidate = Candidate(
            "seed",
            "seed",
            create_engine(self.kind, layout_of(self.codec, provenance=False), seed=seed, device=self.options.device),
            Rows(self._encoded.scores, self.codec.conditions(self._encoded.codes), weights),
            Rows(validation.scores, self.codec.conditions(validation.codes)),
            plan,
        )
        self.training = Candidates([self._candidate], seed=seed, data=data)

    def epochs(self) -> Iterator[tuple[Candidate, EpochResult]]:
        """Trains; yields after every epoch."""
        yield from self.training.epochs()

    def quality_so_far(self, candidate: Candidate) -> float | None:
        """Returns None: an original model has no base to be better than."""
        return None

    def stop(self) -> None:
        """Ends training at the best epoch so far."""
        self.training.stop()

    def state(self) -> bytes:
        """Returns a checkpoint, for `data` of an equal training."""
        return self.training.state()

    def result(self) -> tuple[Model, dict[str, Any]]:
        """Returns the model and training.json."""
        candidate = self._candidate
        plan = candidate.plan
        assert plan is not None
        model = Model(self.machine, candidate.engine, self.codec, "seed", learning_rate=plan.learning_rate)
        if self.options.calibrates(self.kind):
            model = replace(model, calibration=calibration_of(model, self._encoded, seed=self.seed))
        model = criticised(model, self._encoded, self._encoded_validation, seed=self.seed)
        space = EnergySpace.of(self.codec, self._train)
        distance = energy_distance(space.place(model.sample(3000, seed=self.seed)), space.place(self._validation))
        loss = min((result.validation_loss for result in candidate.curve), default=float("nan"))
        summary = {
            "validation_loss": loss,
            "energy_distance": distance,
            "candidate": "seed",
            "rows_seed": self._train.height,
            "epochs": len(candidate.curve),
        }
        report = {
            "schema_version": 1,
            "machine_id": self.machine,
            "engine": self.kind,
            "base_model": "",
            "seed": self.seed,
            "rows": {"real": 0, "seed": self._train.height, "validation": self._validation.height},
            "options": self.options.to_json(),
            "curves": {"original": curve_report(candidate.curve)},
            "candidates": [candidate_report(Judgement(candidate, model, distance, np.array([loss])))],
            "chosen": "seed",
            "why": "The original training was the only candidate.",
            "refinement_improvement": None,
            "critic": model.critic is not None,
            "notices": [],
            "wall_seconds": time.perf_counter() - self._started,
        }
        return replace(model, summary=summary), report
