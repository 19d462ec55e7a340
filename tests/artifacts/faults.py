"""A store whose answers get lost, deterministically: what a network does to a client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from services.artifacts.local import LocalStore
from services.artifacts.objects import ObjectExists, StoreUnavailable

Fate = Literal["fine", "lost", "landed"]


class FaultyStore(LocalStore):
    """A directory store where `fate` decides each create: done, lost on the way, or done with the answer lost."""

    def __init__(self, root: Path, fate: Callable[[str], Fate]) -> None:
        super().__init__(root)
        self.fate = fate

    def create(self, key: str, data: bytes) -> None:
        fate = self.fate(key)
        if fate == "lost":
            raise StoreUnavailable(f"the request for {key} was lost")
        try:
            super().create(key, data)
        except ObjectExists:
            if fate == "landed":
                raise StoreUnavailable(f"the answer for {key} was lost") from None
            raise
        if fate == "landed":
            raise StoreUnavailable(f"the answer for {key} was lost")
