# SPDX-License-Identifier: Apache-2.0
"""Figures of what the sweep found: differences, gold by stage, reward against KL, components and behaviours."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from arms import Arm, Arms
from comparisons import Comparison, Families, Interval, Verdict, t_interval
from plot_style import (
    GRID,
    INK,
    MARKERS,
    MUTED,
    PAPER,
    WIDTH,
    bare,
    legend_above,
    method_colours,
    space_panels,
)  # fmt: skip
from tables import cell
from wording import difference_label, metric_name

MOST_ROWS = 40  # comparisons in one panel, and arms in one figure; the tables hold the rest


def differences(families: Families, arms: Arms) -> Figure | None:
    """Forest plot: each pair's differences by seed, their mean and interval, against zero."""
    panels = [
        ("Between methods", [c.positive() for c in families.methods if c.n]),
        ("Over SFT, and SFT over base", [c for c in (*families.over_sft, *families.sft_over_base) if c.n]),
    ]
    panels = [(title, sorted(rows, key=lambda c: -c.interval.mean)[:MOST_ROWS]) for title, rows in panels if rows]
    if not panels:
        return None
    lines = max(len(rows) for _, rows in panels)
    height = 1.05 + 0.38 * lines
    figure, grid = plt.subplots(1, len(panels), figsize=(WIDTH, height), layout="constrained", squeeze=False)
    colours = method_colours(arms.sweep.methods)
    for axes, (title, rows) in zip(grid[0], panels, strict=True):
        axes.set_title(title)
        axes.set_ylim(lines - 0.5, -0.65)
        _forest(axes, rows, {method: colour.light for method, colour in colours.items()})
        axes.set_xlabel(f"difference in {metric_name(families.metric)}")
    return figure


def _forest(axes: Axes, rows: list[Comparison], colours: dict[str, str]) -> None:
    points = [x for c in rows for x in (*c.differences, 0.0)]
    pad = max(np.ptp(points), 1e-9)
    left, right = min(points) - 1.2 * pad, max(points) + 1.2 * pad  # a 2-seed interval may be far wider: an arrow
    axes.axvline(0, color=MUTED.light, linewidth=1, zorder=1)
    shown = [0.0]
    for y, c in enumerate(rows):
        larger = c.verdict is Verdict.LARGER
        winner = c.a if c.interval.mean >= 0 else c.b
        colour = colours[winner.method] if larger else MUTED.light
        if math.isfinite(c.interval.low):
            low, high = max(c.interval.low, left), min(c.interval.high, right)
            axes.plot([low, high], [y, y], color=colour, linewidth=2.2, zorder=2)
            for end, cut, marker in ((low, c.interval.low < left, "<"), (high, c.interval.high > right, ">")):
                if cut:
                    axes.plot(end, y, marker=marker, color=colour, markersize=6, zorder=3)
            shown += [low, high]
        axes.plot(c.differences, np.full(c.n, y - 0.26), "|", color=colour, markersize=6, alpha=0.8, zorder=2)
        axes.plot(
            c.interval.mean, y, "o", markersize=7.5, markeredgewidth=1.8, markeredgecolor=colour,
            markerfacecolor=colour if larger else PAPER.light, zorder=4,
        )  # fmt: skip
        shown += c.differences
    margin = 0.06 * max(np.ptp(shown), 1e-9)
    axes.set_xlim(min(shown) - margin, max(shown) + margin)
    axes.set_yticks(range(len(rows)), [difference_label(c) for c in rows])
    axes.tick_params(axis="y", labelcolor=INK.light, labelsize=9.5)
    bare(axes, grid="x")
    axes.spines["bottom"].set_visible(True)
    axes.spines["left"].set_visible(False)


def gold_by_stage(arms: Arms) -> Figure | None:
    """Gold reward from base over SFT to each aligned arm: thin lines are seeds, dots their means."""
    metric = "eval/gold_reward"
    aligned = [arm for arm in arms.aligned if len(arms.values(arm, metric))][:MOST_ROWS]
    starts = [arm for arm in arms.arms if not arm.aligned and len(arms.values(arm, metric))]
    if not aligned and len(starts) < 2:
        return None
    place = {"base": 0.0, "sft": 1.0} if any(arm.method == "base" for arm in starts) else {"sft": 0.0}
    first = max(place.values()) + 1
    at = {arm: first + 0.55 * i for i, arm in enumerate(aligned)}
    colours = method_colours(arms.sweep.methods)
    figure, axes = plt.subplots(figsize=(WIDTH, 3.9), layout="constrained")

    for sft in (arm for arm in starts if arm.method == "sft"):
        for base in (arm for arm in starts if arm.method == "base" and arm.agrees_with(sft)):
            _steps(axes, arms, metric, (base, place["base"]), (sft, place["sft"]), colours["sft"].light)
        for arm in aligned:
            if arm.agrees_with(sft):
                _steps(axes, arms, metric, (sft, place["sft"]), (arm, at[arm]), colours[arm.method].light)
    spots = [(arm, place[arm.method]) for arm in starts] + list(at.items())
    for arm, x in spots:
        values = arms.values(arm, metric)
        colour = colours[arm.method].light
        axes.plot(np.full(len(values), x), values, "o", markersize=3.2, color=colour, alpha=0.55, zorder=3)
        axes.plot(
            x,
            values.mean(),
            "o",
            markersize=9,
            color=colour,
            markeredgecolor=PAPER.light,
            markeredgewidth=1.2,
            zorder=5,
        )
        axes.annotate(
            f"{values.mean():.2f}", (x, values.mean() if arm.method == "sft" else values.max()),
            (10, -13) if arm.method == "sft" else (0, 12),
            textcoords="offset points", va="center", ha="left" if arm.method == "sft" else "center",
            fontsize=9.5, color=INK.light, fontweight="bold", zorder=6,
        )  # fmt: skip
    ticks = dict.fromkeys((x, arm.label if arm.aligned else arm.method) for arm, x in spots)
    # Labels that would meet are turned: a letter is about 5 points wide, a place 0.55 units.
    units = max(x for _, x in spots) + 0.55
    many = max(len(label) for _, label in ticks) * 5 > 0.55 / units * WIDTH * 72
    axes.set_xticks([x for x, _ in ticks], [label for _, label in ticks])
    axes.tick_params(axis="x", labelcolor=INK.light, labelsize=10, length=0)
    if many:
        plt.setp(axes.get_xticklabels(), rotation=35, ha="right", rotation_mode="anchor", fontsize=9)
    axes.set_xlim(min(x for _, x in spots) - 0.2, max(x for _, x in spots) + 0.35)
    axes.set_ylabel("gold reward")
    axes.margins(y=0.09)
    bare(axes, grid="y")
    return figure


def _steps(axes: Axes, arms: Arms, metric: str, start: tuple[Arm, float], end: tuple[Arm, float], colour: str) -> None:
    before, after = arms.values(start[0], metric), arms.values(end[0], metric)
    shared = [seed for seed in before.index if seed in after.index]
    for seed in shared:
        axes.plot([start[1], end[1]], [before[seed], after[seed]], color=colour, linewidth=0.8, alpha=0.4, zorder=2)
    if shared:
        means = [before[shared].mean(), after[shared].mean()]
        axes.plot([start[1], end[1]], means, color=colour, linewidth=2, zorder=4)


def reward_against_kl(arms: Arms) -> Figure | None:
    """Gold (solid) and proxy (hollow) reward against KL: a small point a trial, a large one an arm's mean."""
    rewards = [m for m in ("eval/gold_reward", "eval/proxy_reward") if arms.sweep.has(m)]
    if not arms.sweep.has("eval/kl") or not rewards:
        return None
    shown = [arm for arm in arms.arms if arm.method != "base" and len(arms.values(arm, "eval/kl"))][:MOST_ROWS]
    if not shown:
        return None
    colours = method_colours(arms.sweep.methods)
    figure, grid = plt.subplots(1, len(rewards), figsize=(WIDTH, 4.0), layout="constrained", squeeze=False)
    for axes, metric in zip(grid[0], rewards, strict=True):
        solid = metric == "eval/gold_reward"
        axes.set_title(f"{metric_name(metric).capitalize()} ({'solid' if solid else 'hollow'})")
        for method in dict.fromkeys(arm.method for arm in shown):
            mine = [arm for arm in shown if arm.method == method]
            means = [_trials_at_kl(axes, arms, arm, metric, colours[method].light, solid) for arm in mine]
            path = sorted(mean for mean in means if mean)
            if len(path) > 1:
                axes.plot(*zip(*path, strict=True), color=colours[method].light, linewidth=1.2, alpha=0.7, zorder=2)
        axes.set_xlabel("KL to SFT, nats per sequence")
        axes.margins(0.14, 0.12)
    # In a legend, not beside the points: methods often end close to each other.
    handles = [_marker(arms, arm, colours[arm.method].light, hollow=False) for arm in shown]
    legend_above(figure, handles, [arm.label for arm in shown])
    return figure


def _marker(arms: Arms, arm: Arm, colour: str, *, hollow: bool) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker=MARKERS[arms.rank(arm) % len(MARKERS)], markersize=9.5, color=colour,
        markerfacecolor=PAPER.light if hollow else colour, markeredgewidth=1.8,
    )  # fmt: skip


def _trials_at_kl(
    axes: Axes, arms: Arms, arm: Arm, metric: str, colour: str, solid: bool
) -> tuple[float, float] | None:
    kl, reward = arms.values(arm, "eval/kl"), arms.values(arm, metric)
    seeds = [seed for seed in kl.index if seed in reward.index]
    if not seeds:
        return None
    x, y = kl[seeds], reward[seeds]
    face = colour if solid else PAPER.light
    axes.plot(x, y, "o", markersize=4, color=colour, markerfacecolor=face, alpha=0.6, zorder=3)
    centre = (float(x.mean()), float(y.mean()))
    # Two seeds give an interval thirteen times their half-distance; the two points say more.
    if len(seeds) > 2:
        along = t_interval(x).half_width
        axes.errorbar(
            *centre, xerr=[[min(along, max(centre[0], 0.0))], [along]],  # a KL is never negative
            yerr=t_interval(y).half_width,
            color=colour, linewidth=1.1, alpha=0.9, zorder=4,
        )  # fmt: skip
    marker = _marker(arms, arm, colour, hollow=not solid)
    marker.set(data=([centre[0]], [centre[1]]), zorder=5)
    axes.add_line(marker)
    return centre


def bars(arms: Arms, metrics: list[str], share: bool) -> Figure | None:
    """A panel a metric, a bar an arm with its interval and its seeds as dots; `share`: all from 0 to 1."""
    shown = [arm for arm in arms.arms if any(len(arms.values(arm, m)) for m in metrics)][:MOST_ROWS]
    if not metrics or not shown:
        return None
    columns = min(3, len(metrics))
    lines = math.ceil(len(metrics) / columns)
    colours = method_colours(arms.sweep.methods)
    size = (WIDTH, lines * (0.72 + 0.24 * max(3, len(shown))) + 0.2)
    figure, grid = plt.subplots(lines, columns, figsize=size, layout="constrained", squeeze=False, sharey=True)
    space_panels(figure)
    for axes in grid.ravel()[len(metrics) :]:
        axes.set_visible(False)
    for axes, metric in zip(grid.ravel(), metrics, strict=False):
        axes.set_title(metric_name(metric).capitalize())
        for y, arm in enumerate(shown):
            _bar(axes, arms, arm, metric, y, colours[arm.method].light)
        if share:
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        axes.set_ylim(len(shown) - 0.45, -0.55)
        axes.set_yticks(range(len(shown)), [arm.label for arm in shown])
        axes.tick_params(axis="y", labelcolor=INK.light, labelsize=9.5)
        axes.grid(False, axis="y")
        axes.spines["bottom"].set_visible(False)
        axes.spines["left"].set_color(GRID.light)
    return figure


def _bar(axes: Axes, arms: Arms, arm: Arm, metric: str, y: float, colour: str) -> None:
    values = arms.values(arm, metric)
    if values.empty:
        axes.annotate(
            "no value", (0, y), (4, 0), textcoords="offset points", va="center", color=MUTED.light, fontsize=8
        )
        return
    axes.barh(y, values.mean(), height=0.62, color=colour, alpha=0.85, linewidth=0, zorder=2)
    interval: Interval = cell(arms, arm, metric).interval
    if math.isfinite(interval.low) and interval.n != 2:
        axes.plot([interval.low, interval.high], [y, y], color=INK.light, linewidth=1.1, zorder=4)
    axes.plot(values, np.full(len(values), y), "o", markersize=3.2, color=INK.light, alpha=0.75, zorder=5,
              markeredgecolor=PAPER.light, markeredgewidth=0.5)  # fmt: skip
