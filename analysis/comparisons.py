# SPDX-License-Identifier: Apache-2.0
"""Which differences are larger than the seeds' noise.

Two arms at one seed share the world, the prompts and the evaluation noise (common random numbers), so they are
compared by their difference at each seed: a paired t-test and t-interval over the seeds. Within a family of
questions the p-values are Holm-corrected (Holm 1979, Scand. J. Statist. 6, 65-70); the intervals are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations

import numpy as np
from scipy import stats

from arms import Arm, Arms

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE

# The quantity that methods are compared by: the first of these that the sweep has.
PRIMARY_METRICS = ("eval/gold_reward", "eval/win_rate", "eval/proxy_reward", "eval/perplexity")


MOST_AXIS_PAIRS = 30


class Verdict(Enum):
    """What the seeds allow to be said about a difference."""

    LARGER = "larger than the noise"
    NOT_CORRECTED = "not once corrected"  # the interval leaves zero out, Holm's correction does not
    WITHIN = "within the noise"
    IDENTICAL = "identical"  # no difference at any seed
    NO_SPREAD = "no spread"  # the same difference at every seed: the noise cannot be estimated
    ONE_SEED = "one seed"
    NO_PAIR = "no pair"


@dataclass(frozen=True)
class Interval:
    """A mean over replicates; low and high are NaN where no interval can be given."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Comparison:
    """Arm `a` minus arm `b`: the differences by seed and what follows from them."""

    a: Arm
    b: Arm
    metric: str
    seeds: tuple[object, ...]
    differences: tuple[float, ...]
    interval: Interval
    p: float
    p_holm: float
    family: int
    verdict: Verdict

    @property
    def n(self) -> int:
        """How many seeds both arms finished."""
        return self.interval.n

    @property
    def above(self) -> int:
        """At how many seeds `a` is above `b`."""
        return sum(difference > 0 for difference in self.differences)

    def positive(self) -> Comparison:
        """The same comparison written so that its mean is not negative."""
        if not self.interval.mean < 0:
            return self
        i = self.interval
        return replace(
            self,
            a=self.b,
            b=self.a,
            differences=tuple(-difference for difference in self.differences),
            interval=Interval(-i.mean, -i.high, -i.low, i.n),
        )


@dataclass(frozen=True)
class Families:
    """All comparisons of a sweep, in families; Holm's correction runs within each."""

    metric: str
    methods: tuple[Comparison, ...] = ()
    sft_over_base: tuple[Comparison, ...] = ()
    over_sft: tuple[Comparison, ...] = ()
    along_axes: tuple[Comparison, ...] = ()


def t_interval(values: Iterable[float], confidence: float = CONFIDENCE) -> Interval:
    """Mean and two-sided t-interval; no interval below two values, a point where they are all equal."""
    x = np.asarray(list(values), dtype=float)
    n = len(x)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(x.mean())
    if n == 1:
        return Interval(mean, math.nan, math.nan, 1)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1) * x.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def t_test(differences: Sequence[float]) -> float:
    """Two-sided p-value of a paired t-test; NaN with fewer than two values or without spread."""
    x = np.asarray(differences, dtype=float)
    if len(x) < 2 or _no_spread(x):
        return math.nan
    t = x.mean() / (x.std(ddof=1) / math.sqrt(len(x)))
    return float(2 * stats.t.sf(abs(t), len(x) - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given; NaN (not tested) stays NaN and does not count."""
    tested = sorted((p, i) for i, p in enumerate(p_values) if not math.isnan(p))
    adjusted = [math.nan] * len(p_values)
    running = 0.0
    for rank, (p, i) in enumerate(tested):
        running = max(running, min(1.0, (len(tested) - rank) * p))
        adjusted[i] = running
    return adjusted


def compare(arms: Arms, pairs: Sequence[tuple[Arm, Arm]], metric: str) -> tuple[Comparison, ...]:
    """Compares each pair by seed, as one family."""
    family: list[Comparison] = []
    for a, b in pairs:
        values_a, values_b = arms.values(a, metric), arms.values(b, metric)
        seeds = [seed for seed in values_a.index if seed in values_b.index]
        differences = [float(values_a[seed] - values_b[seed]) for seed in seeds]
        family.append(
            Comparison(
                a, b, metric, tuple(seeds), tuple(differences), t_interval(differences), t_test(differences),
                math.nan, 0, Verdict.NO_PAIR,
            )
        )  # fmt: skip
    adjusted = holm([comparison.p for comparison in family])
    tested = sum(not math.isnan(p) for p in adjusted)
    return tuple(
        replace(comparison, p_holm=p, family=tested, verdict=judge(comparison.differences, comparison.p, p))
        for comparison, p in zip(family, adjusted, strict=True)
    )


def judge(differences: Sequence[float], p: float, p_holm: float) -> Verdict:
    """The verdict on one pair, given its p-value alone and corrected."""
    if len(differences) == 0:
        return Verdict.NO_PAIR
    if len(differences) == 1:
        return Verdict.ONE_SEED
    if all(difference == 0 for difference in differences):
        return Verdict.IDENTICAL
    if math.isnan(p):
        return Verdict.NO_SPREAD
    if p_holm < ALPHA:
        return Verdict.LARGER
    return Verdict.NOT_CORRECTED if p < ALPHA else Verdict.WITHIN


def primary_metric(arms: Arms) -> str:
    """The metric that methods are compared by, or '' if the sweep has none of them yet."""
    return next((metric for metric in PRIMARY_METRICS if arms.sweep.has(metric)), "")


def compare_all(arms: Arms, metric: str) -> Families:
    """Every comparison that the report makes of `metric`."""
    if not metric:
        return Families(metric)
    methods = [
        (later, earlier)
        for earlier, later in combinations(arms.aligned, 2)
        if earlier.method != later.method and earlier.agrees_with(later)
    ]
    sft, base = arms.of_method("sft"), arms.of_method("base")
    return Families(
        metric,
        methods=compare(arms, methods, metric),
        sft_over_base=compare(arms, [(s, b) for s in sft for b in base if s.agrees_with(b)], metric),
        over_sft=compare(arms, [(arm, s) for arm in arms.aligned for s in sft if arm.agrees_with(s)], metric),
        along_axes=compare(arms, _axis_pairs(arms), metric),
    )


def _axis_pairs(arms: Arms) -> list[tuple[Arm, Arm]]:
    """Pairs of one method's arms that differ in one axis, or in any if none do (axes zipped together).

    Beyond MOST_AXIS_PAIRS of a method, only neighbours along an axis: a fine grid asks for its slope.
    """
    pairs: list[tuple[Arm, Arm]] = []
    for method in arms.methods:
        mine = arms.of_method(method)
        every = [(later, earlier) for earlier, later in combinations(mine, 2)]
        wanted = [(a, b) for a, b in every if a.differing_axes(b) == 1] or every
        if len(wanted) > MOST_AXIS_PAIRS:
            nearest: dict[tuple[Arm, tuple[str, ...]], tuple[Arm, Arm]] = {}
            for a, b in wanted:  # in order, so the last partner below an arm on its line is the neighbour
                nearest[a, tuple(name for name, value in a.axes if dict(b.axes).get(name) != value)] = (a, b)
            wanted = list(nearest.values())
        pairs += wanted
    return pairs


def _no_spread(x: np.ndarray) -> bool:
    """Whether the values are equal but for rounding."""
    return bool(np.ptp(x) <= 1e-12 * max(1.0, float(np.abs(x).max())))
