"""What a study's factors, levels, outcomes and numbers are called on its page, in either language."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property

from ecosim.analysis.labels import factor_labels, outcome_labels
from ecosim.outcome_table import OUTCOMES
from ecosim.studies.study import Study
from ecosim.studies.study_parts import SCENARIO, Wanted
from parts.texts import CHINESE, ENGLISH, name, text, word

_HAN = re.compile("[\u4e00-\u9fff]")
_OUTCOMES = {outcome.name for outcome in OUTCOMES}


@dataclass(frozen=True, eq=False)
class Wording:
    """How a study is told in a language.

    Attributes
    ----------
    study : whose names they are.
    language : a key of `LANGUAGES`.
    """

    study: Study
    language: str = ENGLISH

    @cached_property
    def factors(self) -> dict[str, str]:
        """What each factor is called: as its study calls it, or in Chinese as the dashboard calls its parameter."""
        if self.language != CHINESE:
            return factor_labels(self.study)
        chinese = {
            factor.name: text("live.scenario", CHINESE) if factor.path == SCENARIO else name(factor.path, CHINESE)
            for factor in self.study.varied
        }
        labels = {}
        for own, label in chinese.items():
            twice = list(chinese.values()).count(label) > 1
            labels[own] = own if _HAN.search(own) or not _HAN.search(label) else f"{label}（{own}）" if twice else label
        return labels

    @cached_property
    def outcomes(self) -> dict[str, str]:
        """What each outcome is called, on one line: its name, how quarters are summarised, its unit."""
        if self.language != CHINESE:
            return {key: label.replace("\n", ", ") for key, label in outcome_labels(self.study).items()}
        return {wanted.name: self._in_chinese(wanted) for wanted in self.study.outcomes}

    def short(self, outcome: str) -> str:
        """Return the name of an outcome alone."""
        return re.split("[,，]", self.outcomes[outcome])[0]

    def measure(self, measure: str) -> str:
        """Return what a measure is called."""
        group, _, own = measure.partition(".")
        if measure in _OUTCOMES:
            return name(measure, self.language)
        if group == "share":
            return text("study.share_of", self.language, who=word(own, self.language))
        if group == "value":
            return text("study.value_of", self.language, who=word(own, self.language))
        return word(own, self.language) if own else text("study.stage", self.language)

    def level(self, label: str) -> str:
        """Return a level, or the bin of a range, as it is shown."""
        if self.language == CHINESE and label in ("true", "false"):
            return text("study.true", CHINESE) if label == "true" else text("study.false", CHINESE)
        if self.language == CHINESE and " to " in label:
            return label.replace(" to ", " 至 ")
        spoken = word(label, self.language)
        return label if spoken == label.replace("_", " ") else spoken

    def policy(self, level: str) -> str:
        """Return a policy, which is said by its levers and their values."""
        for own in sorted(self.factors, key=len, reverse=True):
            level = level.replace(f"{own} ", f"{self.factors[own]} ")
        return level

    def at(self, levels: dict[str, str]) -> str:
        """Return levels by factor in words."""
        pairs = (f"{self.factors.get(key, key)}: {self.level(label)}" for key, label in levels.items())
        return text("compare.comma", self.language).join(pairs)

    def in_percent(self, outcome: str) -> bool:
        """Tell whether an outcome is a part of something, which is told in percent."""
        wanted = next(each for each in self.study.outcomes if each.name == outcome)
        part = wanted.measure.startswith("share.") or (wanted.measure.startswith("stage.") and wanted.summary == "mean")
        return part and wanted.summary != "sum"

    def number(self, outcome: str, value: float, difference: bool = False) -> str:
        """Return a value of an outcome in three digits; of a part in percent, and of a difference in points of it."""
        if value is None or math.isnan(value):
            return "–"
        if self.in_percent(outcome):
            return signed(100.0 * value) if difference else f"{plain(100.0 * value)}\u00a0%"
        return signed(value) if difference else plain(value)

    def interval(self, outcome: str, low: float, high: float, difference: bool = False) -> str:
        """Return the ends of an interval."""
        if math.isnan(low):
            return "–"
        ends = [self.number(outcome, end, difference) for end in (low, high)]
        return text("study.from_to", self.language, low=ends[0], high=ends[1])

    def _in_chinese(self, wanted: Wanted) -> str:
        span = "" if wanted.quarters is None else text("study.last_quarters", CHINESE, quarters=wanted.quarters)
        summary = text(f"study.summary_{wanted.summary}", CHINESE)
        label = self.measure(wanted.measure)
        label = wanted.name if not _HAN.search(label) else label
        return f"{label}，{span}{summary}"


def plain(value: float) -> str:
    """Return a number in three digits, whole ones above a thousand."""
    text_of = f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:.3g}"
    return text_of.replace("-", "\u2212") if "e" not in text_of else text_of


def signed(value: float) -> str:
    """Return a number with its sign."""
    return plain(value) if value <= 0.0 else f"+{plain(value)}"
