# SPDX-License-Identifier: Apache-2.0
"""Figures of how the sweep got there: learning curves, and what each role cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from arms import Arm, Arms
from figures import MOST_ROWS
from plot_style import (
    GRID,
    INK,
    LINE_STYLES,
    MUTED,
    ROLES,
    WIDTH,
    LineStyle,
    bare,
    label_ends,
    lay_out,
    legend_above,
    method_colours,
    space_panels,
)  # fmt: skip

MOST_PANELS = 15

# Metrics worth a panel, best first; `eval/` ones come before them, all others are left to the file.
CURVES = (
    "rewards/margins", "rewards/accuracies", "rewards/chosen", "rewards/rejected", "logps/chosen", "logps/rejected",
    "objective/scores", "objective/kl", "kl", "objective/entropy", "entropy", "policy/clipfrac_avg",
)  # fmt: skip
# Not on one scale across methods, so each method has its own panel.
PER_METHOD = ("loss",)

COSTS = ("labels", "tokens", "flops", "seconds")


@dataclass(frozen=True)
class Panel:
    """One metric, of all arms or of one method's."""

    metric: str
    method: str = ""


def learning_curves(arms: Arms) -> Figure | None:
    """A panel a metric; a line is the mean over an arm's finished seeds, the band their range."""
    curves = arms.sweep.curves
    if curves.empty:
        return None
    series = {arm: _by_step(curves, arms.rows[arm]["trial"]) for arm in arms.arms[:MOST_ROWS]}
    unfinished = _unfinished(arms)
    panels = _panels(arms, series, unfinished)[:MOST_PANELS]
    if not panels:
        return None
    columns = min(3, len(panels))
    lines = math.ceil(len(panels) / columns)
    figure, grid = plt.subplots(
        lines, columns, figsize=(WIDTH, 0.25 + 2.25 * lines), layout="constrained", squeeze=False
    )
    for axes in grid.ravel()[len(panels) :]:
        axes.set_visible(False)
    labels = {}
    colours = method_colours(arms.sweep.methods)
    for axes, panel in zip(grid.ravel(), panels, strict=False):
        axes.set_title(panel.metric + (f", {panel.method}" if panel.method else ""))
        labels[axes] = _curve_panel(axes, arms, panel, series, unfinished)
        axes.margins(x=0.02)
        axes.locator_params(nbins=5)
        bare(axes, grid="y")
    for column in grid.T:
        shown = [axes for axes in column if axes.get_visible()]
        shown[-1].set_xlabel("step")
    space_panels(figure)
    if arms.has_points:
        drawn = [arm for arm, frame in series.items() if arm.aligned and not frame.empty]
        handles = [
            Line2D([], [], color=colours[arm.method].light, linestyle=_line_style(arms, arm), linewidth=2)
            for arm in drawn
        ]
        legend_above(figure, handles, [arm.label for arm in drawn], handlelength=2.6)
        return figure
    lay_out(figure)  # the labels' spacing needs the panels' height
    for axes, ends in labels.items():
        label_ends(figure, axes, ends)
    return figure


def _by_step(curves: pd.DataFrame, trials: pd.Series) -> pd.DataFrame:
    return curves[curves["trial"].isin(trials)]


def _unfinished(arms: Arms) -> dict[str, pd.DataFrame]:
    """Curves of failed and running trials, by method."""
    trials = arms.sweep.trials
    open_ones = trials[trials["status"].isin(["failed", "running"])]
    return {str(method): _by_step(arms.sweep.curves, rows["trial"]) for method, rows in open_ones.groupby("method")}


def _panels(arms: Arms, series: dict[Arm, pd.DataFrame], unfinished: dict[str, pd.DataFrame]) -> list[Panel]:
    def present(metric: str, method: str = "") -> bool:
        frames = [f for arm, f in series.items() if metric in f and _joins(arms, arm.method, method)]
        frames += [f for name, f in unfinished.items() if metric in f and _joins(arms, name, method)]
        return any(bool(np.isfinite(frame[metric]).any()) for frame in frames)

    names = [name for name in arms.sweep.curves.columns if name.startswith("eval/")]
    panels = [Panel(metric) for metric in (*names, *CURVES) if present(metric)]
    order = sorted(arms.methods, key=lambda method: not arms.sweep.method(method).aligned)
    own = [Panel(m, method) for m in PER_METHOD for method in order if present(m, method)]
    return panels + own


def _joins(arms: Arms, method: str, wanted: str) -> bool:
    """Whether a method's curves stand in a panel: its own, or one of all aligned methods."""
    return method == wanted if wanted else arms.sweep.method(method).aligned


def _curve_panel(
    axes: Axes, arms: Arms, panel: Panel, series: dict[Arm, pd.DataFrame], unfinished: dict[str, pd.DataFrame]
) -> list[tuple[float, str, str]]:
    """Draws one panel; returns the labels for the lines' ends."""
    colours = method_colours(arms.sweep.methods)
    labels: list[tuple[float, str, str]] = []
    for arm, frame in series.items():
        if panel.metric not in frame or not _joins(arms, arm.method, panel.method):
            continue
        values = frame[np.isfinite(frame[panel.metric])].groupby("step")[panel.metric]
        if not len(values):
            continue
        mean, low, high = values.mean(), values.min(), values.max()
        colour = colours[arm.method].light
        axes.fill_between(mean.index, low, high, color=colour, alpha=0.16, linewidth=0, zorder=2)
        axes.plot(mean.index, mean, color=colour, linestyle=_line_style(arms, arm), zorder=3)
        if not panel.method:
            labels.append((float(mean.iloc[-1]), arm.label, colour))
    for method, frame in unfinished.items():
        if panel.metric not in frame or not _joins(arms, method, panel.method):
            continue
        for _, one in frame[np.isfinite(frame[panel.metric])].groupby("trial"):
            axes.plot(one["step"], one[panel.metric], color=colours[method].light, linewidth=0.9, alpha=0.8, zorder=3)
            last = one.iloc[-1]
            axes.plot(last["step"], last[panel.metric], "x", color=colours[method].light, markersize=5.5, zorder=4)
    return labels


def _line_style(arms: Arms, arm: Arm) -> LineStyle:
    return LINE_STYLES[arms.rank(arm) % len(LINE_STYLES)]


def cost_by_role(arms: Arms) -> Figure | None:
    """A panel a kind of cost, a stacked bar an arm: the mean over its seeds, cut by role."""
    kinds = [kind for kind in COSTS if arms.sweep.metrics_under(f"cost/{kind}")]
    shown = [arm for arm in arms.arms if not arms.rows[arm].empty][:MOST_ROWS]
    if not kinds or not shown:
        return None
    columns = min(2, len(kinds))
    lines = math.ceil(len(kinds) / columns)
    size = (WIDTH, lines * (0.75 + 0.29 * max(3, len(shown))) + 0.45)
    figure, grid = plt.subplots(lines, columns, figsize=size, layout="constrained", squeeze=False, sharey=True)
    for axes in grid.ravel()[len(kinds) :]:
        axes.set_visible(False)
    space_panels(figure)
    handles: dict[str, Artist] = {}
    for axes, kind in zip(grid.ravel(), kinds, strict=False):
        _cost_panel(axes, arms, shown, kind, handles)
    order = [role for role in ROLES if role in handles]
    labels = [role.replace("_", " ") for role in order]
    legend_above(figure, [handles[role] for role in order], labels, handlelength=0.9, handleheight=0.9)
    return figure


def _cost_panel(axes: Axes, arms: Arms, shown: list[Arm], kind: str, handles: dict[str, Artist]) -> None:
    means = {arm: role_costs(arms, arm, kind) for arm in shown}
    largest = max((sum(costs.values()) for costs in means.values()), default=0.0)
    scale, unit = _scale(largest, kind)
    axes.set_title("FLOPs" if kind == "flops" else "Time" if kind == "seconds" else kind.capitalize())
    axes.set_xlabel(unit)
    for y, arm in enumerate(shown):
        left = 0.0
        for role, cost in means[arm].items():
            colour = ROLES[role].light
            bar = axes.barh(y, cost / scale, left=left, height=0.66, color=colour, linewidth=0, zorder=2)
            handles.setdefault(role, bar[0])
            left += cost / scale
        axes.annotate(
            f"{left:.3g}" if left < 100 else f"{left:.0f}",
            (left, y),
            (4, 0),
            textcoords="offset points",
            va="center",
            color=MUTED.light,
            fontsize=8.5,
        )
    axes.margins(x=0.1)
    axes.set_ylim(len(shown) - 0.45, -0.55)
    axes.set_yticks(range(len(shown)), [arm.label for arm in shown])
    axes.tick_params(axis="y", labelcolor=INK.light, labelsize=9.5)
    axes.grid(False, axis="y")
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_color(GRID.light)


def role_costs(arms: Arms, arm: Arm, kind: str) -> dict[str, float]:
    """Mean cost by role, in the order of a trial's life; all that has no role of its own is 'other'.

    Time is counted by stage, and a method's own stage holds all its models: its role is 'alignment'.
    """
    costs = dict.fromkeys(ROLES, 0.0)
    for metric in arms.sweep.metrics_under(f"cost/{kind}"):
        name = metric.rsplit("/", 1)[-1]
        values = arms.values(arm, metric)
        if name == "total" or values.empty:
            continue
        role = name if name in ROLES else "alignment" if name == arm.method else "other"
        costs[role] += float(values.mean())
    total = arms.values(arm, f"cost/{kind}/total")
    if len(total):
        rest = float(total.mean()) - sum(costs.values())
        if rest > 1e-3 * float(total.mean()):
            costs["other"] += rest
    return {role: cost for role, cost in costs.items() if cost > 0}


def _scale(largest: float, kind: str) -> tuple[float, str]:
    """The factor that brings the largest value to a handy size, and the unit's name with it."""
    if kind == "seconds":
        return next(
            ((f, unit) for f, unit in ((3600.0, "hours"), (60.0, "minutes")) if largest >= 3 * f), (1.0, "seconds")
        )
    steps = ((1e15, "P", "quadrillion"), (1e12, "T", "trillion"), (1e9, "G", "billion"), (1e6, "M", "million"))
    for factor, prefix, word in (*steps, (1e3, "k", "thousand")):
        if largest >= factor:
            return factor, f"{prefix}FLOP" if kind == "flops" else f"{word} {kind}"
    return 1.0, "FLOP" if kind == "flops" else kind
