"""Events in sentences: what a row of events.parquet says, for people who read no tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from ecosim.scenario import Scenario

# `subject`, `object` and `detail` are those of the row.
SENTENCES: Mapping[str, str] = {
    "entry": "{subject} enters with a capital of {detail} million CNY.",
    "exit": "{subject} leaves and pays out {detail} million CNY to its owners.",
    "bankruptcy": "{subject} goes bankrupt with {detail} million CNY left.",
    "tie formed": "{subject} and {object} form a tie.",
    "tie upgraded": "The tie of {subject} and {object} moves up to {detail}.",
    "tie downgraded": "The tie of {subject} and {object} falls back to {detail}.",
    "tie broken": "The tie of {subject} and {object} ends after {detail} quarters.",
    "project finished": "{subject} and {object} finish a project that makes {detail} firm-years of knowledge for each.",
    "project failed": "A project of {subject} and {object} fails after {detail} failed tests.",
    "breakthrough": "{subject} masters {detail}.",
    "generation": "{subject} releases product generation {detail}.",
    "stage": "The ecosystem is read as {detail} from now on.",
    "shock": "A shock moves an index of the environment by {detail}.",
    "policy": "Parameters change: event {detail} of the scenario.",
    "reform started": "{subject} starts a reform.",
    "reform abandoned": "{subject} gives its reform up at a progress of {detail}.",
    "regime": "The sharing of {subject} is read as {detail} from now on.",
    "default": "{subject} does not pay back {detail} million CNY to {object}.",
    "unbounded growth": "A role grows without bound and is stopped.",
    "joint venture born": "{object} and a partner found {subject} with {detail} million CNY.",
    "joint venture sold": "{object} buys its partner's part of {subject}, after {detail} quarters.",
    "joint venture dissolved": "{object} and its partner dissolve {subject}, after {detail} quarters.",
    "interface changed": "{subject} and {object} go over to {detail}.",
    "platform founded": "{subject} founds a platform: {detail}.",
    "platform joined": "{subject} joins the {detail} of {object}.",
    "platform left": "{subject} leaves the {detail} of {object}.",
    "licence granted": "{subject} gets a licence for {detail} from {object}.",
    "licence refused": "{subject} is refused a licence for {detail}.",
    "supply cut": "Supplies from abroad are cut by {detail}.",
    "ecologies merged": "{subject} and {object} bring their partners together; {detail} ties follow.",
}
# Few in a run, and each changes its course; all others are counted.
TURNING_POINTS = (
    "stage", "regime", "shock", "policy", "supply cut", "breakthrough", "generation", "licence granted", "licence refused",
    "joint venture born", "joint venture sold", "joint venture dissolved", "unbounded growth",
)  # fmt: skip
COMINGS_AND_GOINGS = ("entry", "exit", "bankruptcy")


def sentence_of(event: str, subject: str, other: str, detail: str, scenario: Scenario, step: int) -> str:
    """Return what happened in a sentence; shocks and changes of parameters carry the names that the scenario gives them."""
    if event == "policy" and detail.isdecimal() and int(detail) < len(scenario.events):
        return f"{scenario.events[int(detail)].name}: parameters change."
    dated = [each for each in scenario.events if each.step == step]
    if event == "shock":
        named = [each for each in dated if each.shock is not None and f"{each.shock.size:.6g}" == detail]
        if named and named[0].shock is not None:
            shock = named[0].shock
            return f"{named[0].name}: the {shock.index} index moves by {shock.size:+g} for {shock.quarters} quarters."
    if event == "supply cut":
        named = [each for each in dated if each.embargo is not None]
        if named and named[0].embargo is not None:
            return f"{named[0].name}: {float(detail):.0%} of supplies from abroad are cut for {named[0].embargo.quarters} quarters."
    template = SENTENCES.get(event, "{subject} {object}: " + event + " {detail}.")
    text = template.format(subject=subject or "Somebody", object=other or "an owner abroad", detail=detail)
    return text[:1].upper() + text[1:]


def turning_points(events: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """Return the events that change the course of a run, and when organisations that the scenario names come and go."""
    names = {organisation.name for organisation in scenario.organisations}
    named = events.event.isin(COMINGS_AND_GOINGS) & events.subject.isin(names)
    return events[events.event.isin(TURNING_POINTS) | named]


def counted(events: pd.DataFrame) -> list[tuple[str, int]]:
    """Return how often each kind of event happened, the most frequent first."""
    counts = events.event.value_counts()
    return sorted(((str(name), int(count)) for name, count in counts.items()), key=lambda pair: (-pair[1], pair[0]))
