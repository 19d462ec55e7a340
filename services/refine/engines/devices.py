"""Where an engine computes: the processor, or a CUDA device that is really there. Nothing falls back in silence."""

from __future__ import annotations

import re

import torch

from services.chassis.errors import SensorForgeError
from services.refine import errors as errors
from services.refine.options import DEVICE


def find_device(name: str = "") -> torch.device:
    """Returns the device called "cpu" (or ""), "cuda" or "cuda:1".

    Raises TRAINING_OPTION_INVALID for any other name, and for a CUDA device that this machine lacks.
    """
    if not re.fullmatch(DEVICE, name):
        raise SensorForgeError(
            "TRAINING_OPTION_INVALID", f"Device {name!r} is unknown; there are cpu, cuda and cuda:N."
        )
    device = torch.device(name or "cpu")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= found:
        there = "no CUDA device" if not found else f"CUDA devices 0 to {found - 1} only"
        raise SensorForgeError(
            "TRAINING_OPTION_INVALID",
            f"Device {name!r} was asked for, but this machine has {there}.",
            remedy="Leave the device out to train on the processor, or run the worker where there is one.",
        )
    return device
