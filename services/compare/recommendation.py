"""What to do with a refined model, from its gates alone, and the verdict in plain language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from services.compare.gates import Gate, in_percent

Advice = Literal["use_refined", "keep_original", "collect_more_data"]

_SAFETY = ("dcr_share", "exact_copies")


@dataclass(frozen=True)
class Recommendation:
    """Advice, a verdict of one or two sentences, and its reasons, one sentence each."""

    advice: Advice
    verdict: str
    reasons: tuple[str, ...]


def recommend(gates: Sequence[Gate], *, has_original: bool) -> Recommendation:
    """Returns the advice that the gates give.

    Where training has seen the hold-out, nothing is concluded. A model that repeats training rows is never recommended.
    Otherwise: use the refined model when no gate fails and
    either all absolute gates pass or it beats the original by the limit; keep the original when the refined one does
    not beat it; collect more data when the rows cannot decide, or when it is better but not good enough.
    """
    by_name = {gate.name: gate for gate in gates}
    failed = [gate for gate in gates if gate.outcome == "fail"]
    undecided = [gate for gate in gates if gate.outcome == "undecided"]
    better = by_name["improvement"]
    fallback: Advice = "keep_original" if has_original else "collect_more_data"
    otherwise = "Keep the original model" if has_original else "Collect more data before using this model"
    if any(gate.name == "leakage" for gate in failed):
        verdict = f"{otherwise}: the held-out rows were seen before, so no distance to them proves anything."
        return _because(fallback, verdict, failed)
    if any(gate.name in _SAFETY for gate in failed):
        return _because(fallback, f"{otherwise}: the refined model repeats rows that it was trained on.", failed)
    if has_original and better.outcome == "fail":
        return _because(
            "keep_original", "Keep the original model: refining did not improve it by what is asked for.", failed
        )
    if failed:
        names = " and ".join(gate.title for gate in failed)
        if better.outcome == "pass":
            verdict = f"Collect more data: the refined model beats the original, but it misses the limit for {names}."
            return _because("collect_more_data", verdict, failed)
        return _because(fallback, f"{otherwise}: the refined model misses the limit for {names}.", failed)
    if better.outcome == "pass":
        gain = in_percent(better.decided_on or 0.0)
        verdict = (
            f"Use the refined model: its distance from real rows is {gain} % below the original's, and no gate fails."
        )
        if undecided:
            verdict += f" {_names(undecided)} cannot be decided with this hold-out."
        return _because("use_refined", verdict, [better, *undecided])
    if by_name["kl_divergence"].outcome == "skipped":
        verdict = "Collect more data: no column varies, so nothing can be said about how real the rows are."
        return _because("collect_more_data", verdict, [by_name["kl_divergence"]])
    if undecided:
        verdict = f"Collect more data: this hold-out cannot decide {_names(undecided)}."
        return _because("collect_more_data", verdict, undecided)
    verdict = "Use the refined model: it passes every gate; there was no original to compare it with."
    return _because("use_refined", verdict, [gate for gate in gates if gate.outcome == "pass"])


def _because(advice: Advice, verdict: str, gates: Sequence[Gate]) -> Recommendation:
    return Recommendation(advice, verdict, tuple(gate.explanation for gate in gates))


def _names(gates: Sequence[Gate]) -> str:
    titles = [gate.title if i == 0 else gate.title[0].lower() + gate.title[1:] for i, gate in enumerate(gates)]
    return titles[0] if len(titles) == 1 else ", ".join(titles[:-1]) + " and " + titles[-1]
