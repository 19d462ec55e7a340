"""The critic of sampled rows: where states and numbers do not go together as in real rows, a row is drawn again.

An engine learns the scores of a rare tuple of states from few rows, and blurs their edges: failures are drawn where
nothing fails, and rows without failure where everything does. Which tuple goes with given scores is easier to learn,
since the rows of all other tuples say where it does not occur. So one small network learns p(tuple | scores) of real
and of sampled rows, told apart by a bit, and a sampled row is kept with a probability proportional to the ratio of
both, else drawn again under its tuple: rejection sampling with a learnt ratio (Azadi et al. 2019, "Discriminator
Rejection Sampling"). How often each tuple occurs does not change. Only tables with rare tuples have a critic, and none
that real validation rows clearly speak against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from services.refine.codec import MISSING, Codec, Encoded
from services.refine.discrete import Codes, distinct
from services.refine.engines.linear import Body, Linear
from services.refine.engines.network import CHUNK, Floats, Layout, Network, Shape
from services.refine.training import Rows, Schedule, train

RARE = 0.05  # share of the rows below which a tuple is rare
FEWEST_RARE_ROWS = 30  # of all rare tuples together: fewer teach no boundary
MOST_TUPLES = 64  # told apart; the rarest of more count as one
SAMPLED = 30_000  # rows of the model that real ones are compared with
MOST_VALIDATION_ROWS = 2000  # of either kind
SHAPE = Shape(width=64, depth=3)
PLAN = Schedule(epochs=30, batch_size=256, steps_per_epoch=50, learning_rate=1e-2)
MOST_RATIO = 3.0  # of the logarithm, either way: a row of e^-3 is as good as impossible
CLEARLY = 3.0  # standard errors by which validation rows must speak against a critic
CERTAIN = 0.99  # share of a tuple's sampled rows whose ratios are not cut
REAL = "real"  # name of the bit that tells real rows (1) from sampled ones (0)


class TupleClassifier(Network):
    """log p(tuple | scores, real): a body that both kinds of rows share, and what is different in real ones, zero at
    first. Conditions are the one-hot tuple and the bit."""

    kind: ClassVar[str] = "critic"

    def build(self) -> None:
        columns, tuples = len(self.layout.scores), len(self.layout.conditions) - 1
        self.body = Body(columns + 1, self.shape.width, self.shape.depth)
        self.leave = Linear(self.shape.width, tuples)
        self.difference = Linear(self.shape.width, tuples)
        for layer in (self.leave, self.difference):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def log_chances(self, x: Tensor, real: Tensor) -> Tensor:
        """Returns log p of each tuple (n, K) for framed scores (n, C) and the bit (n, 1)."""
        h = self.body(x, real)
        return torch.log_softmax(self.leave(h) + real * self.difference(h), 1)

    def losses(self, x: Tensor, observed: Tensor, c: Tensor, generator: torch.Generator) -> Tensor:
        return -(self.log_chances(x @ self.frame, c[:, -1:]) * c[:, :-1]).sum(1)

    @torch.no_grad()
    def log_ratios(self, scores: Floats, tuples: Floats) -> Floats:
        """Returns log p(tuple | scores, real) / p(tuple | scores, sampled), (n,), for one-hot tuples (n, K)."""
        found = np.empty(len(scores), np.float32)
        conditions = np.concatenate([tuples, np.ones((len(scores), 1), np.float32)], 1)
        x, _, c = self.tensors(scores, conditions, torch.Generator().manual_seed(0))
        for i in range(0, len(x), CHUNK):
            rows = slice(i, i + CHUNK)
            framed, real = x[rows] @ self.frame, c[rows, -1:]
            ratios = self.log_chances(framed, real) - self.log_chances(framed, torch.zeros_like(real))
            found[rows] = (ratios * c[rows, :-1]).sum(1).clamp(-MOST_RATIO, MOST_RATIO).cpu().numpy()
        return found


@dataclass(frozen=True)
class Critic:
    """A trained classifier and the tuples (K - 1, G) of the columns `states` that it tells apart; all others are the
    last. A row whose log ratio reaches its tuple's `limits` (K,) is always kept."""

    classifier: TupleClassifier
    states: tuple[str, ...]
    tuples: Codes
    limits: Floats

    def keeps(self, codec: Codec, encoded: Encoded, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Returns which sampled rows are kept, (n,)."""
        tuples = one_hot(self.tuples, _states(codec, encoded.codes, self.states))
        ratios = self.classifier.log_ratios(_columns(codec, encoded, self.classifier.layout.scores), tuples)
        return np.asarray(np.log(1 - rng.random(len(encoded))) < ratios - self.limits[tuples.argmax(1)])

    # What a model file holds ------------------------------------------------------------------------------------------

    def to_json(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Returns a JSON document and the arrays that go into the safetensors file beside it."""
        arrays = {f"critic.{name}": value for name, value in self.classifier.weights().items()}
        document = {
            "columns": list(self.classifier.layout.scores),
            "shape": self.classifier.shape.to_json(),
            "states": list(self.states),
            "tuples": self.tuples.tolist(),
        }
        return document, arrays | {"critic.limits": self.limits}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Critic:
        """Returns the critic that `to_json` described. Raises KeyError or ValueError when the arrays do not fit."""
        states = tuple(document["states"])
        tuples = np.array(document["tuples"], np.int32).reshape(-1, len(states))
        classifier = TupleClassifier(_layout(document["columns"], len(tuples)), Shape(**document["shape"]))
        weights = {name.removeprefix("critic."): v for name, v in arrays.items() if name.startswith("critic.")}
        limits = weights.pop("limits")
        classifier.load_weights(weights)
        return cls(classifier, states, tuples, np.asarray(limits, np.float32))


def fit_critic(codec: Codec, real: Encoded, validation: Encoded, sampled: Encoded, *, seed: int = 0) -> Critic | None:
    """Returns the critic of a model that drew the `sampled` rows, for `real` rows it was trained on and `validation`
    rows it was not; None where no tuple is rare, or where validation rows clearly speak against one.
    """
    found = _told_apart(codec, real)
    if found is None:
        return None
    columns, states, tuples = found

    def rows(encoded: Encoded, bit: float) -> Rows:
        kind = one_hot(tuples, _states(codec, encoded.codes, states))
        conditions = np.concatenate([kind, np.full((len(kind), 1), bit, np.float32)], 1)
        weights = np.full(len(kind), 1 / len(kind))  # as many real rows as sampled ones in a batch
        return Rows(_columns(codec, encoded, columns), conditions, weights)

    held = slice(0, min(MOST_VALIDATION_ROWS, len(validation)))
    judged, drawn = rows(validation.rows(held), 1.0), rows(sampled.rows(slice(held.stop, None)), 0.0)
    classifier = TupleClassifier(_layout(columns, len(tuples)), SHAPE, seed=seed)
    train(classifier, _both(rows(real, 1.0), drawn), _both(judged, rows(sampled.rows(held), 0.0)), PLAN, seed=seed)

    def ratios(of: Rows) -> Floats:
        assert of.conditions is not None
        return classifier.log_ratios(of.scores, of.conditions[:, :-1])

    gain = ratios(judged)
    if gain.mean() < -CLEARLY * gain.std() / np.sqrt(len(gain)):
        return None
    assert drawn.conditions is not None
    place, found_ratios = drawn.conditions[:, :-1].argmax(1), ratios(drawn)
    limits = [np.quantile(own, CERTAIN) if len(own := found_ratios[place == k]) else 0 for k in range(len(tuples) + 1)]
    return Critic(classifier, states, tuples, np.array(limits, np.float32))


def has_rare_tuples(codec: Codec, real: Encoded) -> bool:
    """Returns whether a table has tuples that a critic is for."""
    return _told_apart(codec, real) is not None


def one_hot(tuples: Codes, codes: Codes) -> Floats:
    """Returns which of the tuples (K - 1, G) each row of codes (n, G) is, (n, K); the last one is none of them."""
    _, number, _ = distinct(np.concatenate([tuples, codes]))
    place = np.full(number.max(initial=0) + 1, len(tuples))
    place[number[: len(tuples)]] = np.arange(len(tuples))
    return np.asarray(place[number[len(tuples) :], None] == np.arange(len(tuples) + 1), np.float32)


def _told_apart(codec: Codec, real: Encoded) -> tuple[tuple[str, ...], tuple[str, ...], Codes] | None:
    """Returns (score columns, state columns, tuples) that a critic is for, None where no tuple is rare."""
    lacking = {*codec.kept_from_base}
    states = tuple(n for n in codec.discrete.names if not n.startswith(MISSING) and n not in lacking)
    columns = tuple(n for n in codec.continuous if n not in lacking)
    if not states or not columns:
        return None
    codes = _states(codec, real.codes, states)
    first, _, counts = distinct(codes)
    rare = counts < RARE * len(codes)
    if counts[rare].sum() < FEWEST_RARE_ROWS:
        return None
    commonest = np.argsort(-counts, kind="stable")[: MOST_TUPLES - 1]
    return columns, states, codes[first[commonest]]


def _layout(columns: Any, tuples: int) -> Layout:
    return Layout(tuple(columns), (*(f"tuple:{k}" for k in range(tuples + 1)), REAL))


def _states(codec: Codec, codes: Codes, states: tuple[str, ...]) -> Codes:
    return codes[:, [codec.discrete.names.index(name) for name in states]]


def _columns(codec: Codec, encoded: Encoded, columns: tuple[str, ...]) -> Floats:
    """Returns the scores of the columns (n, C), NaN where they are missing or where the tuple says so."""
    scores = encoded.scores[:, [codec.continuous.index(name) for name in columns]]
    names = codec.discrete.names
    for j, name in enumerate(columns):
        if MISSING + name in names:
            scores[encoded.codes[:, names.index(MISSING + name)] == 1, j] = np.nan
    return scores


def _both(one: Rows, other: Rows) -> Rows:
    parts = [(rows.scores, rows.conditions, rows.weights) for rows in (one, other)]
    scores, conditions, weights = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    return Rows(scores, conditions, weights)
