"""Which models are tried: the base with its codec swapped, refined ones, and one from scratch.

- control: the base model with nothing but its codec swapped (calibrated seed). Whatever loses to it is not promoted.
- refined: the base, trained on. On the real rows; on seed and real rows together where these were asked for.
- merged: seed and real rows together, told apart by a provenance condition; from the base where there is one.
- scratch: the real rows alone, from random weights; not where they lack columns that only the base or the seed knows.

The same models, trained on less, are what a hold-out compares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from services.chassis.errors import SensorForgeError
from services.refine import errors as errors
from services.refine.candidates import Candidate
from services.refine.engines import Engine, create_engine, find_device
from services.refine.material import Mask, Material, Notice
from services.refine.model import Model
from services.refine.options import DEFAULT_ENGINE, TrainingOptions
from services.refine.training import Rows, Schedule, schedule

# The learning rate, as a share of the one that the base was trained from scratch with: a tenth up to 1,000 rows, since
# few rows are only memorised at a higher one; then the more, the more rows there are, up to this share at 10,000.
# Two-sample AUC there: flow .578 with a tenth, .529 with .3, .535 with 1.
LEAST_SHARE, FEW_ROWS, MANY_ROWS = 0.1, 1000, 10_000
MOST_SHARE = {"flow": 0.3, "tvae": 1.5}
# At most so many epochs of many rows, unless more are asked for: a tvae's cost twice a flow's. 40 at the high rate give
# it an AUC of .570 in two trials, 50 one of .569; 33 gave .586 where 50 gave .582.
EPOCHS_OF_MANY = {"flow": 100, "tvae": 40}
ROWS_OF_FEWER_EPOCHS = 5000


def engine_kind(options: TrainingOptions, base: Model | None) -> tuple[str, list[Notice]]:
    """Returns the engine to train: what was asked for, else the base's, else the default; and what has no effect.

    Raises TRAINING_OPTION_INVALID when the base model's network is of another kind.
    """
    kind = options.engine or (base.engine.kind if base else DEFAULT_ENGINE)
    if base is not None and kind != base.engine.kind:
        raise SensorForgeError(
            "TRAINING_OPTION_INVALID",
            f"Engine {kind!r} was asked for, but the base model is a {base.engine.kind!r}: its network cannot be "
            "taken over.",
            remedy="Leave the engine out, or use base `none`.",
        )
    without_effect = {
        f"A {kind} engine has no encoder to freeze.": options.freeze_encoder and kind != "tvae",
        "Without a base model there is no encoder to keep frozen.": options.freeze_encoder and base is None,
        "Without a base model there are no weights to be pulled towards (l2_sp).": options.l2_sp > 0 and base is None,
        "Without a base model there are no rows to replay.": options.replay > 0 and base is None,
    }
    return kind, [Notice("OPTION_WITHOUT_EFFECT", text) for text, applies in without_effect.items() if applies]


@dataclass(frozen=True)
class Proposals:
    """Makes the candidates for one material. With `choose_strategy` the real rows alone and the real rows with the
    seed rows are two candidates; otherwise the rows are trained on as they were merged."""

    material: Material
    options: TrainingOptions
    kind: str
    choose_strategy: bool = False

    def final(self) -> list[Candidate]:
        """Returns the candidates in training order, each of which may become the model."""
        return self._proposed(None)

    def without(self, held: Mask) -> list[Candidate]:
        """Returns the same candidates for the real training rows that `held` (n,) does not mark, to be judged on those
        that it marks. They stop early on the validation rows, so no training has seen what it is judged on."""
        return [
            replace(candidate, judged=self.material.real_rows(candidate.engine.layout, held))
            for candidate in self._proposed(~held)
        ]

    def notices(self) -> list[Notice]:
        """Returns why a model from scratch is not tried, where it is not, and that a batch was too large, where so."""
        found = []
        real, asked = self.material.real.height, self.options.batch_size
        if asked > real:
            found.append(
                Notice(
                    "BATCH_CUT",
                    f"Batches of {asked:,} rows were asked for; training on the {real:,} real rows alone takes all of "
                    "them in each step.",
                )
            )
        if not self._scratch_is_possible:
            lacking = ", ".join(self.material.codec.kept_from_base)
            found.append(
                Notice(
                    "SCRATCH_NOT_TRAINED",
                    f"The rows lack {lacking}: a model trained on them alone could not give these columns, so none was "
                    "trained.",
                )
            )
        return found

    @property
    def _scratch_is_possible(self) -> bool:
        """A model from scratch is left out only where another one knows columns that the real rows lack."""
        others = self.material.base is not None or self.material.seeds is not None
        return not (others and self.material.codec.kept_from_base)

    def _proposed(self, kept: Mask | None) -> list[Candidate]:
        material, base = self.material, self.material.base
        shared = material.layout
        real, held = material.real_rows(shared, kept), material.validation_rows(shared)
        proposed = []
        if base is not None:
            plan = self._plan(len(real), base)
            on_both = material.seeds is not None and not self.choose_strategy
            rows = material.both(kept) if on_both else real
            replayed = material.replayed() if self.options.replay else None
            proposed.append(Candidate("control", "control", self._placed(base.engine.adapted(shared)), real, held))
            proposed.append(self._from_base(base, "refined", real, rows, held, plan, replayed, on_both))
            if self.choose_strategy and material.seeds is not None:
                proposed.append(self._from_base(base, "merged", real, material.both(kept), held, plan, replayed, True))
        elif material.seeds is not None:
            engine = self._framed(
                create_engine(self.kind, shared, seed=material.seed, device=self.options.device), real
            )
            rows = material.both(kept)
            plan = self._plan(len(rows))
            proposed.append(Candidate("merged", "refined", engine, rows, held, plan, trained_on="merge"))
        if self._scratch_is_possible:
            alone = material.alone
            rows = material.real_rows(alone, kept)
            shape = base.engine.shape if base else None
            engine = create_engine(self.kind, alone, shape, seed=material.seed, device=self.options.device)
            engine = self._framed(engine, rows)
            held = material.validation_rows(alone)
            plan = self._plan(len(rows), beside_base=base is not None)
            proposed.append(Candidate("scratch", "scratch", engine, rows, held, plan))
        return proposed

    def _placed(self, engine: Engine) -> Engine:
        return engine.to(find_device(self.options.device))

    def _framed(self, engine: Engine, real: Rows) -> Engine:
        """Returns the engine framed by the real rows. Losses are measured in the frame: candidates with frames of their
        own could not be compared. A column that no real row has a value in is framed by itself alone; left in the
        base's frame it would lose what ties it to the others twice as fast."""
        unknown = np.isnan(real.scores).all(0)
        filler = np.random.default_rng([self.material.seed, 5]).standard_normal(real.scores.shape)
        engine.fit_frame(np.where(unknown, filler, real.scores).astype(np.float32))
        return engine

    def _from_base(
        self,
        base: Model,
        name: str,
        real: Rows,
        rows: Rows,
        held: Rows,
        plan: Schedule,
        replayed: Rows | None,
        on_both: bool,
    ) -> Candidate:
        engine = self._framed(self._placed(base.engine.adapted(self.material.layout, seed=self.material.seed)), real)
        trained_on = "merge" if on_both else "real-only"
        return Candidate(name, name, engine, rows, held, plan, replayed, trained_on=trained_on)

    def _plan(self, rows: int, base: Model | None = None, *, beside_base: bool = False) -> Schedule:
        """Returns the schedule for so many rows: the user's values where given, a lower learning rate from a base."""
        options = self.options
        rate = options.learning_rate
        if not rate and base is not None and base.learning_rate:
            # A refined base was trained at the lower rate already: lowering it again would end refinement by and by.
            rate = base.learning_rate * (1.0 if base.origin == "refined" else share_of_rate(self.kind, rows))
        plan = schedule(
            rows,
            epochs=options.epochs,
            batch_size=min(options.batch_size, rows),
            learning_rate=rate,
            patience=options.patience,
            refinement=base is not None,
        )
        if not options.epochs and rows >= ROWS_OF_FEWER_EPOCHS and (base is not None or beside_base):
            plan = replace(plan, epochs=min(plan.epochs, EPOCHS_OF_MANY[self.kind]))
        if base is None:
            return plan
        freeze = options.freeze_encoder and self.kind == "tvae"
        return replace(plan, l2_sp=options.l2_sp, replay=options.replay, freeze_encoder=freeze)


def share_of_rate(kind: str, rows: int) -> float:
    """Returns what a refinement on so many rows learns at, as a share of the base's learning rate."""
    most = MOST_SHARE[kind]
    growth = math.log(most / LEAST_SHARE) / math.log(MANY_ROWS / FEW_ROWS)
    return float(np.clip(LEAST_SHARE * (rows / FEW_ROWS) ** growth, LEAST_SHARE, most))
