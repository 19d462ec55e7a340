"""Gates: is a refined model good enough, with three honest outcomes.

A gate on a distance acts on the *excess* over the control (real training rows against the same test rows), because a
hold-out that is small, or unlike training, gives even real rows a distance. Every excess has a 95 % interval from the
paired bootstrap. Outcomes: `pass` when the interval lies inside the limit, `fail` when it lies outside, `undecided`
when the limit lies within the interval, when the control alone exceeds the limit, or when there are fewer than 100 test
rows; `skipped` when a gate does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binom

from services.compare.limits import Limits
from services.compare.metrics.registry import metric
from services.compare.metrics.samples import Measured, interval

Outcome = Literal["pass", "fail", "undecided", "skipped"]
Measurements = Mapping[str, Measured]

MIN_DECIDABLE_ROWS = 100
_SIGNIFICANT = 0.01
# What the gates are decided on: measured first, so that they are known early.
DECISIVE = frozenset(
    (
        "kl_divergence",
        "correlation_error",
        "energy_distance",
        "dcr_share",
        "exact_copies",
        "limit_violations",
        "leakage",
    )
)


@dataclass(frozen=True)
class Gate:
    """One gate. `decided_on` is the number the outcome was decided on, with its interval, in `unit` ("%", or "" for
    distances and for shares, where 1 is all rows) as the limit; `direction` says where of the limit it should lie."""

    name: str
    title: str
    limit: float
    direction: Literal["<", "<=", ">"]
    outcome: Outcome
    explanation: str
    seed: float | None = None
    refined: float | None = None
    control: float | None = None
    decided_on: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""


def judge(
    refined: Measurements,
    control: Measurements,
    seed: Measurements | None,
    limits: Limits,
    *,
    n_test: int,
    n_refined: int,
) -> list[Gate]:
    """Returns all gates whose metric has been measured in every set given, those about quality first."""
    gates: dict[str, Callable[[], Gate]] = {
        "kl_divergence": lambda: _excess_gate("kl_divergence", limits.kl_divergence, refined, control, seed, n_test),
        "correlation_error": lambda: _excess_gate(
            "correlation_error", limits.correlation_error, refined, control, seed, n_test
        ),
        "energy_distance": lambda: _improvement_gate(limits.improvement_percent, refined, control, seed, n_test),
        "dcr_share": lambda: _memory_gate(limits.dcr_share, refined, control, seed),
        "exact_copies": lambda: _copies_gate(limits.exact_copies, refined, control, seed, n_test, n_refined),
        "limit_violations": lambda: _limits_gate(limits.limit_violations, refined, control, seed),
        "leakage": lambda: _leakage_gate(limits.leakage, refined, control, seed, n_test),
    }
    sets = [part for part in (refined, control, seed) if part is not None]
    return [gate() for name, gate in gates.items() if all(name in part for part in sets)]


def in_percent(value: float) -> str:
    """Returns percent for a sentence; what is not quite 100 never reads as 100."""
    digits = next((n for n in range(4) if round(value, n) != 100 or value >= 100), 4)
    return f"{value:z.{digits}f}"


def improvement(seed: Measured, refined: Measured) -> Measured:
    """Returns the improvement in percent, 100 * (1 - refined / seed), of a distance that is never negative."""
    if seed.value is None or refined.value is None or seed.value <= 0:
        return Measured(None)
    value = 100 * (1 - refined.value / seed.value)
    if len(seed.draws) != len(refined.draws):
        return Measured(value)
    draws = 100 * (1 - refined.draws / np.where(seed.draws > 0, seed.draws, np.nan))
    return Measured(value, draws)


def _excess_gate(
    name: str, limit: float, refined: Measurements, control: Measurements, seed: Measurements | None, n_test: int
) -> Gate:
    title = metric(name).title
    mine, best = refined[name], control[name]
    shared = {
        "name": name, "title": title, "limit": limit, "direction": "<", "refined": mine.value, "control": best.value,
        "seed": seed[name].value if seed else None,
    }  # fmt: skip
    if mine.value is None or best.value is None:
        return Gate(**shared, outcome="skipped", explanation=f"{title} cannot be measured on these columns.")  # type: ignore[arg-type]
    excess = mine.value - best.value
    low, high = interval(excess, mine.draws - best.draws) if len(mine.draws) == len(best.draws) else (excess, excess)
    low, high = (excess, excess) if low is None or high is None else (low, high)
    shared |= {"decided_on": excess, "low": low, "high": high}
    raw = f"{title} is {mine.value:.3f}, real training rows get {best.value:.3f}"
    more = f"excess {excess:z.3f} [{low:z.3f}, {high:z.3f}]"
    if best.value > limit and low <= max(limit, best.value):
        outcome, text = (
            "undecided",
            (f"{raw}: the control alone exceeds the limit {limit:g}, so this hold-out cannot decide it."),
        )
    elif n_test < MIN_DECIDABLE_ROWS:
        outcome, text = (
            "undecided",
            f"{raw}: {n_test} test rows are too few to decide; {MIN_DECIDABLE_ROWS} are needed.",
        )
    elif high <= limit:
        outcome, text = "pass", f"{raw}: {more} is within {limit:g}."
    elif low > limit:
        outcome, text = "fail", f"{raw}: {more} is above {limit:g}."
    else:
        outcome, text = "undecided", f"{raw}: {more} includes the limit {limit:g}; more test rows would decide it."
    return Gate(**shared, outcome=outcome, explanation=text)  # type: ignore[arg-type]


def _improvement_gate(
    limit: float, refined: Measurements, control: Measurements, seed: Measurements | None, n_test: int
) -> Gate:
    name, title = "improvement", "Improvement over the original"
    mine, best = refined["energy_distance"], control["energy_distance"]
    if seed is None:
        text = "There is no original model to improve on; the absolute gates decide."
        return Gate(name, title, limit, ">", "skipped", text, refined=mine.value, control=best.value, unit="%")
    theirs = seed["energy_distance"]
    gain = improvement(theirs, mine)
    low, high = gain.interval
    if gain.value is None or low is None or high is None:
        text = "The energy distance to the test rows cannot be measured on these columns."
        return Gate(name, title, limit, ">", "skipped", text, unit="%")
    raw = (
        f"the energy distance to real test rows changes from {theirs.value:.4f} to {mine.value:.4f}, "
        f"which is {in_percent(gain.value)} % [{in_percent(low)}, {in_percent(high)}] less"
    )
    outcome: Outcome
    if n_test < MIN_DECIDABLE_ROWS:
        outcome, text = "undecided", f"{raw}; {n_test} test rows are too few to decide."
    elif gain.value >= limit and low > 0:
        outcome, text = "pass", f"{raw}; at least {limit:g} % is asked for."
    elif high < limit:
        outcome, text = "fail", f"{raw}; at least {limit:g} % is asked for."
    else:
        outcome, text = "undecided", f"{raw}; the interval does not settle whether it is {limit:g} %."
    text = text[0].upper() + text[1:]
    return Gate(
        name, title, limit, ">", outcome, text, theirs.value, mine.value, best.value, gain.value, low, high, "%"
    )


def _memory_gate(limit: float, refined: Measurements, control: Measurements, seed: Measurements | None) -> Gate:
    name, title = "dcr_share", metric("dcr_share").title
    mine, unseen = refined[name], control[name].value
    theirs = seed[name].value if seed else None
    low, high = mine.interval
    if mine.value is None or low is None or high is None:
        return Gate(name, title, limit, "<", "skipped", "There are too few rows to measure memorisation.")
    # A hold-out that is unlike training makes every row nearer to training, also rows that nothing has memorised.
    shift = max(0.0, (unseen or 0.5) - 0.5)
    value, low, high = mine.value - shift, low - shift, high - shift
    if mine.details.get("by_run"):
        raw = (
            f"In {100 * mine.value:.1f} % of pairs a synthetic row is nearer to training than a training row is to "
            "other times of training"
        )
        fresh = "rows of held-out runs"
    else:
        raw, fresh = (
            f"{100 * mine.value:.1f} % of the synthetic rows are nearer to training than to held-out rows",
            ("unseen real rows"),
        )
    if unseen is not None and shift <= 0.01:
        raw += f" ({fresh}: {100 * unseen:.1f} %)"
    elif unseen is not None:
        raw += f", of {fresh} {100 * unseen:.1f} %, so {100 * value:.1f} % count"
    raw += f" [{100 * low:.1f}, {100 * high:.1f}]"
    outcome: Outcome
    neighbours = mine.details.get("nearer_than_neighbours")
    if value <= limit:
        outcome, text = "pass", f"{raw}; half would be by chance, up to {100 * limit:g} % is accepted."
    elif low <= limit:
        outcome, text = "undecided", f"{raw}; the interval includes {100 * limit:g} %."
    elif neighbours is not None and neighbours <= limit:
        # Time blocks of a slow machine are regimes of their own: near to the training blocks is no copy yet.
        outcome, text = (
            "undecided",
            (
                f"{raw}, more than {100 * limit:g} %, but only {100 * neighbours:.1f} % are nearer to a training row "
                "than its own neighbour in training is: no copies, rather a hold-out from other times."
            ),
        )
    else:
        outcome, text = "fail", f"{raw}; more than {100 * limit:g} % means that the model repeats rows it has seen."
    return Gate(name, title, limit, "<", outcome, text, theirs, mine.value, unseen, value, low, high)


def _copies_gate(
    limit: float, refined: Measurements, control: Measurements, seed: Measurements | None, n_test: int, n_refined: int
) -> Gate:
    name, title = "exact_copies", "Exact copies of training rows"
    # Copies count beyond what real rows repeat by chance, so that none at all is "at most 0", as no share is below 0.
    mine, unseen = refined[name], control[name]
    theirs = seed[name].value if seed else None
    if mine.value is None:
        return Gate(name, title, limit, "<=", "skipped", "Copies cannot be counted.")
    chance = unseen.value or 0.0
    low, high = mine.interval
    # Real rows that no model has seen repeat training rows too, where resolution is low; 3 standard errors on top.
    allowed = limit + chance + 3 * float(np.sqrt(chance * (1 - chance) * (1 / n_test + 1 / n_refined)))
    count = f"{mine.details.get('rows') or 0:.0f} synthetic rows ({100 * mine.value:.2f} %) equal a training row"
    outcome: Outcome = "pass" if mine.value <= allowed else "fail"
    text = f"{count}; of {n_test:,} real test rows {100 * chance:.2f} % do."
    copied, repeated = round((mine.value - limit) * n_refined), round(chance * n_test)
    if outcome == "fail" and _as_by_chance(copied, n_refined, repeated, n_test):
        outcome, text = "undecided", f"{text} That can be chance: hold out more real rows to tell."
    decided = max(0.0, mine.value - chance)
    if low is not None and high is not None:
        low, high = max(0.0, low - chance), max(0.0, high - chance)
    return Gate(name, title, limit, "<=", outcome, text, theirs, mine.value, chance, decided, low, high)


def _as_by_chance(count: int, rows: int, other_count: int, other_rows: int) -> bool:
    """Returns whether `count` of `rows` may be no larger a share than `other_count` of `other_rows`: the exact test of
    two Poisson rates given their sum (Przyborowski and Wilenski 1940), at 1 %."""
    return bool(binom.sf(count - 1, count + other_count, rows / (rows + other_rows)) >= _SIGNIFICANT)


def _limits_gate(limit: float, refined: Measurements, control: Measurements, seed: Measurements | None) -> Gate:
    name, title = "limit_violations", "Outside physical limits"
    mine, best = refined[name], control[name]
    theirs = seed[name].value if seed else None
    if mine.value is None:
        return Gate(name, title, limit, "<", "skipped", "The profile gives no physical limits.")
    low, high = mine.interval
    excess = mine.value - (best.value or 0.0)
    outcome: Outcome = "pass" if excess <= limit else "fail"
    text = (
        f"{100 * mine.value:.2f} % of the synthetic rows leave the profile's limits; of real training rows "
        f"{100 * (best.value or 0.0):.2f} % do."
    )
    return Gate(name, title, limit, "<", outcome, text, theirs, mine.value, best.value, excess, low, high)


def _leakage_gate(
    limit: float, refined: Measurements, control: Measurements, seed: Measurements | None, n_test: int
) -> Gate:
    name, title = "leakage", metric("leakage").title
    mine, train = refined[name].value, control[name].value
    theirs = seed[name].value if seed else None
    if mine is None or train is None:
        return Gate(name, title, limit, "<", "skipped", "There are too few rows to look for held-out ones.")
    chance = control[name].details.get("by_chance") or 0.0
    # Rows that the original alone has seen flatter the original, not the model that is to be trusted.
    decided = max(0.0, max(mine, train) - chance)
    low, high = refined[name].interval if mine > train else control[name].interval
    if low is not None and high is not None:
        low, high = max(0.0, low - chance), max(0.0, high - chance)
    allowed = limit + 3 * float(np.sqrt(chance * (1 - chance) / n_test))
    outcome: Outcome = "pass" if decided <= allowed else "fail"
    text = (
        f"{100 * train:.2f} % of the held-out rows stand among the training rows and {100 * mine:.2f} % among the "
        f"synthetic ones; rows that repeat by chance: {100 * chance:.2f} %."
    )
    if theirs is not None and theirs > max(limit, chance):
        text += f" The original's rows hold {100 * theirs:.2f} % of them, which flatters the original."
    return Gate(name, title, limit, "<", outcome, text, theirs, mine, train, decided, low, high)
