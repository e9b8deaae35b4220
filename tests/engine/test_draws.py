"""Random numbers are a pure function of their key, spread as they should be, and the same bits in plain Python.

Statistical tests use fixed seeds, so they pass or fail for good; each bound was chosen so that a perfect generator
would have failed it with a probability of about one in a million.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from ecosim import draws
from ecosim.compilation import compiled

FALSE_ALARM = 1e-6
SIZE = 40_000
SEED = 20_240_607
UIDS = np.arange(SIZE) * 2  # even only: a key and its neighbour uid + 1 then stand in one pair alone

seeds = st.integers(0, 2**63 - 1)
streams = st.integers(0, 2**16 - 1)
steps = st.integers(0, 2**32 - 1)
uids = st.integers(0, 2**40 - 1)
numbers = st.integers(0, 2**32 - 1)
trials = st.integers(0, 255)
uid_lists = st.lists(uids, min_size=1, max_size=40, unique=True)


@compiled
def uniforms(seed: int, stream: int, step: int, uids: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Draw for many at once, in a loop that the compiler turns into vector instructions."""
    drawn = np.empty(len(uids))
    for i in range(len(uids)):
        drawn[i] = draws.uniform(seed, stream, step, uids[i], k)
    return drawn


@compiled
def normals(uids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Draw a normal number for each uid."""
    return np.array([draws.normal(SEED, draws.PERCEPTION_NOISE, 3, uid, 0) for uid in uids])


@compiled
def exponentials(uids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Draw an exponential number for each uid."""
    return np.array([draws.exponential(SEED, draws.TIE_HAZARD, 3, uid, 0) for uid in uids])


@compiled
def poissons(mean: float, uids: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Draw a count for each uid."""
    return np.array([draws.poisson(mean, SEED, draws.ENTRY, 3, uid, k) for uid in uids])


@compiled
def integers_below(n: int, uids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw an integer for each uid."""
    return np.array([draws.integer_below(n, SEED, draws.PARTNER_SEARCH, 3, uid, 0) for uid in uids])


def one_of_each() -> list[str]:
    """Return draws of every kind in hexadecimal, at ordinary keys and at the ends of their ranges."""
    keys = [(2**63 - 1, 2**16 - 1, 2**32 - 1, 2**40 - 1, 2**32 - 1), (0, 0, 0, 0, 0)]
    keys += [(SEED, 9, 3, uid, 5) for uid in range(300)]
    drawn: list[float] = []
    for key in keys:
        arguments: list[Any] = [np.int64(word) for word in key]  # as they come out of a table's columns
        drawn += [draws.uniform(*arguments), draws.normal(*arguments), draws.exponential(*arguments)]
        drawn += [draws.poisson(mean, *arguments) for mean in (0.3, 7.0, 12.0, 1e6)]
        drawn += [draws.integer_below(1000, *arguments)]
    order = draws.shuffled(np.arange(50), np.arange(50) * 7, SEED, draws.ACTIVATION, 2)
    return [float(value).hex() for value in (*drawn, *order)]


def chi_square_p(counts: NDArray[Any], expected: NDArray[np.float64] | None = None) -> float:
    """Return the p value of counts against those expected; against equal ones if none are given."""
    return float(stats.chisquare(counts, expected).pvalue)


@pytest.mark.parametrize(
    ("block", "key", "words"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_published_answers(block: str, key: str, words: str) -> None:
    """The generator is Philox4x32-10 itself: Random123's `kat_vectors` come out, so its published tests apply."""
    drawn = draws.philox(*(int(word, 16) for word in f"{block} {key}".split()))
    assert " ".join(f"{word:08x}" for word in drawn) == words


def test_a_key_gives_the_same_number_in_every_version() -> None:
    """A saved run can be replayed: the way from key to bits, and the streams' numbers, never change."""
    assert draws.uniform(0, 0, 0, 0, 0) == (0x6627E8D5 << 21 | 0xE169C58D >> 11) / 2**53
    assert draws.counter(0x1234, 0x89ABCDEF, 0xABCDEF0123, 0x456789AB, 0x56) == (
        0x456789AB, 0x89ABCDEF, 0xCDEF0123, 0x561234AB,
    )  # fmt: skip
    assert draws.philox(*draws.counter(4, 3, 2, 1, 0), 6, 5)[0] * 2.0**-32 == pytest.approx(
        draws.uniform(5 << 32 | 6, 4, 3, 2, 1), abs=2.0**-32
    )
    assert (draws.ENTRANT_ENDOWMENT, draws.ACTIVATION, draws.MUTATION) == (0, 8, 23)


def test_each_stream_has_its_own_name_and_number() -> None:
    """Two decisions never share their luck: the constants are the places of their names, all different."""
    assert len(set(draws.STREAMS)) == len(draws.STREAMS) <= 2**16
    assert [getattr(draws, name.upper()) for name in draws.STREAMS] == list(range(len(draws.STREAMS)))


def test_plain_python_gives_the_same_bits_without_a_warning() -> None:
    """Uncompiled rules are the reference of the compiled ones: every kind of draw agrees to the last bit."""
    script = (
        f"import sys, warnings; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_draws;"
        "warnings.simplefilter('error'); print(*test_draws.one_of_each())"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    plain = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.split() == one_of_each()


@pytest.mark.skipif(not hasattr(draws.uniform, "code"), reason="plain Python compiles nothing")
def test_a_new_stream_compiles_no_draw_anew() -> None:
    """The first run stays quick: a rule with a stream and draw number of its own shares the machine code of others."""
    uniforms(SEED, draws.ENTRY, 0, UIDS[:1], 0)
    before = len(draws.uniform.code.signatures)  # type: ignore[attr-defined]
    assert compiled(lambda uid: draws.uniform(7, 1234, 5, uid, k=99))(3) == draws.uniform(7, 1234, 5, 3, 99)
    assert len(draws.uniform.code.signatures) == before  # type: ignore[attr-defined]


@given(streams, steps, uids, numbers, trials)
@example(2**16 - 1, 0, 0, 0, 0)
@example(0, 0, 2**40 - 1, 0, 0)
@example(0, 0, 0, 0, 255)
def test_no_two_keys_share_a_block(stream: int, step: int, uid: int, k: int, trial: int) -> None:
    """The packing is injective: the key can be read back from the counter words. Philox itself is a bijection."""
    c0, c1, c2, c3 = draws.counter(stream, step, uid, k, trial)
    assert max(c0, c1, c2, c3) < 2**32
    assert (c3 >> 8 & 0xFFFF, c1, (c3 & 0xFF) << 32 | c2, c0, c3 >> 24) == (stream, step, uid, k, trial)


@settings(deadline=None)
@given(seeds, streams, steps, uid_lists, numbers, st.data())
def test_a_draw_depends_on_its_key_alone(
    seed: int, stream: int, step: int, ids: list[int], k: int, data: st.DataObject
) -> None:
    """Nobody's luck moves when others are drawn for first, in other chunks, in another stream, or join at the end."""
    array = np.array(ids, np.int64)
    drawn = uniforms(seed, stream, step, array, k)
    order = np.array(data.draw(st.permutations(range(len(ids)))), np.int64)
    cut = data.draw(st.integers(0, len(ids)))
    one_more = np.append(array, data.draw(uids))
    assert uniforms(seed, stream, step, array[order], k).tolist() == drawn[order].tolist()
    first_chunk = uniforms(seed, stream, step, array[:cut], k)
    uniforms(seed, (stream + 1) % 2**16, step, array, k)
    assert [*first_chunk, *uniforms(seed, stream, step, array[cut:], k)] == drawn.tolist()
    assert uniforms(seed, stream, step, one_more, k)[:-1].tolist() == drawn.tolist()
    assert [draws.uniform(seed, stream, step, uid, k) for uid in ids] == drawn.tolist()
    assert np.all((drawn >= 0) & (drawn < 1))


@pytest.mark.parametrize("field", ["seed", "stream", "step", "uid", "k"])
def test_neighbouring_keys_are_independent(field: str) -> None:
    """Next year, the next organisation, decision, draw or seed is no echo of this one: their pairs fill the square."""
    one = {name: int(name == field) for name in ("seed", "stream", "step", "uid", "k")}
    here = uniforms(SEED, draws.EXIT, 3, UIDS, 0)
    there = uniforms(SEED + one["seed"], draws.EXIT + one["stream"], 3 + one["step"], UIDS + one["uid"], one["k"])
    limit = stats.norm.isf(FALSE_ALARM / 2)
    assert abs(np.corrcoef(here, there)[0, 1]) * math.sqrt(SIZE) < limit
    assert chi_square_p(np.histogram2d(here, there, 16, ((0, 1), (0, 1)))[0].ravel()) > FALSE_ALARM
    assert stats.kstest(there, "uniform").pvalue > FALSE_ALARM
    assert stats.kstest((here - there) % 1.0, "uniform").pvalue > FALSE_ALARM


def test_uniform_is_uniform_in_all_its_bits() -> None:
    """Probabilities come out right however small: equal bins are equally full, and each of the 53 bits is fair."""
    drawn = uniforms(SEED, draws.MUTATION, 3, UIDS, 0)
    assert chi_square_p(np.histogram(drawn, 256, (0, 1))[0]) > FALSE_ALARM
    bits = (drawn * 2.0**53).astype(np.int64)[:, None] >> np.arange(53) & 1
    excess = np.abs(bits.mean(axis=0) - 0.5) * 2.0 * math.sqrt(SIZE)
    assert excess.max() < stats.norm.isf(FALSE_ALARM / 2 / 53)


def test_normal_is_normal() -> None:
    """Noise has mean 0 and variance 1, the shape of a normal number also in its tails, and is never infinite."""
    drawn = normals(UIDS)
    assert np.all(np.isfinite(drawn))
    assert stats.kstest(drawn, "norm").pvalue > FALSE_ALARM
    edges = stats.norm.ppf(np.linspace(0, 1, 201))
    assert chi_square_p(np.histogram(drawn, edges)[0]) > FALSE_ALARM
    assert stats.binomtest(int((np.abs(drawn) > 3).sum()), SIZE, 2 * stats.norm.sf(3)).pvalue > FALSE_ALARM


def test_exponential_is_exponential() -> None:
    """Waiting times have mean 1, no memory, and are never negative or infinite."""
    drawn = exponentials(UIDS)
    assert drawn.min() >= 0
    assert np.all(np.isfinite(drawn))
    assert stats.kstest(drawn, "expon").pvalue > FALSE_ALARM
    assert chi_square_p(np.histogram(drawn, stats.expon.ppf(np.linspace(0, 1, 201)))[0]) > FALSE_ALARM


@pytest.mark.parametrize("mean", [0.3, 7.0, 9.999, 10.0, 300.0, 1e5, 1e6])
def test_poisson_counts_follow_their_law(mean: float) -> None:
    """Counts are Poisson at every mean, on both sides of the change of method, at the centre and in both tails."""
    drawn = poissons(mean, UIDS, 0)
    shares = [0.0005, 0.005, *np.linspace(0.02, 0.98, 49), 0.995, 0.9995]
    edges = np.unique(stats.poisson.ppf(shares, mean))
    expected = SIZE * np.diff(stats.poisson.cdf(edges, mean), prepend=0.0, append=1.0)
    counts = np.bincount(np.searchsorted(edges, drawn), minlength=len(expected))
    assert chi_square_p(counts, expected) > FALSE_ALARM
    assert abs(drawn.mean() - mean) / math.sqrt(mean / SIZE) < stats.norm.isf(FALSE_ALARM / 2)


def test_poisson_of_mean_zero_is_zero() -> None:
    """Where nothing is to be expected, nothing happens."""
    assert not poissons(0.0, UIDS[:1000], 0).any()


def test_poisson_counts_of_neighbouring_draws_are_independent() -> None:
    """The further tries of one count are not the first try of another: counts of k and k + 1 are uncorrelated."""
    correlation = np.corrcoef(poissons(12.0, UIDS, 0), poissons(12.0, UIDS, 1))[0, 1]
    assert abs(correlation) * math.sqrt(SIZE) < stats.norm.isf(FALSE_ALARM / 2)


@pytest.mark.parametrize("n", [1, 2, 7, 1000])
def test_integer_below_covers_its_range_evenly(n: int) -> None:
    """A choice among n reaches each of them, equally often, and nobody else."""
    drawn = integers_below(n, UIDS)
    counts = np.bincount(drawn, minlength=n)
    assert len(counts) == n
    assert counts.min() > 0
    assert n == 1 or chi_square_p(counts) > FALSE_ALARM


def test_integer_below_stays_below_a_large_limit() -> None:
    """Large ranges are used to their ends and never left."""
    drawn = integers_below(2**31 - 1, UIDS)
    assert 0 <= drawn.min() < 2**31 / 1000
    assert 2**31 * 0.999 < drawn.max() < 2**31 - 1


@settings(deadline=None)
@given(seeds, steps, uid_lists, uids)
def test_shuffled_order_depends_on_uids_alone(seed: int, step: int, ids: list[int], newcomer: int) -> None:
    """Who goes first does not change with the place in the table or when another one joins; nobody is lost."""
    array = np.array(ids, np.int64)
    rows = np.arange(len(ids)) + 100
    order = draws.shuffled(rows, array, seed, draws.ACTIVATION, step)
    in_turn = array[order - 100].tolist()
    assert sorted(order) == rows.tolist()
    assert in_turn == sorted(ids, key=lambda uid: draws.uniform(seed, draws.ACTIVATION, step, uid, 0))
    reverse = draws.shuffled(rows, array[::-1].copy(), seed, draws.ACTIVATION, step)
    assert array[::-1][reverse - 100].tolist() == in_turn
    if newcomer not in ids:
        larger = np.append(array, newcomer)
        joined = draws.shuffled(np.arange(len(larger)), larger, seed, draws.ACTIVATION, step)
        assert [uid for uid in larger[joined].tolist() if uid != newcomer] == in_turn


def test_shuffled_orders_are_equally_likely() -> None:
    """No organisation acts first more often than another: all 24 orders of four come up alike."""
    rows, four = np.arange(4), np.array([3, 5, 8, 2**33])
    counts = Counter(tuple(draws.shuffled(rows, four, SEED, draws.ACTIVATION, step).tolist()) for step in range(2400))
    assert len(counts) == 24
    assert chi_square_p(np.array(list(counts.values()))) > FALSE_ALARM


def test_shuffled_handles_nobody_and_many() -> None:
    """An empty table is no error, and a large one comes out in the order of its uniforms."""
    assert len(draws.shuffled(np.arange(0), np.arange(0), SEED, draws.ACTIVATION, 0)) == 0
    order = draws.shuffled(np.arange(5000), UIDS[:5000], SEED, draws.ACTIVATION, 0)
    assert order.tolist() == np.argsort(uniforms(SEED, draws.ACTIVATION, 0, UIDS[:5000], 0)).tolist()


def test_shuffled_breaks_ties_by_uid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even two equal uniforms leave no doubt who goes first, whatever the order in the table."""
    monkeypatch.setattr(draws, "uniform", lambda *key: 0.5)
    plain = getattr(draws.shuffled, "py_func", draws.shuffled)
    ids = np.array([40, 7, 2**35, 0, 12])
    assert ids[plain(np.arange(5), ids, SEED, draws.ACTIVATION, 0)].tolist() == sorted(ids.tolist())
