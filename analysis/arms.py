# SPDX-License-Identifier: Apache-2.0
"""Arms of a sweep: a method at one point of the axes; its trials differ by seed alone.

Columns of /trials whose name holds a dot are axes (`dpo.beta`), NaN where an axis does not apply. Seeds are the
replicates. `seed.train` and its kin set one source of chance apart: with several values of `seed` they are averaged
within each seed (such trials are not independent), with one value of `seed` they are the replicates themselves.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sweep_file import Sweep

AxisValue = float | str


@dataclass(frozen=True)
class Arm:
    """A method and its value on every axis that applies to it; `point` names the axes that vary, as text. `aligned`:
    whether it is a method of alignment, neither the base nor the SFT model."""

    method: str
    axes: tuple[tuple[str, AxisValue], ...] = ()
    point: tuple[str, ...] = ()
    aligned: bool = True

    @property
    def label(self) -> str:
        """The method and its point, as in `dpo beta=0.1`."""
        return " ".join([self.method, *self.point])

    def agrees_with(self, other: Arm) -> bool:
        """Whether the two stand at the same value on every axis that applies to both."""
        mine, theirs = dict(self.axes), dict(other.axes)
        return all(theirs[name] == value for name, value in mine.items() if name in theirs)

    def differing_axes(self, other: Arm) -> int:
        """On how many axes the two differ; an axis that applies to one alone counts."""
        return len({name for name, _ in set(self.axes) ^ set(other.axes)})


def pair_labels(a: Arm, b: Arm) -> tuple[str, str, str]:
    """Labels of two arms, and apart from them the point that both share: ('kto', 'dpo', 'feedback.flips=0.2')."""
    shared = [part for part in a.point if part in b.point]
    labels = [" ".join([arm.method, *(part for part in arm.point if part not in shared)]) for arm in (a, b)]
    return labels[0], labels[1], " ".join(shared)


@dataclass(frozen=True)
class Arms:
    """All arms of a sweep in table order, and their finished trials."""

    sweep: Sweep
    arms: tuple[Arm, ...]
    replicate_columns: tuple[str, ...]
    rows: dict[Arm, pd.DataFrame]
    planned: dict[Arm, int]
    cache: dict[tuple[Arm, str], pd.Series] = field(default_factory=dict, repr=False, compare=False)

    @property
    def aligned(self) -> list[Arm]:
        """The arms of alignment methods."""
        return [arm for arm in self.arms if arm.aligned]

    @property
    def methods(self) -> list[str]:
        """Methods in table order."""
        return list(dict.fromkeys(arm.method for arm in self.arms))

    @property
    def replicate_name(self) -> str:
        """What one replicate is called in a sentence."""
        return "seed" if self.replicate_columns == ("seed",) else "value of " + " and ".join(self.replicate_columns)

    def of_method(self, method: str) -> list[Arm]:
        """The arms of one method."""
        return [arm for arm in self.arms if arm.method == method]

    def rank(self, arm: Arm) -> int:
        """The arm's place among its method's arms; figures give each place a marker and a line style."""
        return self.of_method(arm.method).index(arm)

    @property
    def has_points(self) -> bool:
        """Whether some axis varies, so that a method's name alone does not tell an arm."""
        return any(arm.point for arm in self.arms)

    def values(self, arm: Arm, metric: str) -> pd.Series:
        """The metric's finite values over the arm's finished trials, one a replicate, indexed by it."""
        if (arm, metric) not in self.cache:
            rows = self.rows[arm]
            values = rows[["replicate"]].assign(value=rows[metric].astype(float) if metric in rows else np.nan)
            values = values[np.isfinite(values["value"])]
            self.cache[arm, metric] = values.groupby("replicate", sort=True)["value"].mean()
        return self.cache[arm, metric]


def find_arms(sweep: Sweep) -> Arms:
    """Groups the sweep's trials, of any status, into arms."""
    trials = sweep.trials.copy()
    dotted = [name for name in trials.columns if "." in name and "/" not in name]
    axes = [name for name in dotted if not name.startswith("seed.")]
    replicate_columns = _replicate_columns(trials, [name for name in dotted if name.startswith("seed.")])
    trials["replicate"] = [_replicate(row) for row in trials[list(replicate_columns)].itertuples(index=False)]

    varying = [name for name in axes if len(trials[name][_applies(trials[name])].unique()) > 1]
    points = [
        (str(row["method"]), tuple((name, _value(row[name])) for name in axes if _applies_to(row[name])))
        for _, row in trials.iterrows()
    ]
    arms: dict[tuple[str, tuple[tuple[str, AxisValue], ...]], Arm] = {
        point: Arm(point[0], point[1], _point(point[0], point[1], varying), sweep.method(point[0]).aligned)
        for point in points
    }
    number_of = {point: number for number, point in enumerate(arms)}
    members = np.array([number_of[point] for point in points], dtype=int)
    rows, planned = {}, {}
    for number, arm in enumerate(arms.values()):
        mine = trials[members == number]
        planned[arm] = mine["replicate"].nunique()
        rows[arm] = mine[mine["status"] == "done"]
    places = {method.name: place for place, method in enumerate(sweep.methods)}
    ordered = sorted(arms.values(), key=lambda arm: _order(places[arm.method], arm))
    return Arms(sweep, tuple(ordered), replicate_columns, rows, planned)


def _replicate_columns(trials: pd.DataFrame, seed_axes: list[str]) -> tuple[str, ...]:
    varying = [name for name in seed_axes if trials[name].nunique() > 1]
    return tuple(varying) if varying and trials["seed"].nunique() == 1 else ("seed",)


def _replicate(row: tuple[object, ...]) -> Hashable:
    values = tuple(int(v) if isinstance(v, int | float | np.number) and np.isfinite(v) else str(v) for v in row)
    return values[0] if len(values) == 1 else values


def _applies(column: pd.Series) -> pd.Series:
    return column.map(_applies_to).astype(bool)


def _applies_to(value: object) -> bool:
    return bool(value) if isinstance(value, str) else bool(np.isfinite(value))  # type: ignore[call-overload]


def _value(value: object) -> AxisValue:
    return value if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _point(method: str, axes: tuple[tuple[str, AxisValue], ...], varying: list[str]) -> tuple[str, ...]:
    return tuple(
        f"{name.removeprefix(method + '.')}={value if isinstance(value, str) else format(value, 'g')}"
        for name, value in axes
        if name in varying
    )


def _order(place: int, arm: Arm) -> tuple[object, ...]:
    return (place, tuple((name, str(type(value)), value) for name, value in arm.axes))
