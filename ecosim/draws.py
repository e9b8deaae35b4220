"""Random numbers without a state: a draw is a pure function of (seed, stream, step, uid, k).

The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3",
SC'11; the Random123 library). Nothing is consumed: no draw depends on which others were made, in what order or by
whom, so an organisation keeps its luck when another one is added or a rule asks for more. One key serves one draw:
two functions called with the same key return dependent numbers.

What a key is made of, and its range; together they fill Philox's key and counter exactly, so no two draws share one:

======  ==================  =================================================================================
seed    0 <= seed < 2**63   the run                                            key words 0 (low), 1 (high)
k       0 <= k < 2**32      the number of the draw, or the uid of the other    counter word 0
step    0 <= step < 2**32   the quarter                                        counter word 1
uid     0 <= uid < 2**40    the organisation                                   counter word 2, word 3 bits 0-7
stream  0 <= stream < 2**16 the decision, one of `STREAMS`                     counter word 3, bits 8-23
trial   0 <= trial < 2**8   used by `poisson` alone, 0 elsewhere               counter word 3, bits 24-31
======  ==================  =================================================================================
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ecosim.compilation import compiled, inlined

# A stream's number is its place here. Add new ones at the end: the draws of the others then stay as they are.
STREAMS = (
    "entrant_endowment", "entry", "exit", "environment_noise", "demand_drift", "perception_noise", "reform_start",
    "reform_persistence", "activation", "partner_search", "tie_acceptance", "tie_hazard",
    "leakage", "project_start", "project_advance", "project_test", "breakthrough", "adoption",
    "adoption_choice", "adoption_switch", "shapley_sample", "imitation_partner", "imitation_choice", "mutation",
    "platform_joining", "platform_leaving", "secondment", "interface_change", "venture_birth", "venture_end",
    "project_team", "project_solution", "project_merging", "licensing", "foreign_supply", "crossbreeding",
    "heredity",
)  # fmt: skip
(
    ENTRANT_ENDOWMENT, ENTRY, EXIT, ENVIRONMENT_NOISE, DEMAND_DRIFT, PERCEPTION_NOISE, REFORM_START,
    REFORM_PERSISTENCE, ACTIVATION, PARTNER_SEARCH, TIE_ACCEPTANCE, TIE_HAZARD,
    LEAKAGE, PROJECT_START, PROJECT_ADVANCE, PROJECT_TEST, BREAKTHROUGH, ADOPTION,
    ADOPTION_CHOICE, ADOPTION_SWITCH, SHAPLEY_SAMPLE, IMITATION_PARTNER, IMITATION_CHOICE, MUTATION,
    PLATFORM_JOINING, PLATFORM_LEAVING, SECONDMENT, INTERFACE_CHANGE, VENTURE_BIRTH, VENTURE_END,
    PROJECT_TEAM, PROJECT_SOLUTION, PROJECT_MERGING, LICENSING, FOREIGN_SUPPLY, CROSSBREEDING,
    HEREDITY,
) = range(len(STREAMS))  # fmt: skip

_WORD = 0xFFFFFFFF


@inlined
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Return the four 32-bit words of one Philox4x32-10 block; all arguments lie in [0, 2**32)."""
    for _ in range(10):
        # Compiled, a product wraps around in 64 signed bits; its two halves are right all the same once masked.
        first, second = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c2 = (second >> 32) & _WORD ^ c1 ^ k0, (first >> 32) & _WORD ^ c3 ^ k1
        c1, c3 = second & _WORD, first & _WORD
        k0, k1 = (k0 + 0x9E3779B9) & _WORD, (k1 + 0xBB67AE85) & _WORD
    return c0, c1, c2, c3


@inlined
def counter(stream: int, step: int, uid: int, k: int, trial: int) -> tuple[int, int, int, int]:
    """Return the counter words of a key, packed as the table at the top says; higher bits are dropped."""
    # `int` because NumPy's integers, met where nothing is compiled, would warn when a product overflows.
    high = (int(uid) >> 32) & 0xFF | (int(stream) & 0xFFFF) << 8 | trial << 24
    return int(k) & _WORD, int(step) & _WORD, int(uid) & _WORD, high


@inlined
def _pair(seed: int, stream: int, step: int, uid: int, k: int, trial: int) -> tuple[float, float]:
    """Return two independent uniforms in [0, 1), multiples of 2**-53, from one block."""
    c0, c1, c2, c3 = counter(stream, step, uid, k, trial)
    w0, w1, w2, w3 = philox(c0, c1, c2, c3, int(seed) & _WORD, (int(seed) >> 32) & _WORD)
    return (w0 << 21 | w1 >> 11) * 2.0**-53, (w2 << 21 | w3 >> 11) * 2.0**-53


@inlined
def uniform(seed: int, stream: int, step: int, uid: int, k: int) -> float:
    """Return a number in [0, 1): a multiple of 2**-53, all equally likely."""
    return _pair(seed, stream, step, uid, k, 0)[0]


@inlined
def normal(seed: int, stream: int, step: int, uid: int, k: int) -> float:
    """Return a standard normal number (Box and Muller 1958); it lies within 8.6 of zero."""
    radius, angle = _pair(seed, stream, step, uid, k, 0)
    return math.sqrt(-2.0 * math.log(1.0 - radius)) * math.cos(2.0 * math.pi * angle)


@inlined
def exponential(seed: int, stream: int, step: int, uid: int, k: int) -> float:
    """Return an exponential number of mean 1, in [0, 36.8)."""
    return -math.log(1.0 - uniform(seed, stream, step, uid, k))


@inlined
def integer_below(n: int, seed: int, stream: int, step: int, uid: int, k: int) -> int:
    """Return one of 0, ..., n - 1, for 1 <= n < 2**31; no probability is off by more than 2**-52."""
    return int(uniform(seed, stream, step, uid, k) * n)


@compiled
def poisson(mean: float, seed: int, stream: int, step: int, uid: int, k: int) -> int:
    """Return a Poisson count of the given mean, 0 <= mean <= 1e6; exact but for rounding.

    Below a mean of 10 by inversion of one uniform; above, by transformed rejection (Hörmann 1993, "The transformed
    rejection method for generating Poisson random variables", algorithm PTRS, whose names stand here). Further tries
    differ in the `trial` of the counter, which no caller can set: they use up no `k`.
    """
    if mean < 10.0:
        rest, count, probability = uniform(seed, stream, step, uid, k), 0, math.exp(-mean)
        # Far out in the tail the probabilities no longer add up to the last bits of `rest`: stop there.
        while rest >= probability > 1e-18:
            rest -= probability
            count += 1
            probability *= mean / count
        return count
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2.0)
    for trial in range(256):
        first, second = _pair(seed, stream, step, uid, k, trial)
        u = first - 0.5 + 2.0**-54  # exact, symmetric, and never -1/2 or 1/2, where `u_s` would be 0
        u_s, v = 0.5 - abs(u), 1.0 - second
        count = math.floor((2.0 * a / u_s + b) * u + mean + 0.43)
        if u_s >= 0.07 and v <= v_r:
            return count
        if count >= 0 and (u_s >= 0.013 or v <= u_s):
            height = math.log(v * inverse_alpha / (a / (u_s * u_s) + b))
            if height <= count * math.log(mean) - mean - math.lgamma(count + 1.0):
                return count
    return int(mean)  # all tries fail with a probability below 1e-80


@compiled
def shuffled(rows: NDArray[np.int64], uids: NDArray[np.int64], seed: int, stream: int, step: int) -> NDArray[np.int64]:
    """Return the rows in random order: that of a uniform drawn for each row's uid (`uids[i]` is that of `rows[i]`).

    Which of two rows comes first depends on their uids alone, not on where they stood or on who else is there. The
    uids must differ; of two equal uniforms, the lower uid goes first.
    """
    size = len(rows)
    keys, ends = np.empty(size), np.zeros(size, np.int64)
    for i in range(size):
        keys[i] = uniform(seed, stream, step, uids[i], 0)
        ends[int(keys[i] * size)] += 1
    # The keys are uniform: as many equal bins as rows leave a row or so in each, and little for the insertion below.
    ends = np.cumsum(ends)
    order = np.empty(size, np.int64)
    for i in range(size):
        bin_of_row = int(keys[i] * size)
        ends[bin_of_row] -= 1
        order[ends[bin_of_row]] = i
    for i in range(1, size):
        moving, place = order[i], i
        while place > 0 and (keys[moving], uids[moving]) < (keys[order[place - 1]], uids[order[place - 1]]):
            order[place] = order[place - 1]
            place -= 1
        order[place] = moving
    return rows[order]


@compiled
def in_turn(
    rows: NDArray[np.int64], uids: NDArray[np.int64], sequential: bool, seed: int, step: int
) -> NDArray[np.int64]:
    """Return the rows in the order in which they act: as they are, or one after the other in random order; `uids` by row."""
    return shuffled(rows, uids[rows], seed, ACTIVATION, step) if sequential else rows
