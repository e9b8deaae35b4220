"""The comparison with peers compares what does the same: each implementation of the sub-model against ecosim."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SIZE, QUARTERS = 300, 12


@pytest.fixture(scope="module")
def peers() -> Iterator[Any]:
    """Return the program of the comparison."""
    sys.path.insert(0, str(BENCHMARKS))
    import peers

    yield peers
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def makers(peers: Any) -> Iterator[dict[str, Callable[..., Any]]]:
    """Return what makes each implementation that there is."""
    try:
        frames = peers.Frames()
    except peers.FramesMissingError:
        frames = None
    yield peers.makers(frames)
    if frames is not None:
        frames.close()


def _maker(makers: dict[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    if name not in makers:
        reason = "mesa-frames is not installed" if name == "frames" else "there is no C compiler"
        pytest.skip(f"{reason}; see benchmarks/README.md")
    return makers[name]


@pytest.mark.parametrize("name", ["rules", "plain", "vector"])
@pytest.mark.parametrize("seed", [1, 2**62 + 12345])
def test_same_draws_run_the_same_trajectory(
    peers: Any, makers: dict[str, Callable[..., Any]], name: str, seed: int
) -> None:
    """Protects the comparison with C and the rules alone: on the same draws, everything recorded is the same to rounding."""
    assert peers.agreement.same_trajectory(_maker(makers, name), SIZE, QUARTERS, seed) <= peers.agreement.TOLERANCE


@pytest.mark.parametrize("name", ["mesa", "frames"])
def test_knowledge_spreads_alike(peers: Any, makers: dict[str, Callable[..., Any]], name: str) -> None:
    """Protects the comparison with peers that draw by themselves: what is not drawn is the same to rounding."""
    assert peers.agreement.same_spreading(_maker(makers, name), SIZE, QUARTERS) <= peers.agreement.TOLERANCE


@pytest.mark.parametrize("name", ["mesa", "frames"])
def test_draws_are_distributed_alike(peers: Any, makers: dict[str, Callable[..., Any]], name: str) -> None:
    """Protects the same comparison where something is drawn: means over seeds lie within four standard errors."""
    ours, theirs = (peers.agreement.sample(_maker(makers, each), SIZE, QUARTERS, 20) for each in ("ecosim", name))
    assert peers.agreement.errors_apart(ours, theirs) <= peers.agreement.ERRORS


def test_errors_apart_by_hand(peers: Any) -> None:
    """Protects the yardstick: means 1 and 3, variances 2 and 2 of two values each, are sqrt(2) standard errors apart."""
    ours, theirs = np.array([[0.0], [2.0]]), np.array([[2.0], [4.0]])
    assert peers.agreement.errors_apart(ours, theirs) == pytest.approx(np.sqrt(2.0))
    assert peers.agreement.errors_apart(ours, ours) == 0.0
    assert peers.agreement.errors_apart(np.ones((2, 1)), np.zeros((2, 1))) == np.inf


def test_program_prints_and_keeps(
    peers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Protects the command: it checks, times what there is, says what is missing, keeps all of it."""
    kept = tmp_path / "peers.json"
    monkeypatch.setattr(peers.agreement, "SIZE", 64)
    monkeypatch.setattr(peers.agreement, "QUARTERS", 6)
    monkeypatch.setattr(peers.agreement, "SEEDS", 8)
    monkeypatch.setattr(peers, "SHORTEST", 0.0)
    monkeypatch.setattr(peers, "compiler", lambda: None)
    arguments = ["peers", "--sizes", "64", "--repetitions", "1", "--json", str(kept), "--frames-python", "/nowhere"]
    monkeypatch.setattr(sys, "argv", arguments)
    peers.main()
    said = capsys.readouterr().out
    assert "mesa-frames: does not run: /nowhere" in said
    assert "C, plain: no C compiler was found" in said
    assert "rules alone, Numba same trajectory" in said
    assert '"64"' in kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [16, 17, 1000])
def test_start_is_a_simple_graph(peers: Any, size: int) -> None:
    """Protects the graph that all start from: mean degree 8 where there is room for it, no loop, no edge twice."""
    start = peers.start_of(size, 1)
    nodes = start.firms + start.suppliers
    assert nodes + start.users == size
    assert len(start.a) == min(4 * nodes, nodes * (nodes - 1) // 2)
    assert (start.a < start.b).all()
    assert start.b.max() < nodes
    assert len({*zip(start.a.tolist(), start.b.tolist())}) == len(start.a)


def test_bandwidth_measures_something(peers: Any) -> None:
    """Protects the yardstick of memory: every number is positive, and a dependent read takes no less than 0.3 ns."""
    if peers.compiler() is None:
        pytest.skip("there is no C compiler")
    import bandwidth

    (row,) = bandwidth.measure([2**16])
    assert row["bytes"] == 2**16
    assert row["triad_gigabytes_a_second"] > 0.1
    assert row["dependent_read_nanoseconds"] > 0.3
    assert row["independent_read_nanoseconds"] > 0.0
