"""The training loop: one engine (or another network), rows of scores, validation rows, a schedule; one epoch at a time.

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
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from services.refine.batches import Batches
from services.refine.batches import Rows as Rows
from services.refine.engines.network import Network

Arrays = dict[str, NDArray[Any]]
N = TypeVar("N", bound=Network)

LEARNING_RATE = 1e-2  # with averaged weights: 4e-3 needs three times the steps for the same quality
REFINEMENT_SHARE = 0.1  # of the base's learning rate
EPOCHS = 100
PATIENCE = 10  # of a refinement
PATIENCE_FROM_SCRATCH = 30  # rare classes are still being learnt when the mean loss hardly moves
LARGEST_BATCH = 256
SMALLEST_BATCH = 16
# Few epochs were asked for: smaller batches make more steps of them. 8 epochs of 10,000 rows: correlation error .022
# with batches of 64 and .029 with 256, in about the same time.
SHORT_STEPS, SHORT_BATCH = 1000, 64
LEAST_STEPS_PER_EPOCH = 20  # small data: an epoch makes several passes, so that 100 epochs are 2,000 optimiser steps
ENOUGH_ROWS, ENOUGH_STEPS = 2000, 40  # from scratch so many rows gain by 4,000 steps; fewer would be overfitted
MOST_STEPS = 8000  # large data: fewer epochs and larger batches instead of hours
WARM_UP = 50  # steps
MOMENTS = (0.9, 0.99)  # Adam's; the second one short, since a training is only some thousand steps long
LEAST_SPREAD = 1e-8  # of a gradient, in Adam
AVERAGE_DECAY = 0.995
VECTORS = ("weights", "average", "best", "anchor", "mean", "square")  # that a checkpoint holds, each (W,)
VALIDATION_DRAWS = 2048  # rows x draws behind one validation loss
MOST_VALIDATION_ROWS = 4096


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
        while math.ceil(rows / batch) * (epochs or EPOCHS) < SHORT_STEPS and batch > SHORT_BATCH:
            batch //= 2
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


class Training(Generic[N]):
    """A training under way. The engine it was given holds the best weights once `finish` was called.

    `replayed` are rows of the base model that take the share `schedule.replay` of each batch. With `state` (from
    `state()`) the training goes on where that one stood.
    """

    def __init__(
        self,
        engine: N,
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
        self._rows = Batches(engine, rows, schedule.batch_size, self._generator)
        own_rows = schedule.batch_size
        self._replayed: Batches | None = None
        if replayed is not None and schedule.replay > 0:
            share = max(1, round(schedule.batch_size * schedule.replay))
            own_rows = max(1, schedule.batch_size - share)
            self._replayed = Batches(engine, replayed, share, self._generator)
        self._rows.size = own_rows
        self._validation = validation.chosen(np.arange(min(len(validation), MOST_VALIDATION_ROWS)))
        self._draws = max(1, VALIDATION_DRAWS // len(self._validation))

        frozen = {id(p) for p in engine.encoder_parameters()} if schedule.freeze_encoder else set()
        # All trained parameters are views of one vector: a step of the optimiser and of the average is then a handful
        # of operations instead of a hundred, which for networks of this size is a third of the time.
        self._weights = _as_one([p for p in engine.parameters() if p.requires_grad and id(p) not in frozen])
        self._anchor = self._weights.detach().clone()
        self._average = self._weights.detach().clone()
        self._best = self._weights.detach().clone()
        self._mean = torch.zeros_like(self._anchor)
        self._square = torch.zeros_like(self._anchor)
        self._count = torch.zeros((), device=engine.device)  # of steps, where the optimiser looks for it
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
            yield self.epoch()

    def epoch(self) -> EpochResult:
        """Trains one epoch."""
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
            self._best.copy_(self._average)
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

    def finish(self) -> N:
        """Returns the engine with the weights of the best epoch so far, settled on the training rows."""
        self._take(self._best)
        self.engine.settle(self._training_rows.scores, self._training_rows.conditions)
        return self.engine

    def snapshot(self) -> N:
        """Returns an engine of its own with the weights of the best epoch so far; the training is not touched."""
        current = self._weights.detach().clone()
        self._take(self._best)
        twin = self.engine.clone()
        self._take(current)
        twin.settle(self._training_rows.scores, self._training_rows.conditions)
        return twin

    @torch.no_grad()
    def _take(self, weights: Tensor) -> None:
        """Puts other weights (W,) into the engine."""
        self._weights.copy_(weights)

    def _optimise(self, k: int) -> Tensor:
        """Makes optimiser step `k` of the epoch; returns its loss."""
        x, observed, c = self._rows.batch(k)
        if self._replayed:
            x, observed, c = (torch.cat(pair) for pair in zip((x, observed, c), self._replayed.batch(k), strict=True))
        gradient = self._weights.grad
        assert gradient is not None
        gradient.zero_()
        loss = self.engine.losses(x, observed, c, self._generator).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.schedule.l2_sp:  # the gradient of l2_sp |w - w0|^2: L2-SP, Li, Grandvalet & Davoine 2018
            gradient.add_(self._weights.detach() - self._anchor, alpha=2 * self.schedule.l2_sp)
        self._adam(gradient)
        # The average follows quickly at first (the start is worthless), then over about 200 steps.
        decay = min(AVERAGE_DECAY, 1 - 1 / (self._step / 10 + 1))
        self._average.lerp_(self._weights.detach(), 1 - decay)
        return loss.detach()

    @torch.no_grad()
    def _adam(self, gradient: Tensor) -> None:
        """Moves the weights by one step of Adam (Kingma & Ba 2015), in one pass over them. Not by way of torch.optim,
        which would import the whole of torch's compiler at its first step: that takes longer than to refine on 500
        rows."""
        rate = self._learning_rate()
        self._step += 1
        torch._fused_adam_(
            [self._weights.detach()],
            [gradient],
            [self._mean],
            [self._square],
            [],
            [self._count.fill_(self._step)],
            lr=rate,
            beta1=MOMENTS[0],
            beta2=MOMENTS[1],
            weight_decay=0.0,
            eps=LEAST_SPREAD,
            amsgrad=False,
            maximize=False,
        )

    def _learning_rate(self) -> float:
        """Warm-up over 50 steps, then half a cosine to zero."""
        warm = min(1.0, (self._step + 1) / WARM_UP)
        return self.schedule.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * self._step / self.schedule.steps))

    def _validate(self) -> float:
        """Returns the loss of the averaged weights on the validation rows, with the same draws every time."""
        current = self._weights.detach().clone()
        self._take(self._average)
        losses = self.engine.row_losses(self._validation.scores, self._validation.conditions, draws=self._draws)
        self._take(current)
        return float(losses.mean())

    # Checkpoints ------------------------------------------------------------------------------------------------------

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Returns the whole state between two epochs as a JSON document and arrays."""
        arrays: Arrays = {"generator": self._generator.get_state().numpy().copy()}
        arrays |= {name: _array(getattr(self, f"_{name}")) for name in VECTORS}
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
        for name in VECTORS:
            getattr(self, f"_{name}").copy_(torch.from_numpy(np.array(arrays[name])))
        self._step = int(document["step"])
        self._best_loss = math.inf if document["best_loss"] is None else float(document["best_loss"])
        self._without_improvement = int(document["without_improvement"])
        self.curve = [EpochResult(**entry) for entry in document["curve"]]


def train(
    engine: Network, rows: Rows, validation: Rows, plan: Schedule | None = None, *, seed: int = 0
) -> list[EpochResult]:
    """Trains `engine` in place to its best validation loss; returns the curve."""
    training = Training(engine, rows, validation, plan or schedule(len(rows)), seed=seed)
    curve = list(training.epochs())
    training.finish()
    return curve


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.asarray(tensor.detach().cpu().numpy()).copy()


def _as_one(parameters: list[nn.Parameter]) -> nn.Parameter:
    """Returns all the parameters, and their gradients, as one vector (W,) of which they are views from now on."""
    whole = nn.Parameter(torch.cat([parameter.detach().reshape(-1) for parameter in parameters]))
    whole.grad = torch.zeros_like(whole)
    begin = 0
    for parameter in parameters:
        end = begin + parameter.numel()
        parameter.data = whole.detach()[begin:end].view_as(parameter)
        parameter.grad = whole.grad[begin:end].view_as(parameter)
        begin = end
    return whole
