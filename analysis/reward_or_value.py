#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reward of the whole or value of each token? A table, and reward_or_value.png and .pdf, from one or more sweeps.

    reward_or_value.py results/reward_or_value results/reward_or_value_text --out results/reward_or_value/figures

Reads each folder's sweep.h5 and stages/token_values-*/data.h5. Exit codes: 0 written; 2 usage; 3 input or output.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from comparisons import Interval, t_interval
from plot_style import (
    ALIGNED,
    GRID,
    INK,
    LINE_STYLES,
    MARKERS,
    MUTED,
    STARTS,
    WIDTH,
    bare,
    method_colours,
    save,
    use_style,
)
from sweep_file import Sweep, SweepFileError, read_sweep

EXIT_IO = 3

ESTIMATES = {"score": "reward model's score", "value": "PPO's value", "implicit": "implicit reward"}
# What an estimate is held against, in the order of the table.
TARGETS = {
    "gold_sft": "gold, SFT goes on",
    "gold_policy": "gold, policy goes on",
    "gold_soft": "gold, V*",
    "gold_ended": "gold, ends here",
    "proxy_sft": "own score, SFT goes on",
    "proxy_policy": "own score, policy goes on",
    "proxy_soft": "own score, V*",
}
PANELS = {"within": "unfinished answers, within prompts", "step": "what one token adds"}
OF_NO_METHOD = ("score", "value")  # estimates that need no method beside their name
FEWEST = 24  # rows that a correlation by length needs

# What is followed as the answer grows: method, estimate, target.
GROWING = (("rlhf", "score", "proxy_sft"), ("rlhf", "value", "proxy_policy"), ("dpo", "implicit", "gold_soft"),
           ("dpo", "implicit", "gold_sft"))  # fmt: skip
COLOURS = (STARTS[1], *ALIGNED[:2], *ALIGNED[3:7])


@dataclass(frozen=True)
class Prefixes:
    """The beginnings of one trial's answers: one row each, estimates and exact values by their names."""

    trial: int
    rows: pd.DataFrame


def read_prefixes(sweep: Sweep) -> list[Prefixes]:
    """The finished trials' token values, in the order of the trials. Raises SweepFileError with one line."""
    trials = {f"{row.method}-{row.key}": int(row.trial) for row in sweep.done.itertuples()}
    found = []
    for path in sorted(sweep.path.parent.glob("stages/token_values-*/data.h5")):
        try:
            with h5py.File(path, "r", locking=False) as file:
                begin = file["beginnings"]
                model = _text(begin.attrs["model"])
                columns = {name: begin[name][()] for name in ("number", "position", "finished", "previous", "weight")}
                for group in ("estimates", "exact"):
                    columns |= {name: data[()] for name, data in file[group].items()}
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            raise SweepFileError(f"{path}: not a stage's token values: {error}") from error
        if model in trials:
            found.append(Prefixes(trials[model], pd.DataFrame(columns)))
    return sorted(found, key=lambda prefixes: prefixes.trial)


def _text(value: object) -> str:
    return value.decode().rstrip("\0") if isinstance(value, bytes) else str(value)


def table(sweep: Sweep, panel: str) -> pd.DataFrame:
    """Each correlation's mean over the seeds with its 95 % t-interval; rows (method, estimate), columns the targets."""
    rows = {}
    for method, estimate in arms(sweep, panel):
        values = sweep.done[sweep.done["method"] == method]
        names = {target: f"eval/token/{panel}/{estimate}/{target}" for target in TARGETS}
        known = {target: values[name].dropna() for target, name in names.items() if sweep.has(name)}
        rows[(method, estimate)] = {target: t_interval(column) for target, column in known.items() if len(column)}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(TARGETS)).dropna(axis=1, how="all")


def text_of(interval: Interval | float) -> str:
    """`.62 ± .04`; without the half width where one seed gives none, empty for what was not measured."""
    if not isinstance(interval, Interval):
        return ""
    return f"{interval.mean:.3f}" + (f" ± {interval.half_width:.3f}" if np.isfinite(interval.half_width) else "")


def arms(sweep: Sweep, panel: str) -> list[tuple[str, str]]:
    """(method, estimate) in the order of the sweep's methods."""
    methods = list(dict.fromkeys(sweep.done["method"]))
    pairs = [(method, estimate) for method in methods for estimate in ESTIMATES]
    return [(m, e) for m, e in pairs if sweep.done.loc[sweep.done["method"] == m].filter(
        regex=f"^eval/token/{panel}/{e}/").notna().any(axis=None)]  # fmt: skip


def distinct_arms(sweep: Sweep) -> list[tuple[str, str]]:
    """`arms` with the reward model's score once: all methods of a seed share it, on different answers."""
    found = arms(sweep, "within")
    return [(m, e) for place, (m, e) in enumerate(found)
            if e not in OF_NO_METHOD or e not in [estimate for _, estimate in found[:place]]]  # fmt: skip


def ceilings(sweep: Sweep, panel: str) -> dict[str, float]:
    """The correlation that a perfect estimate would have with each sampled target, mean over the trials."""
    result = {}
    for target in TARGETS:
        name = f"eval/token/noise/{panel}/{target}"
        if sweep.has(name):
            result[target] = float(np.sqrt(np.clip(1 - sweep.done[name].dropna(), 0, None)).mean())
    return result


def by_position(prefixes: Prefixes, estimate: str, target: str) -> pd.Series:
    """Weighted correlation over the unfinished beginnings of each length, all prompts together; not of a few rows."""
    rows = prefixes.rows[prefixes.rows["finished"] == 0]
    return pd.Series({
        position: weighted_correlation(part[estimate], part[target], part["weight"])
        for position, part in rows.groupby("position") if len(part) >= FEWEST
    })  # fmt: skip


def weighted_correlation(a: pd.Series, b: pd.Series, weight: pd.Series) -> float:
    """Pearson's; NaN where a column is the same everywhere."""
    share = weight / weight.sum()
    a, b = a - (share * a).sum(), b - (share * b).sum()
    squares = (share * a * a).sum() * (share * b * b).sum()
    return float((share * a * b).sum() / np.sqrt(squares)) if squares > 0 else np.nan


def draw(sweeps: Sequence[Sweep]) -> Figure:
    """One row of panels a sweep: correlations within prompts, of single tokens, and by the length of the beginning."""
    use_style()
    figure = plt.figure(figsize=(WIDTH * 1.3, 0.8 + 3.6 * len(sweeps)), layout="constrained")
    rows = figure.subfigures(len(sweeps), 1, squeeze=False, hspace=0.06)[:, 0]
    handles = {}
    for row, sweep in zip(rows, sweeps, strict=True):
        row.suptitle(sweep.path.resolve().parent.name, x=0.01, ha="left", fontsize=11, color=MUTED.light)
        axes = row.subplots(1, 3, width_ratios=(1, 1, 0.9))
        for panel_axes, (panel, title) in zip(axes, PANELS.items(), strict=False):
            draw_panel(panel_axes, sweep, panel)
            panel_axes.set_title(title)
            handles |= dict(zip(*reversed(panel_axes.get_legend_handles_labels()), strict=True))
        axes[1].tick_params(labelleft=False)
        draw_positions(axes[2], sweep)
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=6, frameon=False, fontsize=8.5)
    return figure


def draw_panel(axes: Axes, sweep: Sweep, panel: str) -> None:
    """A line an estimate, a mark a target: the mean over the seeds, with the seeds small beside it."""
    lines = distinct_arms(sweep)
    shown = {name: (colour, marker) for name, colour, marker in zip(TARGETS, COLOURS, MARKERS, strict=False)}
    for target, (colour, marker) in shown.items():
        places, means = [], []
        for place, (method, estimate) in enumerate(lines):
            name = f"eval/token/{panel}/{estimate}/{target}"
            if not sweep.has(name):
                continue
            values = sweep.done.loc[sweep.done["method"] == method, name].dropna()
            if values.empty:
                continue
            axes.plot(values, [place] * len(values), marker, color=colour.light, markersize=3, alpha=0.4, mew=0)
            places.append(place)
            means.append(values.mean())
        if means:
            axes.plot(means, places, marker, color=colour.light, markersize=6.5, label=TARGETS[target], mew=0)
    axes.set_yticks(range(len(lines)), [ESTIMATES[estimate] if estimate in OF_NO_METHOD else f"{method}: {ESTIMATES[estimate]}"
                                         for method, estimate in lines])  # fmt: skip
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.axvline(0, color=MUTED.light, linewidth=0.7)
    axes.set_xlim(min(-0.1, axes.get_xlim()[0]), 1.02)
    axes.set_xlabel("correlation")
    axes.grid(True, axis="y", color=GRID.light)


def growing(sweep: Sweep) -> dict[tuple[str, str, str], pd.DataFrame]:
    """`by_position` of each seed's trial, a column each, for each of GROWING that the sweep has."""
    methods = sweep.done.set_index("trial")["method"]
    prefixes = read_prefixes(sweep)
    found = {}
    for method, estimate, target in GROWING:
        curves = [
            by_position(one, estimate, target) for one in prefixes
            if methods[one.trial] == method and {estimate, target} <= set(one.rows)
        ]  # fmt: skip
        if curves:
            found[(method, estimate, target)] = pd.concat(curves, axis=1).sort_index().dropna()
    return found


def draw_positions(axes: Axes, sweep: Sweep) -> None:
    """How well the estimates follow what they are closest to as the answer grows: the mean, and thin lines of seeds."""
    curves = growing(sweep)
    for wanted, style in zip(GROWING, LINE_STYLES, strict=True):
        if wanted not in curves:
            continue
        method, estimate, target = wanted
        seeds, look = curves[wanted], {"linestyle": style, "color": method_colours(sweep.methods)[method].light}
        axes.plot(seeds.index, seeds, linewidth=0.7, alpha=0.35, **look)
        axes.plot(seeds.index, seeds.mean(axis=1), **look, label=f"{ESTIMATES[estimate]}: {TARGETS[target]}")
    axes.set_title("by tokens read, over prompts")
    axes.set_xlabel("tokens of the answer read")
    axes.axhline(0, color=MUTED.light, linewidth=0.7)
    axes.set_ylim(top=1.6)  # room for the legend
    axes.set_yticks([tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= 1])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    bare(axes, "y")
    axes.legend(frameon=False, fontsize=7.5, labelcolor=INK.light, loc="upper left")


def report(sweep: Sweep) -> str:
    """The tables of one sweep as text: correlations; their square is the share of variance explained."""
    parts = [f"{sweep.path.resolve().parent.name}: correlations, mean over the seeds and half of its 95 % t-interval (R^2 is their square)"]
    for panel, title in {**PANELS, "all": "unfinished answers, all prompts"}.items():
        numbers = table(sweep, panel)
        if numbers.empty:
            continue
        shown = numbers.map(text_of)
        shown.index = pd.Index([f"{method}: {estimate}" for method, estimate in numbers.index])
        limits = ceilings(sweep, panel)
        if limits:
            shown.loc["(a perfect estimate)"] = pd.Series(limits).map("{:.3f}".format)
        parts.append(f"{title}\n{shown.to_string(na_rep='')}")
    lengths = pd.DataFrame({f"{m}: {e}, {t}": seeds.mean(axis=1) for (m, e, t), seeds in growing(sweep).items()})
    parts.append(f"by tokens read, over prompts\n{lengths.to_string(float_format='{:.3f}'.format, na_rep='')}")
    whole = {method: sweep.done.loc[sweep.done["method"] == method, "eval/token/finished/score/gold"].mean()
             for method, estimate in arms(sweep, "within") if estimate == "score"}  # fmt: skip
    named = ", ".join(f"{method} {number:.3f}" for method, number in whole.items())
    parts.append(f"whole answers, within prompts: score with gold {named}")
    return "\n\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    parser = argparse.ArgumentParser(prog="reward_or_value.py", description="What each token's reward is worth.")
    parser.add_argument("results", type=Path, nargs="+", help="sweeps' folders")
    parser.add_argument("--out", type=Path, help="where to write the figure (default: figures in the first folder)")
    options = parser.parse_args(arguments)
    try:
        sweeps = [read_sweep(path) for path in options.results]
        for sweep in sweeps:
            if not sweep.metrics_under("eval/token"):
                raise SweepFileError(f"{sweep.path}: no eval/token/...; run with token_values.prompts above 0")
        texts = [report(sweep) for sweep in sweeps]
        out = options.out or sweeps[0].path.parent / "figures"
        out.mkdir(parents=True, exist_ok=True)
        save(draw(sweeps), out, "reward_or_value")
    except SweepFileError as error:
        print(f"reward_or_value.py: {error}", file=sys.stderr)
        return EXIT_IO
    except OSError as error:
        print(f"reward_or_value.py: {error.filename}: {error.strerror or error}", file=sys.stderr)
        return EXIT_IO
    print("\n\n\n".join(texts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
