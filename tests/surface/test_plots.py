"""Figures for papers and notebooks: they show the model's numbers, in the colours of the dashboard."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.patches import Rectangle

from ecosim import Ecosystem, ScenarioError
from ecosim.colours import BENEFICIARIES, PATTERNS
from ecosim.layout import communities, graph_of, places
from ecosim.plots import HATCHES
from ecosim.state import ELEMENTS


@pytest.fixture(scope="module")
def model() -> Ecosystem:
    """Return a classroom that has run."""
    return Ecosystem("classroom", seed=1).run()


@pytest.fixture(autouse=True)
def _figures() -> Iterator[None]:
    """Draw without a window, and close what was drawn."""
    with mpl.rc_context({"backend": "Agg"}):
        yield
    pyplot.close("all")


def test_area_is_the_shares(model: Ecosystem) -> None:
    """Protects the figure of a paper: the areas stack to the shares of each quarter, in the colours of the page."""
    ax = model.plot.value_shares()
    shares = model.value_shares("step").to_numpy()
    areas = [collection for collection in ax.collections if isinstance(collection, PolyCollection)]
    assert [to_hex(area.get_facecolor()[0]).upper() for area in areas] == list(BENEFICIARIES)
    for area, top in zip(areas, np.cumsum(shares, axis=1).T, strict=True):
        vertices = area.get_paths()[0].vertices
        for step in (0, 17, 39):
            at = vertices[np.isclose(vertices[:, 0], 2000 + step / 4)][:, 1]
            assert np.isclose(at, top[step]).any()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]  # type: ignore[union-attr]
    assert labels == list(reversed(model.recorder.beneficiaries))
    ax.figure.canvas.draw()


def test_bars_are_the_stages(model: Ecosystem) -> None:
    """Bars of a stage stack to 1 and each is its share; patterns, if wanted, tell them apart in grey."""
    ax = model.plot.value_shares(by="stage", patterns=True)
    shares = model.value_shares("stage")
    heights = np.array([[bar.get_height() for bar in bars] for bars in ax.containers])  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights.T, shares.to_numpy())
    hatches = [bars[0].get_hatch() or "" for bars in ax.containers]  # type: ignore[index]
    assert hatches == [HATCHES[pattern] for pattern in PATTERNS]
    assert len(set(hatches)) == len(BENEFICIARIES)
    ax.figure.canvas.draw()


@pytest.mark.parametrize("step", [None, 30])
@pytest.mark.parametrize("element", ELEMENTS)
def test_flows_are_the_volumes(model: Ecosystem, element: str, step: int | None) -> None:
    """Blocks on the left are what roles gave, on the right what they took: both sides as high, in the proportions of the table."""
    ax = model.plot.flows(element, step)
    table = model.flows[model.flows["element"] == element]
    if step is not None:
        table = table[table["step"] == step]
    blocks = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    for side, column in ((0, "source"), (1, "target")):
        volume = table.groupby("" + column, sort=False)["volume"].sum()
        expected = {name: volume[name] / volume.sum() for name in model.role_names if name in volume.index}
        drawn = [block for block in blocks if (block.get_x() >= 1.0) == bool(side)]
        total = sum(block.get_height() for block in drawn)
        assert [block.get_height() / total for block in drawn] == pytest.approx(list(expected.values()))
        colours = dict(zip(model.role_names, cycle(BENEFICIARIES), strict=False))
        assert [block.get_facecolor() for block in drawn] == [to_rgba(colours[name]) for name in expected]
    if not len(table):
        assert "nothing moved" in {text.get_text() for text in ax.texts}
    ax.figure.canvas.draw()


def test_network_shows_everybody(model: Ecosystem) -> None:
    """All organisations and ties are drawn, the core firm by name; of many only the largest."""
    ax = model.plot.network()
    points = sum(len(dots.get_offsets()) for dots in ax.collections if isinstance(dots, PathCollection))  # type: ignore[arg-type]
    assert points == len(model.rows)
    assert len(ax.lines) == len(model.tie_rows)
    assert "Core" in {text.get_text() for text in ax.texts}
    few = model.plot.network(most=10)
    assert sum(len(dots.get_offsets()) for dots in few.collections if isinstance(dots, PathCollection)) == 10  # type: ignore[arg-type]
    assert "Core" in {text.get_text() for text in few.texts}
    few.figure.canvas.draw()


def test_symbiosis_is_the_matrix(model: Ecosystem) -> None:
    """Each cell is the effect of its column's role on its row's."""
    ax = model.plot.symbiosis()
    np.testing.assert_array_equal(ax.images[0].get_array(), model.effects())  # type: ignore[arg-type]
    assert [text.get_text() for text in ax.get_yticklabels()] == list(model.role_names)
    ax.figure.canvas.draw()


def test_figures_go_on_given_axes(model: Ecosystem) -> None:
    """Several figures make one."""
    _, (left, right) = pyplot.subplots(1, 2)
    assert model.plot.value_shares(ax=left) is left
    assert model.plot.symbiosis(ax=right) is right


@pytest.mark.parametrize(
    ("draw", "complaint"),
    [
        (lambda plot: plot.value_shares(by="year"), 'by is \'year\'; give "step" or "stage"'),
        (lambda plot: plot.flows("money"), "there is no element 'money'"),
        (lambda plot: plot.flows("capital", 40), "quarter 40 was not run; give one from 0 to 39"),
    ],
)  # fmt: skip
def test_wrong_questions(model: Ecosystem, draw: Any, complaint: str) -> None:
    """What cannot be drawn is refused in a sentence."""
    with pytest.raises(ScenarioError) as refused:
        draw(model.plot)
    assert complaint in str(refused.value)


def test_model_loads_no_figures() -> None:
    """Protects the start of a run: matplotlib is not loaded before somebody draws."""
    code = (
        "import sys\nfrom ecosim import Ecosystem\nmodel = Ecosystem('limit-division', seed=1)\nmodel.plot\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("library", "figure"), [("matplotlib", "value_shares"), ("networkx", "network")])
def test_missing_library_is_named(model: Ecosystem, monkeypatch: pytest.MonkeyPatch, library: str, figure: str) -> None:
    """Without the extra the sentence says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=r'pip install "ecosim\[analysis\]"'):
        getattr(model.plot, figure)()


# -- layout -----------------------------------------------------------------------------------------------------------


def test_layout_keeps_partners_together() -> None:
    """Two cliques with one tie between them are two communities, and each stands closer to itself than to the other."""
    cliques = [(a + side, b + side, 1.0) for side in (0, 6) for a in range(6) for b in range(a)]
    graph = graph_of([*cliques, (0, 6, 1.0)], 13)
    where, community = places(graph, 1), communities(graph, 1)
    assert community[:6] == [community[0]] * 6
    assert community[6:12] == [community[6]] * 6
    assert len({community[0], community[6], community[12]}) == 3
    assert np.abs(where).max() <= 1.0
    assert np.hypot(*where[12]) == pytest.approx(1.0)
    distance = np.linalg.norm(where[:12, None] - where[None, :12], axis=2)
    assert distance[:6, :6].mean() < distance[:6, 6:].mean()
    np.testing.assert_array_equal(places(graph, 1), where)


def test_empty_network() -> None:
    """Nobody and nobody tied can be drawn too."""
    assert places(graph_of([], 0), 1).shape == (0, 2)
    assert np.isfinite(places(graph_of([], 3), 1)).all()
    assert len(set(communities(graph_of([], 3), 1))) == 3
