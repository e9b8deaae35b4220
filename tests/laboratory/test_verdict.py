"""Verdicts against known results: corrected p values, effects by hand, worlds without any effect, and each word a verdict has."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ecosim.analysis.comparison import holm
from ecosim.laboratory.proposition import Experiment, Proposition, Reading
from ecosim.laboratory.verdict import (
    BY_CONSTRUCTION,
    CONTRARY,
    NOT_SHOWN,
    OUT_OF_SCOPE,
    SHOWN,
    Finding,
    Numbers,
    effect_of,
    judged,
    measured,
)

EXPERIMENT = Experiment("classroom", Reading("last", "ties"), "higher", {}, ({},), 0.0, {}, "effect", 0.2)
PROPOSITION = Proposition("P1", "section", "More.", "S001 1", "ties", "experiment", "It says so.", EXPERIMENT)
CONTROLLED = replace(PROPOSITION, experiment=replace(EXPERIMENT, control={"rules.trust": False}))
LUCK = np.random.default_rng(5).normal(size=(4, 40))


def _verdict(proposition: Proposition, **readings: Numbers) -> Finding:
    named = {name.replace("_", " "): values for name, values in readings.items()}
    return judged([measured(proposition, named)])[0]


def test_holm_by_hand() -> None:
    """Protects the correction: 0.01, 0.04, 0.03 become 3 times, then twice, then once, never falling (Holm 1979)."""
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.5, 0.9])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).size == 0


def test_effect_by_hand() -> None:
    """Protects the interval: 1, 2, 3 have mean 2, and t of 2 degrees of freedom is 4.3027; twice the spread is d = 1."""
    effect = effect_of(np.array([1.0, 2.0, 3.0]), 2.0)
    assert effect.mean == 2.0
    assert effect.high - 2.0 == pytest.approx(4.302652730 / math.sqrt(3.0))
    assert effect.standardised == 1.0
    assert effect.half == pytest.approx(4.302652730 / math.sqrt(3.0) / 2.0)


def test_no_difference_at_all_is_no_effect() -> None:
    """Protects against dividing nothing by nothing: equal readings have p = 1 and d = 0."""
    finding = _verdict(PROPOSITION, treatment=np.ones(9), baseline_1=np.ones(9))
    assert finding.effect is not None
    assert (finding.effect.chance, finding.effect.standardised) == (1.0, 0.0)
    assert (finding.verdict, finding.reason) == (NOT_SHOWN, "no effect: the readings are the same")


def test_each_verdict() -> None:
    """Protects the words: the claimed side, the other side, and too small to speak of."""
    assert _verdict(PROPOSITION, treatment=LUCK[0] + 2.0, baseline_1=LUCK[1]).verdict == SHOWN
    assert _verdict(PROPOSITION, treatment=LUCK[0] - 2.0, baseline_1=LUCK[1]).verdict == CONTRARY
    small = _verdict(PROPOSITION, treatment=LUCK[0] + 0.1, baseline_1=LUCK[0] + 1e-3 * LUCK[1])
    assert (small.verdict, "smallest effect" in small.reason) == (NOT_SHOWN, True)


def test_what_the_control_has_as_well_is_not_shown() -> None:
    """Protects the role of the control: the same effect without the mechanism is no evidence for the mechanism."""
    worlds = {"treatment": LUCK[0] + 3.0, "baseline_1": LUCK[1]}
    same = _verdict(CONTROLLED, **worlds, treatment_under_control=LUCK[2] + 3.0, baseline_1_under_control=LUCK[3])
    assert (same.verdict, same.reason) == (NOT_SHOWN, "the control has it as well")
    none = _verdict(CONTROLLED, **worlds, treatment_under_control=LUCK[2], baseline_1_under_control=LUCK[3])
    assert none.verdict == SHOWN


def test_interaction_judges_the_difference() -> None:
    """Protects moderation: with the same effect on both sides nothing is moderated, however large it is."""
    asked = replace(EXPERIMENT, control={"rules.trust": False}, asks="interaction")
    moderated = replace(PROPOSITION, experiment=asked)
    worlds = {"treatment": LUCK[0] + 9.0, "baseline_1": LUCK[1], "baseline_1_under_control": LUCK[3]}
    assert _verdict(moderated, **worlds, treatment_under_control=LUCK[2] + 9.0).verdict == NOT_SHOWN
    assert _verdict(moderated, **worlds, treatment_under_control=LUCK[2] + 2.0).verdict == SHOWN


def test_all_baselines_have_to_show_it() -> None:
    """Protects claims in parts: one part without effect is enough against them."""
    parts = replace(PROPOSITION, experiment=replace(EXPERIMENT, baselines=({}, {})))
    worlds = {"treatment": LUCK[0] + 4.0, "baseline_1": LUCK[1]}
    assert _verdict(parts, **worlds, baseline_2=LUCK[2] + 4.0).verdict == NOT_SHOWN
    assert _verdict(parts, **worlds, baseline_2=LUCK[2]).verdict == SHOWN


def test_equal_differences_are_no_surer_than_tosses_of_a_coin() -> None:
    """Protects readings of yes and no: eight times yes has p = 2^-7 by the sign test, where Student's t would say 0."""
    assert effect_of(np.full(8, 0.5), 0.0).chance == 2.0**-7


@pytest.mark.parametrize("asks", ["effect", "interaction"])
def test_differences_are_those_of_the_effect(asks: str) -> None:
    """Protects pictures of the seeds: their mean is the effect that is told, against the weakest of several baselines."""
    asked = replace(
        PROPOSITION, experiment=replace(EXPERIMENT, control={"rules.trust": False}, baselines=({}, {}), asks=asks)
    )
    worlds = {f"{name}{suffix}": LUCK[(2 * place + len(suffix)) % 4] + place for place, name in
              enumerate(("treatment", "baseline 1", "baseline 2")) for suffix in ("", " under control")}  # fmt: skip
    finding = measured(asked, worlds)
    assert finding.effect is not None
    assert np.mean(finding.differences) == pytest.approx(finding.effect.mean)
    assert len(finding.differences) == finding.seeds


def test_standing_is_kept() -> None:
    """Protects honesty: what is built in stays so however clear its consequence, and what was not run has its reason."""
    built = replace(PROPOSITION, standing="by construction")
    finding = _verdict(built, treatment=LUCK[0] + 2.0, baseline_1=LUCK[1])
    assert (finding.verdict, "consequence: shown" in finding.reason) == (BY_CONSTRUCTION, True)
    outside = replace(PROPOSITION, standing="out of scope", experiment=None)
    assert judged([Finding(outside)])[0].verdict == OUT_OF_SCOPE
    assert judged([Finding(outside)])[0].reason == "It says so."


def test_null_worlds_give_no_more_false_verdicts_than_the_level() -> None:
    """Protects the level over all experiments together: among 400 laboratories of 20 claims without any effect, about 5 % err.

    A binomial of 400 at 0.05 exceeds 33 with probability 0.002.
    """
    luck = np.random.default_rng(11)
    wrong = 0
    for _ in range(400):
        findings = [
            measured(PROPOSITION, {"treatment": luck.normal(size=12), "baseline 1": luck.normal(size=12)})
            for _ in range(20)
        ]
        wrong += any(finding.verdict in (SHOWN, CONTRARY) for finding in judged(findings))
    assert wrong <= 33
