# SPDX-License-Identifier: Apache-2.0
"""The tables of methods: one row an arm, one column a metric; each cell a mean over seeds and its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from arms import Arm, Arms
from comparisons import Interval, compare, t_interval
from wording import LOWER_IS_BETTER, MEANINGS, bounds_of, bracket, decimals_for, metric_name, number

MAIN = ("eval/gold_reward", "eval/gold_vs_sft", "eval/win_rate", "eval/proxy_reward", "eval/kl", "eval/perplexity")
SIGNED = ("eval/gold_vs_sft",)


@dataclass(frozen=True)
class Cell:
    """A mean and its interval; `over` says what the interval runs over: 'seeds', 'prompts' or '' (none).

    half_width is the longer side of the interval before it is cut at the metric's bounds.
    """

    interval: Interval
    over: str
    half_width: float = math.nan


@dataclass(frozen=True)
class Column:
    """One metric: its name, unit and meaning, its cells by arm, and the decimals that suit them."""

    metric: str
    name: str
    unit: str
    meaning: str
    cells: dict[Arm, Cell]
    decimals: int

    def mean(self, arm: Arm) -> str:
        """The cell's mean as text."""
        return number(self.cells[arm].interval.mean, self.decimals, sign=self.metric in SIGNED)

    def interval(self, arm: Arm) -> str:
        """The cell's interval as text, '' without one."""
        return bracket(self.cells[arm].interval, self.decimals)

    def plus_minus(self, arm: Arm) -> str:
        """The cell as `4.45 ± 0.20`; an interval over prompts is marked with an asterisk."""
        cell = self.cells[arm]
        if not math.isfinite(cell.half_width):
            return self.mean(arm)
        return f"{self.mean(arm)} ± {number(cell.half_width, self.decimals)}" + ("*" if cell.over == "prompts" else "")


@dataclass(frozen=True)
class Table:
    """A titled table over all arms; columns without any value are left out."""

    title: str
    columns: tuple[Column, ...]

    def has_prompt_intervals(self) -> bool:
        """Whether some interval runs over prompts, since its arm has one seed."""
        return any(cell.over == "prompts" for column in self.columns for cell in column.cells.values())


def cell(arms: Arms, arm: Arm, metric: str) -> Cell:
    """The metric's mean over the arm's seeds. With one seed the trial's own interval over prompts, if it has one."""
    values = arms.values(arm, metric)
    interval = t_interval(values)
    over = "seeds" if interval.n > 1 else ""
    low, high = arms.values(arm, metric + "_low"), arms.values(arm, metric + "_high")
    if interval.n == 1 and len(low) == 1 and len(high) == 1:
        interval, over = Interval(interval.mean, float(low.iloc[0]), float(high.iloc[0]), 1), "prompts"
    return _cell(metric, interval, over)


def method_tables(arms: Arms) -> list[Table]:
    """The main table, the gold reward's components and the behaviours; empty ones are left out."""
    tables = [
        Table("Methods", tuple(_column(arms, metric) for metric in MAIN)),
        Table("Gold reward by component", tuple(_column(arms, m) for m in arms.sweep.metrics_under("eval/gold"))),
        Table("Gold reward by kind of prompt", tuple(_column(arms, m) for m in arms.sweep.metrics_under("eval/gold_by_kind"))),
        Table("Behaviours", tuple(_column(arms, m) for m in arms.sweep.metrics_under("eval/behaviour"))),
        Table("Diversity", tuple(_column(arms, m) for m in arms.sweep.metrics_under("eval/diversity"))),
    ]
    kept = [Table(t.title, tuple(c for c in t.columns if _has_value(c))) for t in tables]
    return [table for table in kept if table.columns]


def _column(arms: Arms, metric: str) -> Column:
    if metric == "eval/gold_vs_sft":
        cells = _gain_over_sft(arms)
    else:
        cells = {arm: cell(arms, arm, metric) for arm in arms.arms}
    info = arms.sweep.columns.get(metric)
    meaning = (info.description if info else "") or MEANINGS.get(metric, "")
    if metric == "eval/gold_vs_sft":
        meaning = MEANINGS[metric]
    if metric in LOWER_IS_BETTER and "lower" not in meaning:
        meaning = f"{meaning}; lower is better".lstrip("; ")
    seeds = [c.interval.half_width for c in cells.values()]
    decimals = decimals_for(seeds, [c.interval.mean for c in cells.values()])
    if bounds_of(metric) == (0.0, 1.0):
        decimals = min(decimals, 3)
    return Column(metric, metric_name(metric), info.unit if info else "", meaning, cells, decimals)


def _gain_over_sft(arms: Arms) -> dict[Arm, Cell]:
    """Gold reward minus SFT's at the same seed: from SFT's own row, else from the trial's comparison with it."""
    cells = {}
    for arm in arms.arms:
        partners = [sft for sft in arms.of_method("sft") if sft is not arm and sft.agrees_with(arm)]
        paired = compare(arms, [(arm, sft) for sft in partners[:1]], "eval/gold_reward")
        if paired and paired[0].n:
            cells[arm] = _cell("eval/gold_vs_sft", paired[0].interval, "seeds" if paired[0].n > 1 else "")
        elif arm.method == "sft":
            cells[arm] = Cell(t_interval([]), "")
        else:
            cells[arm] = cell(arms, arm, "eval/gold_vs_sft")
    return cells


def _cell(metric: str, interval: Interval, over: str) -> Cell:
    half_width = max(interval.mean - interval.low, interval.high - interval.mean)
    low, high = bounds_of(metric)
    if math.isfinite(interval.low):
        interval = Interval(interval.mean, max(low, interval.low), min(high, interval.high), interval.n)
    return Cell(interval, over, half_width)


def _has_value(column: Column) -> bool:
    return any(math.isfinite(cell.interval.mean) for cell in column.cells.values())
