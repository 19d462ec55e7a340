"""Trainings that run one after the other and can be stopped and resumed as one.

`Candidates.epochs()` yields after every epoch of whichever training is under way. `state()` holds the finished ones'
weights and curves and the unfinished one's full state, so a worker that takes over repeats at most the epochs since the
last checkpoint and arrives at the same weights. A training that cannot catch up with one that has ended is not carried
on with: what it would still cost is most of a refinement's time, and its end would change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import takewhile

from services.refine.checkpoint import pack, unpack
from services.refine.engines import Engine
from services.refine.training import Arrays, EpochResult, Rows, Schedule, Training

LOOKED_BACK = 0.15  # of the schedule: over so many epochs the pace is taken
FEWEST_LOOKED_BACK = 12  # epochs: short schedules are not worth it
PACE_KEPT = 0.6  # of it to the end, at most: of ten trainings from scratch, looked at halfway, none kept more than half
FEWEST_DOUBLED = 11  # epochs, from which on what the last doubling brought is what another one may
RACED = 0.3  # of the schedule: from then on two of like schedules are compared epoch by epoch
LIKE_RATES = 2.0  # at most so many times the other's learning rate
# What reports and screens call a candidate.
SPOKEN = {
    "control": "the control",
    "refined": "the refinement",
    "merged": "the training on seed and real rows",
    "scratch": "the training from scratch",
}


@dataclass
class Candidate:
    """One engine that may become the model. Without a `plan` it is taken as it stands (a control).

    `series` names its curve: seed, refined, merged or scratch. `curve` fills while it trains. A candidate with `judged`
    rows only takes part in a comparison on these (a hold-out) and never becomes the model. `trained_on` is the strategy
    that gives its rows.
    """

    name: str
    series: str
    engine: Engine
    rows: Rows
    validation: Rows
    plan: Schedule | None = None
    replayed: Rows | None = None
    curve: list[EpochResult] = field(default_factory=list)
    judged: Rows | None = None
    trained_on: str = "real-only"


class Candidates:
    """Candidates in training order. `data` is a state that `state()` of an equal list returned."""

    def __init__(self, candidates: Sequence[Candidate], *, seed: int = 0, data: bytes | None = None) -> None:
        self._candidates = list(candidates)
        self._seed = seed
        self._position = 0
        self._training: Training[Engine] | None = None
        if data is not None:
            self._restore(data)

    @property
    def ready(self) -> list[Candidate]:
        """Candidates that can be chosen: controls, finished ones, and a started one's best epoch."""
        begun = self._position + (self._training is not None and bool(self._training.curve))
        return [c for i, c in enumerate(self._candidates) if c.plan is None or i < begun]

    def epochs(self) -> Iterator[tuple[Candidate, EpochResult]]:
        """Trains; yields each epoch with its candidate. Engines hold their best weights when their training ends."""
        while self._position < len(self._candidates):
            candidate = self._candidates[self._position]
            if candidate.plan is not None:
                training = self._training = self._training or self._begin(candidate)
                candidate.curve = training.curve
                while not (training.done or self.behind(candidate)):
                    yield candidate, training.epoch()
                training.finish()
                self._training = None
            self._position += 1

    def behind(self, candidate: Candidate) -> bool:
        """Returns whether a candidate cannot catch up: it was outrun by one of like schedule; or going on to the end of
        its schedule as it went so far, it would not reach the lowest validation loss before it.

        Candidates of one refinement share codec, frame and validation draws, hence their losses can be compared.
        """
        earlier = [c for c in takewhile(lambda c: c is not candidate, self._candidates) if c.curve]
        if not earlier or candidate.plan is None:
            return False
        if any(self._outrun(candidate, other) for other in earlier):
            return True
        if not candidate.curve or not candidate.curve[-1].patience_left:
            return False  # at its end anyway
        lowest = min(c.curve[-1].best_validation_loss for c in earlier)
        return any(reached > lowest for reached in self._reached(candidate.curve, candidate.plan.epochs))

    @staticmethod
    def _reached(curve: Sequence[EpochResult], epochs: int) -> Iterator[float]:
        """Yields the losses that a curve, so far long enough, would end at: at most of the pace of its last epochs, and
        with each doubling of its epochs worth what the last one was. A mean loss falls about as the logarithm of the
        steps; of 64 trainings from scratch the second bound ended none that went on to the lowest loss and that the
        first one would not have ended as well.
        """
        done, best = len(curve), curve[-1].best_validation_loss
        back = max(FEWEST_LOOKED_BACK, round(LOOKED_BACK * epochs))
        if back < done < epochs:
            yield best - PACE_KEPT * (curve[-1 - back].best_validation_loss - best) / back * (epochs - done)
        if FEWEST_DOUBLED <= done <= epochs / 2:
            yield best - (curve[(done + 1) // 2 - 1].best_validation_loss - best) * math.log2(epochs / done)

    @staticmethod
    def _outrun(candidate: Candidate, other: Candidate) -> bool:
        """Returns whether a candidate under way has a higher loss than one of like schedule had after as many epochs.

        Rates that begin and fall alike bring losses down alike: in trials with 10,000 rows the one that a base had
        given a start led at every epoch, and by less and less.
        """
        mine, theirs, done = candidate.plan, other.plan, len(candidate.curve)
        if mine is None or theirs is None or done < max(FEWEST_LOOKED_BACK, RACED * mine.epochs):
            return False
        alike = (mine.epochs, mine.steps_per_epoch) == (theirs.epochs, theirs.steps_per_epoch)
        if not alike or mine.learning_rate > LIKE_RATES * theirs.learning_rate or done >= mine.epochs:
            return False
        at = candidate.curve[-1]
        return bool(at.patience_left) and at.best_validation_loss > other.curve[:done][-1].best_validation_loss

    def best_so_far(self) -> Engine | None:
        """Returns an engine with the best weights of the training under way, or None between two trainings."""
        return self._training.snapshot() if self._training is not None else None

    def stop(self) -> None:
        """Ends the training under way at its best epoch so far; candidates not begun stay untrained."""
        if self._training is not None:
            self._training.finish()

    def _begin(self, candidate: Candidate) -> Training[Engine]:
        assert candidate.plan is not None
        return Training(
            candidate.engine,
            candidate.rows,
            candidate.validation,
            candidate.plan,
            seed=self._seed,
            replayed=candidate.replayed,
        )

    def state(self) -> bytes:
        """Returns a checkpoint."""
        arrays: Arrays = {}
        document: dict[str, object] = {"position": self._position}
        done = self._candidates[: self._position]
        document["curves"] = [[asdict(result) for result in candidate.curve] for candidate in done]
        for i, candidate in enumerate(done):
            arrays |= {f"done.{i}.{name}": value for name, value in candidate.engine.weights().items()}
        if self._training is not None:
            training, training_arrays = self._training.state()
            document["training"] = training
            arrays |= {f"training.{name}": value for name, value in training_arrays.items()}
        return pack(document, arrays)

    def _restore(self, data: bytes) -> None:
        document, arrays = unpack(data)
        self._position = int(document["position"])
        for i, candidate in enumerate(self._candidates[: self._position]):
            candidate.curve = [EpochResult(**entry) for entry in document["curves"][i]]
            candidate.engine.load_weights(_below(arrays, f"done.{i}."))
        if "training" in document:
            candidate = self._candidates[self._position]
            assert candidate.plan is not None
            self._training = Training(
                candidate.engine,
                candidate.rows,
                candidate.validation,
                candidate.plan,
                seed=self._seed,
                replayed=candidate.replayed,
                state=(document["training"], _below(arrays, "training.")),
            )
            candidate.curve = self._training.curve


def _below(arrays: Arrays, prefix: str) -> Arrays:
    return {name[len(prefix) :]: value for name, value in arrays.items() if name.startswith(prefix)}
