"""The training loop: one engine, rows of scores, validation rows, a schedule; one epoch at a time.

`Training.epochs()` is a generator, so the caller reports progress, saves checkpoints and stops when it likes. Between
two epochs `state()` holds everything (weights, average, optimiser, random generator, best so far): a training that is
restored from it goes on to bit-identical weights on the same machine. The result is the exponential moving average of
the weights at the best validation loss. Trains on the calling thread alone: for networks of this size a second thread
costs more than it brings.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.refine.engines.base import Engine, Floats

Arrays = dict[str, NDArray[Any]]

LEARNING_RATE = 1e-2  # with averaged weights: 4e-3 needs three times the steps for the same quality
REFINEMENT_SHARE = 0.1  # of the base's learning rate
EPOCHS = 100
PATIENCE = 10  # of a refinement
PATIENCE_FROM_SCRATCH = 30  # rare classes are still being learnt when the mean loss hardly moves
LARGEST_BATCH = 256
SMALLEST_BATCH = 16
LEAST_STEPS_PER_EPOCH = 20  # small data: an epoch makes several passes, so that 100 epochs are 2,000 optimiser steps
ENOUGH_ROWS, ENOUGH_STEPS = 2000, 40  # from scratch so many rows gain by 4,000 steps; fewer would be overfitted
MOST_STEPS = 8000  # large data: fewer epochs and larger batches instead of hours
WARM_UP = 50  # steps
MOMENTS = (0.9, 0.99)  # Adam's; the second one short, since a training is only some thousand steps long
AVERAGE_DECAY = 0.995
VALIDATION_DRAWS = 2048  # rows x draws behind one validation loss
MOST_VALIDATION_ROWS = 4096
GATHERED = 32  # batches whose rows are fetched at once


@dataclass(frozen=True)
class Rows:
    """Encoded rows: scores (n, C) with NaN where missing, conditions (n, K), sampling weights (n,) or None for even."""

    scores: Floats
    conditions: Floats | None = None
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def chosen(self, index: NDArray[Any]) -> Rows:
        """Returns the rows at `index` (positions or a mask)."""
        conditions = None if self.conditions is None else self.conditions[index]
        return Rows(self.scores[index], conditions, None if self.weights is None else self.weights[index])


@dataclass(frozen=True)
class Schedule:
    """How to train, every number resolved. An epoch has `steps_per_epoch` optimiser steps of `batch_size` rows."""

    epochs: int
    batch_size: int
    steps_per_epoch: int
    learning_rate: float
    patience: int = PATIENCE
    l2_sp: float = 0.0
    replay: float = 0.0
    freeze_encoder: bool = False

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class EpochResult:
    """One epoch of one training. Losses are the engine's own: comparable within an engine and a codec only."""

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float
    best_validation_loss: float
    learning_rate: float
    seconds: float
    patience_left: int


def schedule(
    rows: int,
    *,
    epochs: int = 0,
    batch_size: int = 0,
    learning_rate: float = 0.0,
    patience: int = 0,
    refinement: bool = False,
) -> Schedule:
    """Returns the schedule for so many rows; zero means: chosen here, anything else is honoured.

    Batches are at most an eighth of the rows, since larger ones make too few steps on small data (500 rows: correlation
    error .098 with one batch an epoch, .027 with batches of 62).
    """
    batch = batch_size or largest_power_of_two(min(LARGEST_BATCH, max(SMALLEST_BATCH, rows // 8)))
    if not batch_size:
        while math.ceil(rows / batch) * (epochs or EPOCHS) > 2 * MOST_STEPS and batch < 16 * LARGEST_BATCH:
            batch *= 2
    one_pass = math.ceil(rows / batch)
    least = LEAST_STEPS_PER_EPOCH if refinement or rows < ENOUGH_ROWS else ENOUGH_STEPS
    passes = math.ceil(least / one_pass)
    most = max(PATIENCE, MOST_STEPS // (one_pass * passes))
    rate = learning_rate or LEARNING_RATE * (REFINEMENT_SHARE if refinement else 1.0)
    epochs = epochs or min(EPOCHS, most)
    # The rate falls over the whole schedule: whoever asks for more epochs would else be stopped before it has fallen.
    patience = patience or (PATIENCE if refinement else max(PATIENCE_FROM_SCRATCH, 3 * epochs // 10))
    return Schedule(epochs, batch, one_pass * passes, rate, patience)


def largest_power_of_two(limit: int) -> int:
    """Returns the largest power of two that does not exceed `limit`."""
    return 1 << (limit.bit_length() - 1)


class Training:
    """A training under way. The engine it was given holds the best weights once `finish` was called.

    `replayed` are rows of the base model that take the share `schedule.replay` of each batch. With `state` (from
    `state()`) the training goes on where that one stood.
    """

    def __init__(
        self,
        engine: Engine,
        rows: Rows,
        validation: Rows,
        schedule: Schedule,
        *,
        seed: int = 0,
        replayed: Rows | None = None,
        state: tuple[Mapping[str, Any], Mapping[str, NDArray[Any]]] | None = None,
    ) -> None:
        torch.set_num_threads(1)
        if not len(rows) or not len(validation):
            raise ValueError(f"training needs rows and validation rows, got {len(rows)=} and {len(validation)=}")
        if np.isinf(rows.scores).any():
            raise ValueError("a score to train on is infinite; what is not known is NaN")
        self.engine = engine
        if not engine.framed:
            engine.fit_frame(rows.scores)
        self.schedule = schedule
        self._training_rows = rows
        self._generator = torch.Generator().manual_seed(seed)
        self._rows = _Batches(engine, rows, schedule.batch_size, self._generator)
        own_rows = schedule.batch_size
        self._replayed: _Batches | None = None
        if replayed is not None and schedule.replay > 0:
            share = max(1, round(schedule.batch_size * schedule.replay))
            own_rows = max(1, schedule.batch_size - share)
            self._replayed = _Batches(engine, replayed, share, self._generator)
        self._rows.size = own_rows
        self._validation = validation.chosen(np.arange(min(len(validation), MOST_VALIDATION_ROWS)))
        self._draws = max(1, VALIDATION_DRAWS // len(self._validation))

        frozen = {id(p) for p in engine.encoder_parameters()} if schedule.freeze_encoder else set()
        self._parameters = [p for p in engine.parameters() if p.requires_grad and id(p) not in frozen]
        self._anchor = [p.detach().clone() for p in self._parameters]
        self._average = [p.detach().clone() for p in self._parameters]
        self._optimiser = torch.optim.Adam(self._parameters, lr=schedule.learning_rate, betas=MOMENTS, fused=True)
        self._best = [p.detach().clone() for p in self._parameters]
        self._best_loss = math.inf
        self._step = 0
        self._without_improvement = 0
        self.curve: list[EpochResult] = []
        if state is not None:
            self._restore(*state)

    @property
    def best_validation_loss(self) -> float:
        return self._best_loss

    @property
    def done(self) -> bool:
        return len(self.curve) >= self.schedule.epochs or self._without_improvement >= self.schedule.patience

    def epochs(self) -> Iterator[EpochResult]:
        """Trains and yields after every epoch, until the schedule ends or patience runs out."""
        while not self.done:
            yield self._epoch()

    def finish(self) -> Engine:
        """Returns the engine with the weights of the best epoch so far, settled on the training rows."""
        with torch.no_grad():
            for parameter, value in zip(self._parameters, self._best, strict=True):
                parameter.copy_(value)
        self.engine.settle(self._training_rows.scores, self._training_rows.conditions)
        return self.engine

    def snapshot(self) -> Engine:
        """Returns an engine of its own with the weights of the best epoch so far; the training is not touched."""
        twin = self.engine.clone()
        own = {id(p): name for name, p in self.engine.named_parameters()}
        names = [own[id(p)] for p in self._parameters]
        twin.load_weights(twin.weights() | {n: _array(value) for n, value in zip(names, self._best, strict=True)})
        twin.settle(self._training_rows.scores, self._training_rows.conditions)
        return twin

    def _epoch(self) -> EpochResult:
        started = time.perf_counter()
        total = torch.zeros((), device=self.engine.device)
        self._rows.shuffle(self.schedule.steps_per_epoch)
        if self._replayed:
            self._replayed.shuffle(self.schedule.steps_per_epoch)
        for k in range(self.schedule.steps_per_epoch):
            total += self._optimise(k)
        validation_loss = self._validate()
        if validation_loss < self._best_loss:
            self._best_loss, self._without_improvement = validation_loss, 0
            self._best = [value.clone() for value in self._average]
        else:
            self._without_improvement += 1
        result = EpochResult(
            epoch=len(self.curve) + 1,
            epochs=self.schedule.epochs,
            train_loss=float(total) / self.schedule.steps_per_epoch,
            validation_loss=validation_loss,
            best_validation_loss=self._best_loss,
            learning_rate=self._learning_rate(),
            seconds=time.perf_counter() - started,
            patience_left=self.schedule.patience - self._without_improvement,
        )
        self.curve.append(result)
        return result

    def _optimise(self, k: int) -> Tensor:
        """Makes optimiser step `k` of the epoch; returns its loss."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        x, observed, c = self._rows.batch(k)
        if self._replayed:
            x, observed, c = (torch.cat(pair) for pair in zip((x, observed, c), self._replayed.batch(k), strict=True))
        loss = self.engine.losses(x, observed, c, self._generator).mean()
        objective = loss
        if self.schedule.l2_sp:  # L2-SP: Li, Grandvalet & Davoine 2018
            pull = sum(((p - a).square().sum() for p, a in zip(self._parameters, self._anchor, strict=True)), loss * 0)
            objective = loss + self.schedule.l2_sp * pull
        self._optimiser.zero_grad(set_to_none=True)
        objective.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._step += 1
        # The average follows quickly at first (the start is worthless), then over about 200 steps.
        decay = min(AVERAGE_DECAY, 1 - 1 / (self._step / 10 + 1))
        torch._foreach_lerp_(self._average, [p.detach() for p in self._parameters], 1 - decay)
        return loss.detach()

    def _learning_rate(self) -> float:
        """Warm-up over 50 steps, then half a cosine to zero."""
        warm = min(1.0, (self._step + 1) / WARM_UP)
        return self.schedule.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * self._step / self.schedule.steps))

    @torch.no_grad()
    def _validate(self) -> float:
        """Returns the loss of the averaged weights on the validation rows, with the same draws every time."""
        current = [p.detach().clone() for p in self._parameters]
        for parameter, average in zip(self._parameters, self._average, strict=True):
            parameter.copy_(average)
        losses = self.engine.row_losses(self._validation.scores, self._validation.conditions, draws=self._draws)
        for parameter, value in zip(self._parameters, current, strict=True):
            parameter.copy_(value)
        return float(losses.mean())

    # Checkpoints ------------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Returns the whole state between two epochs as a JSON document and arrays."""
        arrays: Arrays = {"generator": self._generator.get_state().numpy().copy()}
        moments = self._optimiser.state_dict()["state"]
        for i, parameter in enumerate(self._parameters):
            arrays[f"parameter.{i}"] = _array(parameter)
            arrays[f"average.{i}"] = _array(self._average[i])
            arrays[f"best.{i}"] = _array(self._best[i])
            arrays[f"anchor.{i}"] = _array(self._anchor[i])
            for name, value in moments.get(i, {}).items():
                arrays[f"moment.{i}.{name}"] = _array(value)
        document = {
            "step": self._step,
            "best_loss": None if math.isinf(self._best_loss) else self._best_loss,
            "without_improvement": self._without_improvement,
            "curve": [asdict(result) for result in self.curve],
        }
        return document, arrays

    @torch.no_grad()
    def _restore(self, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        self._generator.set_state(torch.from_numpy(np.array(arrays["generator"], np.uint8)))
        device = self.engine.device
        moments: dict[int, dict[str, Tensor]] = {}
        for i, parameter in enumerate(self._parameters):
            parameter.copy_(_tensor(arrays[f"parameter.{i}"]))
            self._average[i] = _tensor(arrays[f"average.{i}"]).to(device)
            self._best[i] = _tensor(arrays[f"best.{i}"]).to(device)
            self._anchor[i] = _tensor(arrays[f"anchor.{i}"]).to(device)
            found = {
                n: arrays[f"moment.{i}.{n}"] for n in ("step", "exp_avg", "exp_avg_sq") if f"moment.{i}.{n}" in arrays
            }
            if found:
                moments[i] = {name: _tensor(value) for name, value in found.items()}
        state = self._optimiser.state_dict()
        state["state"] = moments
        self._optimiser.load_state_dict(state)
        self._step = int(document["step"])
        self._best_loss = math.inf if document["best_loss"] is None else float(document["best_loss"])
        self._without_improvement = int(document["without_improvement"])
        self.curve = [EpochResult(**entry) for entry in document["curve"]]


class _Batches:
    """Rows as tensors, shuffled (or drawn by weight) once an epoch and handed out batch by batch."""

    def __init__(self, engine: Engine, rows: Rows, size: int, generator: torch.Generator) -> None:
        self.size = size
        self._generator = generator
        observed = ~np.isnan(rows.scores)
        self._gaps = not bool(observed.all())
        conditions = np.zeros((len(rows), 0), np.float32) if rows.conditions is None else rows.conditions
        self._x = torch.from_numpy(np.nan_to_num(rows.scores, nan=0.0).astype(np.float32)).to(engine.device)
        self._observed = torch.from_numpy(observed.astype(np.float32)).to(engine.device)
        self._c = torch.from_numpy(np.ascontiguousarray(conditions, np.float32)).to(engine.device)
        even = rows.weights is None or float(np.ptp(rows.weights)) == 0.0
        self._weights = None if even else torch.from_numpy(np.asarray(rows.weights, np.float64))
        self._order = torch.zeros(0, dtype=torch.long)
        self._gathered: tuple[Tensor, Tensor, Tensor] | None = None

    def shuffle(self, steps: int) -> None:
        """Draws the order of the next `steps` batches."""
        wanted, n = steps * self.size, len(self._x)
        if self._weights is not None:
            # Inverse of the cumulative weights: torch.multinomial stops at 2^24 rows.
            cumulative = torch.cumsum(self._weights, 0)
            draws = torch.rand(wanted, generator=self._generator, dtype=torch.float64) * cumulative[-1]
            self._order = torch.searchsorted(cumulative, draws).clamp(max=n - 1)
        else:
            passes = [torch.randperm(n, generator=self._generator) for _ in range(math.ceil(wanted / n))]
            self._order = torch.cat(passes)[:wanted]

    def batch(self, k: int) -> tuple[Tensor, Tensor, Tensor]:
        """Returns (x, observed, c) of batch `k`, with fresh noise where a score is missing. Batches come in order."""
        place = k % GATHERED
        if place == 0:
            index = self._order[k * self.size : (k + GATHERED) * self.size].to(self._x.device)
            self._gathered = self._x[index], self._observed[index], self._c[index]
        assert self._gathered is not None
        x, observed, c = (part[place * self.size : (place + 1) * self.size] for part in self._gathered)
        if self._gaps:
            noise = torch.randn(x.shape, generator=self._generator).to(x.device)
            x = torch.where(observed > 0, x, noise)
        return x, observed, c


def train(
    engine: Engine, rows: Rows, validation: Rows, plan: Schedule | None = None, *, seed: int = 0
) -> list[EpochResult]:
    """Trains `engine` in place to its best validation loss; returns the curve."""
    training = Training(engine, rows, validation, plan or schedule(len(rows)), seed=seed)
    curve = list(training.epochs())
    training.finish()
    return curve


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.asarray(tensor.detach().cpu().numpy()).copy()


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(array))
