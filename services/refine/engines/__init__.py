"""Generative engines in normal-score space. `create_engine` is the one place that knows their names."""

from __future__ import annotations

from services.refine.engines.base import Engine, Layout, Shape
from services.refine.engines.flow import FlowEngine
from services.refine.engines.tvae import TvaeEngine

ENGINES: dict[str, type[Engine]] = {engine.kind: engine for engine in (FlowEngine, TvaeEngine)}

__all__ = ["ENGINES", "Engine", "FlowEngine", "Layout", "Shape", "TvaeEngine", "create_engine"]


def create_engine(kind: str, layout: Layout, shape: Shape | None = None, *, seed: int = 0) -> Engine:
    """Returns a fresh engine with weights drawn from `seed`. Raises KeyError for an unknown kind."""
    return ENGINES[kind](layout, shape or Shape(), seed=seed)
