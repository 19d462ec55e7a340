"""Suggesting a mapping: a role and a sensor for every column, how sure, why, and what its numbers become.

It promises one answer per column, no sensor twice, an honest "none" with its reason, and a warning when the file does
not look like the machine at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.chassis.errors import SensorForgeError
from services.machines.profile import MachineProfile, Sensor
from services.machines.units import convert, parse_unit, refusal, unit_readings
from services.mapping import errors as errors
from services.mapping.apply import named_otherwise
from services.mapping.assignment import ABSTAIN, AUTO_SCORE, Choice, Tier, assign
from services.mapping.by_values import ranked_by_values
from services.mapping.certainty import CANDIDATE, CERTAIN, PROPOSED, Judge
from services.mapping.columns import ColumnInfo
from services.mapping.features import Features
from services.mapping.lexicon import Lexicon
from services.mapping.lexicon_files import default_lexicon
from services.mapping.names import is_difference, quantity_against_unit
from services.mapping.roles import RoleGuess, guess_role
from services.mapping.scoring import Scores, score
from services.mapping.timeaxis import TIME_OF_DAY
from services.mapping.values import TYPICAL_UNITS

# Below this share of well matched columns the file is probably of another machine. Foreign profiles measured up to .4.
_POOR_FIT = 0.36
_GOOD = 0.55  # the least score of a certain pair
_BEYOND_DOUBT = 0.95  # the same words on both sides, whatever the rest of the file
_TOO_LITTLE = 0.03  # sensors nearer than this are all meant by a name that says only what is measured
_ROLE_OVERRULED_AT = 0.85  # a name match this good makes a sensor of what looked like a label or an index


@dataclass(frozen=True)
class Suggestion:
    """The proposal for one column. `confidence` and the alternatives' scores are 0 to 1."""

    column: str
    role: str
    tier: Tier
    sensor: str = ""
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    alternatives: tuple[tuple[str, float], ...] = ()
    source_unit: str = ""
    target_unit: str = ""
    unit_basis: str = ""
    unit_example: str = ""
    abstain_reason: str = ""


@dataclass(frozen=True)
class Proposal:
    """The proposals in column order, sensors without a column, how much the file looks like the machine, warnings."""

    suggestions: tuple[Suggestion, ...]
    unmapped_sensors: tuple[str, ...]
    profile_fit: float
    warnings: tuple[str, ...] = field(default_factory=tuple)


def suggest(columns: Sequence[ColumnInfo], profile: MachineProfile, lexicon: Lexicon | None = None) -> Proposal:
    """Returns the proposal for a file's columns. Raises PROFILE_HAS_NO_COLUMNS when there is nothing to map onto."""
    lexicon = lexicon or default_lexicon()
    sensors = profile.columns
    if not sensors:
        raise SensorForgeError(
            "PROFILE_HAS_NO_COLUMNS", f"The profile of {profile.machine_id!r} has no sensor that is a table column."
        )
    guesses = [guess_role(column, lexicon) for column in columns]
    scores = score(columns, sensors, lexicon)
    measured = np.array([guess.is_measured for guess in guesses], dtype=bool)
    for i, guess in enumerate(guesses):
        if not measured[i]:
            scores.values[i] *= np.where(scores.values[i] >= _ROLE_OVERRULED_AT, 1.0, 0.15)
            if guess.role == "timestamp" and guess.confidence >= 0.95:
                scores.values[i] = 0.0
    judge = Judge(scores, lexicon)
    assigned = assign(scores.values, abstain=CANDIDATE)
    chosen = {i: choice.sensor for i, choice in enumerate(assigned) if choice.sensor is not None}
    choices = [_judged(i, choice, judge, scores, chosen) for i, choice in enumerate(assigned)]
    suggestions = tuple(
        _suggestion(i, column, guess, choice, scores, sensors, lexicon)
        for i, (column, guess, choice) in enumerate(zip(columns, guesses, choices, strict=True))
    )
    suggestions = _one_of_each_role(suggestions, columns)
    taken = {suggestion.sensor for suggestion in suggestions}
    unmapped = tuple(sensor.name for sensor in sensors if sensor.name not in taken)
    flags = {column.name for column in columns if column.two_valued or column.constant}
    fit = _profile_fit([s for s in suggestions if s.sensor or s.column not in flags], len(sensors))
    if fit < _POOR_FIT:
        suggestions = tuple(_doubted(suggestion) for suggestion in suggestions)
    return Proposal(suggestions, unmapped, round(fit, 3), tuple(_warnings(suggestions, profile, unmapped, fit)))


def _suggestion(
    i: int,
    column: ColumnInfo,
    guess: RoleGuess,
    choice: Choice,
    scores: Scores,
    sensors: Sequence[Sensor],
    lexicon: Lexicon,
) -> Suggestion:
    order = np.argsort(-scores.values[i], kind="stable")
    ranked = [(sensors[j].name, round(float(scores.values[i, j]), 3)) for j in order[:4] if scores.values[i, j] >= 0.15]
    parsed = scores.columns[i].parsed
    written = column.unit or parsed.unit_text
    if choice.sensor is None:
        silent = guess.is_measured and not ranked
        by_values = ranked_by_values(column, scores.columns[i], sensors, scores.sensors) if silent else []
        reason = guess.evidence if not guess.is_measured else _why_none(choice, ranked)
        if refused := _named_but_refused(scores.columns[i], scores.sensors, sensors):
            reason = refused
        role = guess.role
        if role == "setpoint":
            role = "auxiliary"
        tier: Tier = "auto" if not guess.is_measured and guess.confidence >= 0.85 else "none"
        return Suggestion(
            column.name,
            role,
            tier,
            confidence=round(guess.confidence if not guess.is_measured else choice.score, 3),
            reasons=(guess.evidence,) if not guess.is_measured else (),
            alternatives=tuple(ranked[:3] or by_values),
            source_unit=written,
            unit_basis="declared" if written else "unknown",
            abstain_reason="" if not guess.is_measured else reason + _could_be(by_values),
        )
    sensor = sensors[choice.sensor]
    reasons = list(scores.reasons.get((i, choice.sensor), ()))
    source, basis, example, trouble = _unit_plan(column, sensor, written, scores, i, choice.sensor)
    tier = choice.tier
    if trouble:
        reasons.append(trouble)
        tier = "review"
    inside = scores.inside.get((i, choice.sensor))
    if inside is not None and inside < 0.5:
        tier = "review"
    if word := quantity_against_unit(parsed, lexicon):
        reasons.append(f"its name says {word}, which its unit {written} does not measure")
        tier = "review"
    role = "state" if sensor.role == "state" else "setpoint" if sensor.role == "setpoint" else "sensor"
    if tier == "review" and choice.tier == "review" and choice.margin < 0.05:
        reasons.append("another pairing is nearly as good")
    return Suggestion(
        column.name,
        role,
        tier,
        sensor.name,
        round(choice.score, 3),
        tuple(reasons),
        tuple(entry for entry in ranked if entry[0] != sensor.name)[:3],
        source,
        sensor.unit,
        basis,
        example,
    )


def _judged(i: int, choice: Choice, judge: Judge, scores: Scores, chosen: Mapping[int, int]) -> Choice:
    """Returns the choice with its tier by how often such a pair is right, or no choice where that is too seldom."""
    if choice.sensor is None:
        return choice
    right = judge.share_right(i, choice.sensor)
    if right < PROPOSED or judge.is_far_fetched(i, choice.sensor) or _says_too_little(i, choice, scores):
        return Choice(None, "none", choice.score, 0.0)
    clear = judge.is_clear(i, choice.sensor, chosen) and not judge.is_open(i, choice.sensor)
    return replace(choice, tier="auto" if right >= CERTAIN and clear and choice.score >= _GOOD else "review")


def _could_be(by_values: list[tuple[str, float]]) -> str:
    names = " or ".join(name for name, _ in by_values)
    return f"; by its values alone it could be {names}" if names else ""


def _says_too_little(i: int, choice: Choice, scores: Scores) -> bool:
    """Returns whether a column says only what is measured (TT-101), and several sensors measure that."""
    if choice.sensor is None or choice.score >= AUTO_SCORE:
        return False
    words = {word.concept for variant in scores.columns[i].variants for word in variant.words if word.concept[0] != "#"}
    quantities = {c for variant in scores.columns[i].variants for c in variant.quantities}
    near = int((scores.values[i] >= choice.score - _TOO_LITTLE).sum())
    return bool(quantities) and words <= quantities and near > 1


def _named_but_refused(column: Features, features: Sequence[Features], sensors: Sequence[Sensor]) -> str:
    """Returns that a sensor has the column's name and a unit to which the column's cannot be converted, or nothing."""
    for theirs, sensor in zip(features, sensors, strict=True):
        same = [token.text for token in column.parsed.tokens] == [token.text for token in theirs.parsed.tokens]
        if not same or column.unit is None or theirs.unit is None:
            continue
        if why := refusal(column.unit, theirs.unit, delta=is_difference(sensor)):
            return f"its name is that of {sensor.name}, but its unit is refused: {why}"
    return ""


def _why_none(choice: Choice, ranked: list[tuple[str, float]]) -> str:
    if not ranked:
        return "no sensor of the profile has a similar name, quantity or unit"
    name, value = ranked[0]
    if len(ranked) > 1 and value >= ABSTAIN and value - ranked[1][1] <= 0.01:
        return f"{name} and {ranked[1][0]} fit equally well"
    if value >= ABSTAIN:
        return f"{name} fits, but another column fits it better"
    return f"the nearest sensor is {name} at {value:.2f}, too little to propose it"


def _unit_plan(
    column: ColumnInfo, sensor: Sensor, written: str, scores: Scores, i: int, j: int
) -> tuple[str, str, str, str]:
    """Returns source unit, basis, an example, and what speaks against converting (empty: nothing)."""
    target = parse_unit(sensor.unit) or scores.sensors[j].unit
    source = scores.columns[i].unit
    if sensor.role == "state" or target is None:
        return written, "declared" if written else "unknown", "", ""
    if source is None:
        if written and (readings := unit_readings(written)):
            meanings = " or ".join(unit.symbol for unit in readings)
            return written, "unknown", "", f"its unit {written!r} can be {meanings}"
        if written:
            return written, "unknown", "", f"its unit {written!r} is not known"
        fitting = _units_by_value(column, sensor, scores, i, j)
        if len(fitting) == 1:
            return fitting[0], "inferred", _example(column, fitting[0], sensor), f"its values look like {fitting[0]}"
        if fitting:
            return "", "unknown", "", f"its values could be {' or '.join(fitting)}, but not {target.symbol}"
        return sensor.unit or target.symbol, "profile", "", ""
    why = refusal(source, target, delta=is_difference(sensor))
    if why:
        return written or source.symbol, "refused", "", f"its unit is refused: {why}"
    shown = written if parse_unit(written) is not None else source.symbol
    named = named_otherwise(column.name, column.unit) if column.unit else ""
    trouble = f"its unit is declared as {column.unit}, and its name says {named}" if named else ""
    return shown, "declared", _example(column, shown, sensor), trouble


def _units_by_value(column: ColumnInfo, sensor: Sensor, scores: Scores, i: int, j: int) -> list[str]:
    """Returns the other units in which the values fit the limits while in the sensor's own unit they do not."""
    target = scores.sensors[j].unit
    if target is None or len(column.quantiles) < 7 or sensor.min is None or sensor.max is None:
        return []
    slack = 0.25 * (sensor.max - sensor.min)
    low, high = sensor.min - slack, sensor.max + slack
    central = np.asarray(column.quantiles[2:7], dtype=np.float64)
    if np.mean((central >= low) & (central <= high)) > 0.2:
        return []
    fitting = []
    for symbol in TYPICAL_UNITS.get(target.dimension, ()):
        values = convert(central, symbol, target)
        if symbol != target.symbol and np.all((values >= low) & (values <= high)):
            fitting.append(symbol)
    return fitting


def _example(column: ColumnInfo, source: str, sensor: Sensor) -> str:
    target = sensor.unit
    unit = parse_unit(source)
    goal = parse_unit(target)
    if unit is None or goal is None or len(column.quantiles) < 5:
        return ""
    middle = column.quantiles[len(column.quantiles) // 2]
    return f"{middle:.5g} {source} -> {convert(middle, unit, goal, delta=is_difference(sensor)):.5g} {target}"


def _one_of_each_role(suggestions: tuple[Suggestion, ...], columns: Sequence[ColumnInfo]) -> tuple[Suggestion, ...]:
    """Keeps one RUL column and at most a date and a time; the others of that role are left for a person to choose."""
    result = list(suggestions)
    for role, most in (("rul", 1), ("timestamp", 2)):
        named = [i for i, suggestion in enumerate(result) if suggestion.role == role]
        named.sort(key=lambda i: -result[i].confidence)
        certain = [i for i in named if result[i].confidence >= 0.95]
        keep = named[:most] if role == "rul" or len(certain) != 1 else certain
        if role == "timestamp" and len(keep) == 2 and not _date_and_clock(*(columns[i] for i in keep)):
            keep = keep[:1]
        for i in named:
            if i in keep:
                continue
            old = result[i]
            result[i] = Suggestion(
                old.column,
                "auxiliary",
                "review",
                confidence=old.confidence,
                reasons=(*old.reasons, f"another column is the {role} already"),
                alternatives=old.alternatives,
                source_unit=old.source_unit,
                unit_basis=old.unit_basis,
                abstain_reason=f"another column is the {role} already",
            )
    return tuple(result)


def _date_and_clock(first: ColumnInfo, second: ColumnInfo) -> bool:
    """Returns whether one column has dates and the other times of day; columns without values are believed."""
    if not (first.samples and second.samples):
        return True
    clocks = [all(TIME_OF_DAY.fullmatch(sample) for sample in column.samples) for column in (first, second)]
    return sum(clocks) == 1


def _doubted(suggestion: Suggestion) -> Suggestion:
    """Returns the proposal for a person to look at: in a file of another machine a fair match is chance."""
    if not suggestion.sensor or suggestion.tier != "auto" or suggestion.confidence >= _BEYOND_DOUBT:
        return suggestion
    reasons = (*suggestion.reasons, "the file as a whole does not look like this machine")
    return replace(suggestion, tier="review", reasons=reasons)


def _profile_fit(suggestions: Sequence[Suggestion], sensors: int) -> float:
    """Returns the summed confidence of mapped columns over the number that could have been mapped."""
    measured = [s for s in suggestions if s.sensor or s.role in ("sensor", "state", "auxiliary")]
    possible = min(len(measured), sensors)
    return sum(s.confidence for s in measured if s.sensor) / possible if possible else 0.0


def _warnings(
    suggestions: Sequence[Suggestion], profile: MachineProfile, unmapped: tuple[str, ...], fit: float
) -> list[str]:
    found = []
    mapped = [suggestion for suggestion in suggestions if suggestion.sensor]
    if fit < _POOR_FIT:
        found.append(
            f"This file does not look like {profile.machine_id}: {len(mapped)} of {len(suggestions)} columns match a "
            f"sensor (fit {fit:.2f}). Check that it is the right machine before you confirm anything."
        )
    required = [sensor.name for sensor in profile.columns if sensor.required and sensor.name in unmapped]
    if required:
        found.append(f"Required sensors without a column: {', '.join(required)}.")
    refused = [suggestion.column for suggestion in mapped if suggestion.unit_basis == "refused"]
    if refused:
        found.append(f"Units that cannot be converted: {', '.join(refused)}.")
    if not any(suggestion.role == "timestamp" for suggestion in suggestions):
        found.append("No column looks like time: rows keep the order of the file.")
    return found
