"""Oppositions: what speaks against a pair of names, whatever they have in common.

Two names contradict each other where each says another member of one group (inlet and outlet, phase A and phase B,
minimum and average, bearing 1 and bearing 2), where one alone says what makes another sensor of it (a set-point, a
difference), and where each names a thing that the other does not. It promises that a pair against which something
speaks is never called certain, and that one with nothing in common but the quantity is left alone. It weighs; what is
alike is found by the scorer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.mapping.features import STATE_WORDS, Variant
from services.mapping.lexicon import Lexicon

Matches = Sequence[tuple[float, int, int]]  # likeness, place of the column's word, place of the sensor's word

CONFLICT = 0.45  # each contradiction (inlet against outlet) leaves this much of a score
COUNTS_ANOTHER_THING = 0.97  # the same number behind another word: enough to break a tie
_DIFFERENT_THINGS = 0.5  # what is left of a pair that shares nothing but the quantity
_UNKNOWN_THINGS = 0.62  # the same where the column's word is not known, so that it may be another word for the thing
_OTHER_QUANTITY = 0.6  # what is left where a thing is common and the quantities differ
_BESIDE_A_COMMON_THING = 0.85  # what is left where a thing is common and each side says more that differs
_NEARLY_THE_SAME = 0.7  # from this likeness on a word stands for a qualifier that the other side says
_ELECTRICAL = frozenset({"current", "voltage", "power", "frequency", "energy", "power_factor"})
_DRIVEN_WITH = _ELECTRICAL | {"torque", "rotation", "speed"}
_DRIVEN = frozenset({"pump", "fan", "compressor"})
_PUTS_OUT = frozenset({"motor", "engine", "generator", "converter"})


def conflicts(left: Variant, right: Variant, is_state: bool, lexicon: Lexicon) -> int:
    """Returns how many contradictions there are between a column's and a sensor's reading."""
    count = sum(1 for n, mine in left.groups.items() if n in right.groups and not mine & right.groups[n])
    if count and driven_and_drive(left, right):
        count -= 1
    count += len(missing(left, right, lexicon.related))
    count += bool(left.concepts & STATE_WORDS) and not is_state
    count += bool(left.numbers and "total" in right.said - left.said and not right.numbers)  # one of several
    return count + bool(left.numbers and right.numbers and not left.numbers & right.numbers)


def missing(left: Variant, right: Variant, related: Mapping[tuple[str, str], float]) -> set[str]:
    """Returns the qualifiers that one side alone says, not even by nearly the same word (peak, maximum)."""
    alone = (left.one_sided ^ right.one_sided) - (left.concepts & right.concepts)
    return {
        concept
        for concept in alone
        if not any(
            related.get((concept, other), 0.0) >= _NEARLY_THE_SAME
            for other in (right.said if concept in left.concepts else left.said)
        )
    }


def apart(left: Variant, right: Variant, matches: Matches, enough: frozenset[str] = frozenset()) -> float:
    """Returns the factor (1: nothing) for what each side names and the other does not: the temperature of the oil and
    that of the room have nothing in common but the quantity; the oil of the engine and that of the gearbox have more.

    A word that is not known may be another word for the thing, which is likelier for quantities of which the profile
    has `enough`: as many sensors as the file has columns. Of others some column surely has no counterpart.
    """
    if right.telling <= {match[2] for match in matches} or driven_and_drive(left, right):
        return 1.0
    ours = left.telling - {match[1] for match in matches}
    common = any(i in left.telling or j in right.telling for _, i, j in matches)
    if not ours:  # one of several (joint 4) against one thing (the controller)
        return _UNKNOWN_THINGS if left.numbers and not right.numbers and not common else 1.0
    if common:
        return _BESIDE_A_COMMON_THING
    if any(left.words[i].known for i in ours):
        return _DIFFERENT_THINGS
    return _BESIDE_A_COMMON_THING if left.quantities & right.quantities & enough else _UNKNOWN_THINGS


def other_quantity(left: Variant, right: Variant, matches: Matches, lexicon: Lexicon) -> float:
    """Returns the factor (1: nothing) for another quantity of the same thing: a spindle's vibration and its load."""
    if any(right.words[j].concept in lexicon.dimensions for _, _, j in matches):
        return 1.0
    ours = {word.concept for i, word in enumerate(left.words) if all(i != match[1] for match in matches)}
    theirs = {word.concept for j, word in enumerate(right.words) if all(j != match[2] for match in matches)}
    quantities = lexicon.dimensions.keys() - {"ratio", "state"}
    return _OTHER_QUANTITY if ours & quantities and theirs & quantities else 1.0


def driven_and_drive(left: Variant, right: Variant) -> bool:
    """Returns whether one side names a machine and the other its motor, for a quantity that is the motor's: the current
    of a pump is that of its motor, and so is what a converter or a generator puts out; a drive's speed is its
    motor's."""
    quantities = left.quantities | right.quantities
    only_one = left.said ^ right.said
    if quantities and quantities <= _DRIVEN_WITH and "outlet" in only_one and only_one & _PUTS_OUT:
        return True
    if quantities and quantities <= _DRIVEN_WITH and only_one >= {"motor", "converter"}:
        return True
    sides = (left.said & (_DRIVEN | {"motor"}), right.said & (_DRIVEN | {"motor"}))
    drives = [side == {"motor"} for side in sides]
    return bool(quantities) and quantities <= _ELECTRICAL and sum(drives) == 1 and all(len(side) == 1 for side in sides)


def against(left: Variant, right: Variant, is_state: bool, matches: Matches, lexicon: Lexicon) -> list[str]:
    """Returns in words what speaks against the pair; each begins with "but"."""
    reasons = []
    factor = apart(left, right, matches)
    if factor == _DIFFERENT_THINGS:
        reasons.append("but each names another thing")
    elif factor == _UNKNOWN_THINGS:
        one_of_several = not left.telling - {match[1] for match in matches}
        reasons.append("but it is one of several" if one_of_several else "each names a thing that the other does not")
    for n, mine in left.groups.items():
        if n in right.groups and not mine & right.groups[n]:
            reasons.append(f"but {shown(mine)} against {shown(right.groups[n])}")
    for concept in sorted(missing(left, right, lexicon.related)):
        side = "the column" if concept in left.concepts else "the sensor"
        reasons.append(f"but only {side} says {shown({concept})}")
    if left.concepts & STATE_WORDS and not is_state:
        reasons.append(f"but the column is a {shown(left.concepts & STATE_WORDS)}, the sensor a measurement")
    if left.numbers and right.numbers and not left.numbers & right.numbers:
        reasons.append(f"but {shown(left.numbers)} against {shown(right.numbers)}")
    return reasons


def shown(concepts: set[str] | frozenset[str]) -> str:
    """Returns concepts as words."""
    return "/".join(sorted(concept.replace("_", " ").replace("#", "number ") for concept in concepts))
