"""Writes the tables of the twelve dyads (S002) on the page of `cloud-platforms`: ``python docs/cloud_tables.py``; half a minute."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from generate import table
from numpy.typing import NDArray
from tables import SEEDS, write

import ecosim
from ecosim.state import AGGREGATION, BRIDGING, GROUP_VARIABLES, PHASES

SCENARIO = "cloud-platforms"
Dyad = tuple[str, str]


class Story(NamedTuple):
    """What happened in the projects of one dyad in one run.

    Attributes
    ----------
    projects : how many began, with the provider in the lead and the user among its partners.
    reached : how many of them came to bridging, to aggregation, and to a passed test.
    quarters : quarters spent in each phase.
    group : the six variables of the dyad's tie at the end; not a number if it was given up.
    """

    projects: int
    reached: NDArray[np.int64]
    quarters: NDArray[np.int64]
    group: NDArray[np.float64]


def observe(seed: int) -> dict[Dyad, Story]:
    """Run one seed and follow the projects of each dyad of the scenario."""
    model = ecosim.Ecosystem(SCENARIO, seed=seed, history=False)
    uids = {name: uid for uid, name in model.names.items()}
    dyads = {(uids[tie.between[0]], uids[tie.between[1]]): tie.between for tie in model.scenario.ties}
    phases: dict[tuple[tuple[int, int], int], list[int]] = {}
    finished = dict.fromkeys(dyads, 0)
    group = {}
    for _ in range(model.scenario.steps):
        model.step()
        projects, ties, uid = model.projects, model.ties, model.organisations.uid
        for r in model.project_rows:
            for partner in projects.partner_uids[r, : projects.size[r]]:
                dyad = int(projects.lead_uid[r]), int(partner)
                if dyad in dyads:
                    phases.setdefault((dyad, int(projects.uid[r])), []).append(int(projects.phase[r]))
        group = {dyad: np.full(len(GROUP_VARIABLES), np.nan) for dyad in dyads}
        for t in model.tie_rows:
            pair = int(uid[ties.a[t]]), int(uid[ties.b[t]])
            if pair in dyads:
                group[pair] = np.array([getattr(ties, name)[t] for name in GROUP_VARIABLES])
                finished[pair] = max(finished[pair], int(ties.finished[t]))
    stories = {}
    for dyad, names in dyads.items():
        lived = [seen for (whose, _), seen in phases.items() if whose == dyad]
        reached = [sum(max(seen) >= phase for seen in lived) for phase in (BRIDGING, AGGREGATION)]
        quarters = [sum(seen.count(phase) for seen in lived) for phase in range(1, len(PHASES))]
        stories[(names[0], names[1])] = Story(
            len(lived), np.array([*reached, finished[dyad]]), np.array(quarters), group[dyad]
        )
    return stories


def dyad_rows(runs: list[dict[Dyad, Story]]) -> list[list[str]]:
    """Return a row a dyad: projects a run, how far they came, quarters in each phase a project."""
    rows = []
    for dyad in runs[0]:
        stories = [run[dyad] for run in runs]
        projects = sum(story.projects for story in stories)
        reached = sum(story.reached for story in stories) / projects
        quarters = sum(story.quarters for story in stories) / projects
        rows.append([
            " and ".join(dyad), f"{projects / len(runs):.1f}",
            *(f"{100.0 * share:.0f} %" for share in reached), *(f"{number:.1f}" for number in quarters),
        ])  # fmt: skip
    return rows


def group_rows(runs: list[dict[Dyad, Story]]) -> list[list[str]]:
    """Return a row a dyad: in how many runs its tie is there at the end, and its group variables then."""
    rows = []
    for dyad in runs[0]:
        group = np.array([run[dyad].group for run in runs])
        kept = group[~np.isnan(group[:, 0])]
        cells = [f"{mean:.2f}" for mean in kept.mean(axis=0)] if len(kept) else ["" for _ in GROUP_VARIABLES]
        rows.append([" and ".join(dyad), f"{len(kept)} of {len(runs)}", *cells])
    return rows


def main() -> None:
    """Run all seeds and write both tables."""
    runs = [observe(seed) for seed in SEEDS]
    passed = ("come to bridging", "come to aggregation", "pass a test")
    quarters = tuple(f"quarters in {phase}" for phase in PHASES[1:])
    write(SCENARIO, {
        "dyads": table(("dyad", "projects a run", *passed, *quarters), dyad_rows(runs)),
        "cohesion": table(("dyad", "tie kept to the end", *GROUP_VARIABLES), group_rows(runs)),
    })  # fmt: skip


if __name__ == "__main__":
    main()
