"""Figures for papers and notebooks, in the colours of the dashboard: ``model.plot.value_shares()``."""

from __future__ import annotations

from itertools import cycle, groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ecosim.colours import BENEFICIARIES, PATTERNS, STAGES
from ecosim.layout import graph_of, places
from ecosim.parameters import ScenarioError, nearest
from ecosim.state import ELEMENTS, MODES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecosim.model import Ecosystem

# What matplotlib calls the patterns.
HATCHES = {
    "plain": "", "diagonal": "//", "dots": "..", "horizontal": "--", "cross": "xx", "reverse": "\\\\", "vertical": "||",
    "grid": "++", "dense": "oo",
}  # fmt: skip
LINES = {"separation": ":", "sharing": "-", "overlap": "-"}


class Plots:
    """Draws a model with matplotlib; each figure returns its axes, on which you can go on."""

    def __init__(self, model: Ecosystem) -> None:
        self.model = model

    def value_shares(self, by: str = "step", patterns: bool = False, ax: Axes | None = None) -> Axes:
        """Draw each beneficiary's share of the value booked: an area over time with the stages behind, or a bar a stage.

        Parameters
        ----------
        by : "step" or "stage".
        patterns : whether to draw patterns on the colours, for prints in grey.
        ax : axes to draw on; new ones unless given.

        Raises
        ------
        ScenarioError : `by` is neither.
        ImportError : matplotlib is missing.
        """
        if by not in ("step", "stage"):
            raise ScenarioError(f'plot: by is {by!r}; give "step" or "stage"')
        ax = _axes(ax)
        shares = self.model.value_shares(by)
        colours = dict(zip(shares.columns, cycle(BENEFICIARIES), strict=False))
        hatches = [
            HATCHES[pattern] if patterns else "" for pattern, _ in zip(cycle(PATTERNS), shares.columns, strict=False)
        ]
        if by == "stage":
            bottom = np.zeros(len(shares))
            for name, hatch in zip(shares.columns, hatches, strict=True):
                values = shares[name].to_numpy()
                ax.bar(
                    shares.index, values, bottom=bottom, color=colours[name], hatch=hatch, edgecolor="white", label=name
                )
                bottom += values
        else:
            edges = self._edges()
            areas = ax.stackplot(
                edges,
                np.vstack([shares.to_numpy(), shares.to_numpy()[-1:]]).T,
                colors=list(colours.values()),
                labels=list(colours),
                step="post",
            )
            for area, hatch in zip(areas, hatches, strict=True):
                area.set(hatch=hatch, edgecolor="white", linewidth=0.0)
            self._draw_stages(ax, edges)
            ax.set_xlim(edges[0], edges[-1])
        ax.set(ylim=(0.0, 1.0), ylabel="share of the value booked")
        ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        return ax

    def flows(self, element: str = "capital", step: int | None = None, ax: Axes | None = None) -> Axes:
        """Draw what moved from role to role: the givers on the left, the takers on the right, as wide as the volume.

        Parameters
        ----------
        element : one of `ecosim.state.ELEMENTS`.
        step : the quarter; all of them together unless given.

        Raises
        ------
        ScenarioError : an element or a quarter that there is not.
        ImportError : matplotlib is missing.
        """
        if element not in ELEMENTS:
            raise ScenarioError(f"plot: there is no element '{element}'; {nearest(element, ELEMENTS)}")
        recorder, model = self.model.recorder, self.model
        if step is not None and not 0 <= step < len(recorder):
            raise ScenarioError(f"plot: quarter {step} was not run; give one from 0 to {len(recorder) - 1}")
        ax = _axes(ax)
        moved = recorder.record.flows[: len(recorder), ELEMENTS.index(element)].sum(axis=1)  # over the channels
        volumes = moved.sum(axis=0) if step is None else moved[step]
        when = "all quarters" if step is None else f"{recorder.start_year + step // 4} Q{step % 4 + 1}"
        ax.set_title(f"{element}, {when}")
        _draw_alluvial(ax, volumes, model.role_names)
        return ax

    def network(self, most: int = 300, ax: Axes | None = None) -> Axes:
        """Draw organisations and ties as they are now: as large as their capital, as wide as the trust, dotted in separation.

        Parameters
        ----------
        most : organisations to draw: the core firms, and those with most capital.

        Raises
        ------
        ImportError : matplotlib or networkx is missing.
        """
        ax = _axes(ax)
        model, ties, organisations = self.model, self.model.ties, self.model.organisations
        order = np.lexsort(
            (organisations.uid[model.rows], -organisations.capital[model.rows], ~organisations.focal[model.rows])
        )
        rows = model.rows[order[:most]]
        position = np.full(len(organisations.uid), -1)
        position[rows] = np.arange(len(rows))
        living = model.tie_rows
        living = living[(position[ties.a[living]] >= 0) & (position[ties.b[living]] >= 0)]
        a, b = position[ties.a[living]], position[ties.b[living]]
        where = places(graph_of(zip(a.tolist(), b.tolist(), [1.0] * len(a), strict=True), len(rows)), model.seed)
        for one, other, mode, trust in zip(a, b, ties.mode[living], ties.trust[living], strict=True):
            ax.plot(*where[[one, other]].T, LINES[MODES[mode]], color="#999999", linewidth=0.2 + 1.2 * trust, zorder=1)
        size = np.sqrt(np.maximum(organisations.capital[rows], 0.0))
        size = 15.0 + 250.0 * size / max(size.max(initial=0.0), 1e-9)
        for role, (name, colour) in enumerate(zip(model.role_names, cycle(BENEFICIARIES), strict=False)):
            own = organisations.role[rows] == role
            if own.any():
                ax.scatter(
                    where[own, 0],
                    where[own, 1],
                    size[own],
                    color=colour,
                    edgecolor="white",
                    linewidth=0.5,
                    label=name,
                    zorder=2,
                )
        for place in np.flatnonzero(organisations.focal[rows]):
            label = model.recorder.label(int(organisations.uid[rows[place]]), model.names)
            ax.annotate(label, where[place], xytext=(0, 8), textcoords="offset points", ha="center", zorder=3)
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
        ax.set_aspect("equal")
        ax.axis("off")
        return ax

    def symbiosis(self, ax: Axes | None = None) -> Axes:
        """Draw the effect of each role (column) on the growth of each (row), blue for good and red for harm.

        Raises
        ------
        ImportError : matplotlib is missing.
        """
        ax = _axes(ax)
        effects, names = self.model.effects(), self.model.role_names
        most = max(float(np.abs(effects).max()), 1e-9)
        # Between the red and the blue of the palette, through white.
        from matplotlib.colors import LinearSegmentedColormap

        scale = LinearSegmentedColormap.from_list("effects", [BENEFICIARIES[5], "white", BENEFICIARIES[0]])
        picture = ax.imshow(effects, cmap=scale, vmin=-most, vmax=most)
        for (row, column), effect in np.ndenumerate(effects):
            dark = abs(effect) > 0.6 * most
            ax.text(
                column, row, f"{effect:.2f}", ha="center", va="center", color="white" if dark else "black", fontsize=8
            )
        ax.set_xticks(range(len(names)), names, rotation=30, ha="right")
        ax.set_yticks(range(len(names)), names)
        ax.set(xlabel="effect of", ylabel="on the growth of")
        ax.figure.colorbar(picture, ax=ax, label="effect", shrink=0.8)
        return ax

    def _edges(self) -> Any:
        """Return when each quarter begins, and when the last one ends, in years."""
        recorder = self.model.recorder
        return recorder.start_year + np.arange(len(recorder) + 1) / 4.0

    def _draw_stages(self, ax: Axes, edges: Any) -> None:
        """Draw a strip with the stages above the area."""
        strip = ax.inset_axes((0.0, 1.01, 1.0, 0.06), sharex=ax)
        strip.axis("off")
        position = 0
        for stage, quarters in groupby(self.model.metrics["stage"]):
            end = position + len(list(quarters))
            strip.axvspan(edges[position], edges[end], color=STAGES[stage], linewidth=0.0)
            if end - position > 0.12 * (len(edges) - 1):
                strip.text((edges[position] + edges[end]) / 2, 0.5, stage, ha="center", va="center", fontsize=9)
            if position:
                ax.axvline(edges[position], color="black", linewidth=1.0, linestyle=(0, (4, 3)))
            position = end


def _axes(ax: Axes | None) -> Axes:
    """Return the axes to draw on."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError('figures need matplotlib; pip install "ecosim[analysis]"') from None
    return pyplot.subplots(figsize=(7.0, 4.5), layout="constrained")[1]


def _draw_alluvial(ax: Axes, volumes: Any, names: tuple[str, ...]) -> None:
    """Draw bands between givers on the left and takers on the right; `volumes` is (givers, takers)."""
    from matplotlib.patches import Rectangle

    colours = [colour for colour, _ in zip(cycle(BENEFICIARIES), names, strict=False)]
    total = float(volumes.sum())
    ax.set(xlim=(-0.45, 1.45), ylim=(0.0, 1.0))
    ax.axis("off")
    if total <= 0.0:
        ax.text(0.5, 0.5, "nothing moved", ha="center", va="center")
        return
    gap = 0.02
    scale = (1.0 - gap * (len(names) - 1)) / total
    left, right = (_tops(volumes.sum(axis=axis) * scale, gap) for axis in (1, 0))
    for side, tops, totals in ((0.0, left, volumes.sum(axis=1)), (1.0, right, volumes.sum(axis=0))):
        for name, colour, top, amount in zip(names, colours, tops, totals, strict=True):
            if amount > 0.0:
                height = amount * scale
                ax.add_patch(Rectangle((side - 0.03 * (1.0 - side), top - height), 0.03, height, color=colour))
                label = f"{name} {amount / total:.0%}"
                ax.text(
                    side + (0.05 if side else -0.05),
                    top - height / 2,
                    label,
                    ha="left" if side else "right",
                    va="center",
                )
    along = np.linspace(0.0, 1.0, 40)
    bend = along * along * (3.0 - 2.0 * along)
    left, right = left.copy(), right.copy()
    for giver in range(len(names)):
        for taker in range(len(names)):
            height = volumes[giver, taker] * scale
            upper = left[giver] + bend * (right[taker] - left[giver])
            ax.fill_between(along, upper - height, upper, color=colours[giver], alpha=0.5, linewidth=0.0)
            left[giver] -= height
            right[taker] -= height


def _tops(heights: Any, gap: float) -> Any:
    """Return where each of several blocks begins that stand below one another, the first at 1."""
    return 1.0 - np.concatenate([[0.0], np.cumsum(heights + gap)[:-1]])
