"""A trained model: an engine, the codec of the rows it speaks, and where it came from. Two files, no pickle.

`sample` gives independent rows; ordered runs are `augmentation`'s. `model.json` describes, `weights.safetensors` holds
the network's parameters and the codec's quantiles. What is stored is enough to train on from; the optimiser is not
stored, because a refinement starts a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from services.chassis.errors import SensorForgeError
from services.refine import errors as errors
from services.refine.checkpoint import pack, unpack
from services.refine.codec import Codec, Encoded
from services.refine.critic import SAMPLED, Critic, fit_critic, has_rare_tuples
from services.refine.discrete import Codes
from services.refine.engines import ENGINES, Engine, FlowEngine, Layout, Shape, create_engine
from services.refine.engines.base import EVALUATIONS
from services.refine.normal_scores import ascending

FORMAT = 2
PROVENANCE = "provenance=real"  # name of the condition that tells real rows (1) from seed rows (0)
CALIBRATION_LEVELS = 512
FITTED_ROWS = 1000  # whose conditions an older model's solver is fitted for
MOST_DRAWS = 16  # of a row, until the critic keeps it

Origin = Literal["seed", "refined", "scratch"]


@dataclass(frozen=True)
class Model:
    """A generator of rows for one machine.

    `seed_derived` names columns that no real row ever told the model. `calibration` (levels, C) are quantiles of its
    own sampled scores, mapped onto the normal ones when sampling. `critic` has rows drawn again whose states and
    numbers do not go together. `summary` is what a list of models shows.
    """

    machine: str
    engine: Engine
    codec: Codec
    origin: Origin
    base_model: str = ""
    seed_derived: tuple[str, ...] = ()
    calibration: NDArray[np.float32] | None = None
    critic: Critic | None = None
    learning_rate: float = 0.0
    units: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def knows_provenance(self) -> bool:
        return PROVENANCE in self.engine.layout.conditions

    @property
    def sensors(self) -> tuple[str, ...]:
        """Modelled columns, `rul` included where there is one."""
        return self.codec.names

    def conditions(self, codes: Codes, *, real: bool = True) -> NDArray[np.float32]:
        """Returns the engine's conditions (n, K) for discrete codes (n, G)."""
        return conditions_of(self.codec, codes, real, self.knows_provenance)

    def sample(self, rows: int, *, seed: int = 0, evaluations: int = EVALUATIONS) -> pl.DataFrame:
        """Returns `rows` independent rows of all modelled columns, as real rows would be."""
        return self.codec.decode(*self.sample_encoded(rows, seed=seed, evaluations=evaluations))

    def sample_encoded(
        self, rows: int, *, seed: int = 0, evaluations: int = EVALUATIONS
    ) -> tuple[NDArray[np.float32], Codes]:
        """Returns sampled scores (rows, C) and codes (rows, G)."""
        rng = np.random.default_rng(seed)
        codes = self.codec.discrete.draw(rows, rng)
        scores = self._drawn(codes, rng, evaluations)
        if self.critic is None:
            return scores, codes
        doubtful = np.arange(rows)
        for _ in range(MOST_DRAWS - 1):
            kept = self.critic.keeps(self.codec, Encoded(scores[doubtful], codes[doubtful]), rng)
            doubtful = doubtful[~kept]
            if not len(doubtful):
                break
            scores[doubtful] = self._drawn(codes[doubtful], rng, evaluations)
        return scores, codes

    def _drawn(self, codes: Codes, rng: np.random.Generator, evaluations: int) -> NDArray[np.float32]:
        """Returns calibrated scores (n, C) under the codes (n, G)."""
        noise = rng.standard_normal((len(codes), self.engine.noise_width), dtype=np.float32)
        return self.calibrated(self.engine.decode(noise, self.conditions(codes), evaluations=evaluations))

    def calibrated(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the scores with the margins that `calibration` gives them."""
        if self.calibration is None:
            return scores
        normal = ndtri((np.arange(len(self.calibration)) + 0.5) / len(self.calibration))
        out = np.empty_like(scores)
        for j in range(scores.shape[1]):
            quantiles = self.calibration[:, j]
            order = ascending(scores[:, j])  # neighbours are then looked up together: four times as fast
            ordered = scores[order, j]
            inside = np.interp(ordered, quantiles, normal)
            # Beyond the outermost quantiles the tail is shifted, not squashed.
            out[order, j] = inside + np.minimum(ordered - quantiles[0], 0) + np.maximum(ordered - quantiles[-1], 0)
        return out

    def unlikeliness(self, table: pl.DataFrame) -> NDArray[np.float64]:
        """Returns one loss a row of the table: high for rows that the model finds unlikely."""
        encoded = self.codec.encode(table)
        return self.engine.row_losses(encoded.scores, self.conditions(encoded.codes))

    # Files ------------------------------------------------------------------------------------------------------------

    def to_files(self) -> tuple[dict[str, Any], bytes]:
        """Returns the contents of model.json and of weights.safetensors."""
        codec, arrays = self.codec.to_json()
        arrays |= {f"engine.{name}": value for name, value in self.engine.weights().items()}
        if self.calibration is not None:
            arrays["calibration"] = self.calibration
        critic = None
        if self.critic is not None:
            critic, own = self.critic.to_json()
            arrays |= own
        document = {
            "format": FORMAT,
            "machine": self.machine,
            "engine": self.engine.kind,
            "origin": self.origin,
            "base_model": self.base_model,
            "shape": self.engine.shape.to_json(),
            "layout": {
                "scores": list(self.engine.layout.scores),
                "conditions": list(self.engine.layout.conditions),
            },
            "sensors": list(self.sensors),
            "seed_derived": list(self.seed_derived),
            "learning_rate": self.learning_rate,
            "units": dict(self.units),
            "codec": codec,
            "critic": critic,
            "summary": dict(self.summary),
        }
        return document, pack({"format": FORMAT}, arrays)

    @classmethod
    def from_files(cls, document: Mapping[str, Any], weights: bytes) -> Model:
        """Returns the model. Raises MODEL_FILE_INVALID when the files are not a model of this format."""
        if document.get("format") != FORMAT or document.get("engine") not in ENGINES:
            raise SensorForgeError(
                "MODEL_FILE_INVALID",
                f"model.json says format {document.get('format')!r} and engine {document.get('engine')!r}; "
                f"this version reads format {FORMAT} with {', '.join(ENGINES)}.",
            )
        _, arrays = unpack(weights)
        try:
            layout = Layout(tuple(document["layout"]["scores"]), tuple(document["layout"]["conditions"]))
            engine = create_engine(document["engine"], layout, Shape(**document["shape"]))
            prefix = "engine."
            parameters = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
            codec = Codec.from_json(document["codec"], arrays)
            # Models that were stored before there were frames have none: their networks see the scores as they are.
            parameters.setdefault("frame", np.eye(len(layout.scores), dtype=np.float32))
            unsolved = isinstance(engine, FlowEngine) and "solver" not in parameters  # older ones, too
            if unsolved:
                parameters["solver"] = engine.weights()["solver"]
            engine.load_weights(parameters)
            if isinstance(engine, FlowEngine) and unsolved:
                codes = codec.discrete.draw(FITTED_ROWS, np.random.default_rng(0))
                engine.fit_solver(conditions_of(codec, codes, True, PROVENANCE in layout.conditions))
            critic = Critic.from_json(document["critic"], arrays) if document.get("critic") else None
        except (KeyError, TypeError, ValueError) as error:
            raise SensorForgeError("MODEL_FILE_INVALID", f"The model's files do not fit together: {error}.") from error
        return cls(
            machine=document["machine"],
            engine=engine,
            codec=codec,
            origin=document["origin"],
            base_model=document["base_model"],
            seed_derived=tuple(document["seed_derived"]),
            calibration=arrays.get("calibration"),
            critic=critic,
            learning_rate=float(document["learning_rate"]),
            units=document["units"],
            summary=document["summary"],
        )


def conditions_of(codec: Codec, codes: Codes, real: bool | NDArray[Any], provenance: bool) -> NDArray[np.float32]:
    """Returns one-hot conditions of the codes, with the provenance bit (a flag, or one a row) last if any."""
    conditions = codec.conditions(codes)
    if not provenance:
        return conditions
    bit = np.broadcast_to(np.asarray(real, np.float32), (len(codes),))[:, None]
    return np.concatenate([conditions, bit], 1).astype(np.float32)


def layout_of(codec: Codec, provenance: bool) -> Layout:
    """Returns the engine's layout for a codec."""
    return Layout(codec.continuous, (*codec.condition_names, PROVENANCE) if provenance else codec.condition_names)


def calibration_of(model: Model, encoded: Encoded, *, seed: int = 0, rows: int = 20_000) -> NDArray[np.float32]:
    """Returns quantiles (levels, C) of the model's sampled scores, for `Model.calibration`.

    Only the margins of sampled rows move. Columns that the `encoded` real rows never have a value in stay as they are.
    """
    scores, _ = model.sample_encoded(rows, seed=seed)
    levels = (np.arange(CALIBRATION_LEVELS) + 0.5) / CALIBRATION_LEVELS
    quantiles = np.quantile(scores, levels, axis=0)
    unseen = np.isnan(encoded.scores).all(0)
    quantiles[:, unseen] = ndtri(levels)[:, None]
    return np.maximum.accumulate(quantiles, axis=0).astype(np.float32)


def criticised(model: Model, real: Encoded, validation: Encoded, *, seed: int = 0) -> Model:
    """Returns the model with a critic, or as it is where a critic would not help (`fit_critic`)."""
    if not has_rare_tuples(model.codec, real):
        return replace(model, critic=None)
    sampled = replace(model, critic=None).sample_encoded(SAMPLED, seed=seed)
    return replace(model, critic=fit_critic(model.codec, real, validation, Encoded(*sampled), seed=seed))
