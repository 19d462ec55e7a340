"""Generative engines in normal-score space. `create_engine` is the one place that knows their names."""

from __future__ import annotations

from services.refine.engines.base import Engine
from services.refine.engines.devices import find_device
from services.refine.engines.flow import FlowEngine
from services.refine.engines.network import Layout, Shape
from services.refine.engines.tvae import TvaeEngine

ENGINES: dict[str, type[Engine]] = {engine.kind: engine for engine in (FlowEngine, TvaeEngine)}

__all__ = ["ENGINES", "Engine", "FlowEngine", "Layout", "Shape", "TvaeEngine", "create_engine", "find_device"]


def create_engine(kind: str, layout: Layout, shape: Shape | None = None, *, seed: int = 0, device: str = "") -> Engine:
    """Returns a fresh engine with weights drawn from `seed`, which are the same on every device.

    Raises KeyError for an unknown kind and TRAINING_OPTION_INVALID for a device that is not there.
    """
    return ENGINES[kind](layout, shape or Shape(), seed=seed).to(find_device(device))
