"""The colours: a dark theme, a light one, and one of high contrast. Colour never says anything alone."""

from __future__ import annotations

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

_Colour = tuple[int, int, int]

DARK = Theme(
    name="dark",
    primary="#4c9be8",
    secondary="#2f6ca8",
    accent="#e8b04c",
    warning="#e8b04c",
    error="#e5697a",
    success="#67c587",
    foreground="#d8dde3",
    background="#14171c",
    surface="#191d23",
    panel="#232932",
    variables={
        "footer-key-foreground": "#e8b04c",
        "footer-description-foreground": "#aab3bf",
        "block-cursor-background": "#2a4d73",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#232b36",
    },
)
LIGHT = Theme(
    name="light",
    primary="#1f6fbf",
    secondary="#3d8bd9",
    accent="#9a5b00",
    warning="#9a5b00",
    error="#b3203a",
    success="#1d7a43",
    foreground="#1d232b",
    background="#f7f8fa",
    surface="#ffffff",
    panel="#e6eaef",
    dark=False,
    variables={
        "footer-key-foreground": "#1f6fbf",
        "block-cursor-background": "#cfe2f7",
        "block-cursor-foreground": "#10161d",
        "block-cursor-blurred-background": "#e6eaef",
    },
)
# Text at 7:1 or better on every ground (WCAG 2.2, criterion 1.4.6).
HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#ffff00",
    secondary="#00ffff",
    accent="#00ffff",
    warning="#ffff00",
    error="#ff9c9c",
    success="#7cff7c",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    text_alpha=1.0,
    variables={
        "text-muted": "#ffffff",
        "block-cursor-foreground": "#000000",
        "block-cursor-background": "#ffff00",
        "footer-key-foreground": "#ffff00",
        "footer-description-foreground": "#ffffff",
    },
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST)
TITLES = {"dark": "Dark", "light": "Light", "high-contrast": "High contrast"}


def _named(
    ground: _Colour, text: _Colour, red: _Colour, green: _Colour, yellow: _Colour, cyan: _Colour
) -> TerminalTheme:
    hues = [ground, red, green, yellow, cyan, red, cyan, text]
    return TerminalTheme(ground, text, hues, hues)


# What the words red, green, yellow and cyan mean in cells and in the step bar.
DARK_NAMES = _named((20, 23, 28), (216, 221, 227), (229, 105, 122), (103, 197, 135), (232, 176, 76), (86, 180, 233))
LIGHT_NAMES = _named((255, 255, 255), (29, 35, 43), (179, 32, 58), (29, 122, 67), (154, 91, 0), (0, 105, 148))
