#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of the enumerable world: how far each method stays from the exact optimum.

    exact.py results/exact [--pairs results/exact-pairs] [--out FOLDER]

Reads sweep.h5 of each folder, and data.h5 of evaluations for single responses; nothing else. Writes gap_beta,
gap_pairs (with --pairs) and recovered_reward as PNG and PDF, and prints the table of gaps. Exit codes: 0 written;
2 usage; 3 input or output.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from plot_style import INK, MUTED, STARTS, WIDTH, bare, legend_above, method_colours, save, space_panels, use_style
from sweep_file import Sweep, SweepFileError, read_sweep

EXIT_IO = 3
TOLERANCE = 0.02  # reward units; what PPO with the gold reward and DPO have to reach
GAP, OPTIMUM, KL_FROM_OPTIMUM = "eval/exact/gap", "eval/exact/optimum", "eval/exact/kl_from_optimum"
SHOWN = ("sft", "best_of_n", "kto", "rlhf", "dpo")
NAMES = {"sft": "SFT (start)", "best_of_n": "best of n (best n)", "kto": "KTO", "rlhf": "PPO", "dpo": "DPO"}
LABELS = {"choices": "one drawn choice each", "probabilities": "its probability"}


def own_betas(sweep: Sweep) -> pd.Series:
    """The beta of each trial that has an optimum; NaN elsewhere."""
    done = sweep.done
    beta = pd.Series(np.nan, done.index)
    for method in sweep.methods:
        if method.beta_key in done:
            beta = beta.where(done["method"] != method.name, done[method.beta_key].astype(float))
    return beta


def gaps(sweep: Sweep) -> pd.DataFrame:
    """method, seed, beta, gap, KL(pi* || pi), labelled pairs, kind of label: one row an aligned model; for models without
    a beta, one at each beta of the others.

    SFT and best of n are held against the optimum of the same seed, which any trial with that beta knows: their gap is
    J* - (gold - beta KL). Of several n, the best at each beta counts.
    """
    done = sweep.done.assign(beta=own_betas(sweep))
    columns = ["method", "seed", "beta", "gap", "kl_from_optimum", "pairs", "labels"]
    if GAP not in done or "eval/kl" not in done:
        return pd.DataFrame(columns=columns)
    done["pairs"] = done["feedback.prompts"] if "feedback.prompts" in done else np.nan
    done["labels"] = done["feedback.labels"].astype(str) if "feedback.labels" in done else ""
    rows = done[done[GAP].notna() & done["beta"].notna()]
    own = rows.rename(columns={GAP: "gap", KL_FROM_OPTIMUM: "kl_from_optimum"}).reindex(columns=columns)
    optimum = rows.groupby(["seed", "beta"])[OPTIMUM].first().reset_index()
    others = done[done["method"].isin(["sft", "best_of_n"])]
    others = others[["method", "seed", "pairs", "labels", "eval/gold_reward", "eval/kl"]].merge(optimum, on="seed")
    others["gap"] = others[OPTIMUM] - others["eval/gold_reward"] + others["beta"] * others["eval/kl"]
    groups = others.groupby(["method", "seed", "beta", "pairs", "labels"], dropna=False)
    return pd.concat([groups["gap"].min().reset_index(), own], ignore_index=True).reindex(columns=columns)


def beside(count: int, width: float) -> np.ndarray:
    """Factors that set `count` groups side by side on a logarithmic axis."""
    return np.exp(width * (np.arange(count) - (count - 1) / 2))


def draw_line_of_tolerance(axes, text: bool = True) -> None:
    """The gap that is asked for."""
    axes.axhline(TOLERANCE, color=INK.light, linewidth=1.0, linestyle=(0, (5, 2)), zorder=1)
    if text:
        axes.annotate(f"{TOLERANCE:g}", (1, TOLERANCE), (4, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", va="center", fontsize=9, color=INK.light)  # fmt: skip


def gap_against_beta(sweep: Sweep, table: pd.DataFrame) -> Figure:
    """The gap, and KL(pi* || pi) of the models that know it: one point a seed, methods side by side at every beta."""
    methods = [method for method in SHOWN if (table["method"] == method).any()]
    colours = method_colours(sweep.methods)
    betas = sorted(table["beta"].unique())
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, column in ((left, "gap"), (right, "kl_from_optimum")):
        for method, factor in zip(methods, beside(len(methods), 0.09), strict=True):
            rows = table[(table["method"] == method) & table[column].notna()]
            axes.plot(rows["beta"] * factor, rows[column], "o", color=colours[method].light, alpha=0.75, markersize=5,
                      label=NAMES[method])  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="beta")
        axes.set_xlim(betas[0] / 1.6, betas[-1] * 1.6)
        axes.set_xticks(betas, [f"{beta:g}" for beta in betas])
        axes.xaxis.minorticks_off()
        bare(axes, "y")
    draw_line_of_tolerance(left)
    left.set(title="Distance from the exact optimum, one point a seed", ylabel="J* - J, reward units")
    right.set(title="What the policy has given up", ylabel="KL(pi* || pi), nats")
    legend_above(figure, *left.get_legend_handles_labels())
    space_panels(figure)
    return figure


def gap_against_pairs(sweep: Sweep) -> Figure | None:
    """A thin line a seed and its median over the number of labelled pairs; a panel a kind of label and a beta."""
    table = gaps(sweep)
    arms = table[table["pairs"].notna() & (table["method"] != "sft")]
    if arms.empty:
        return None
    methods = [method for method in SHOWN if (arms["method"] == method).any()]
    colours = method_colours(sweep.methods)
    panels = sorted(set(zip(arms["labels"], arms["beta"], strict=True)))
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    for axes, (labels, beta) in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        shown = arms[(arms["labels"] == labels) & (arms["beta"] == beta)]
        for method in methods:
            if method == "kto" and labels == "probabilities":
                continue  # it reads drawn choices whatever the pairs hold
            lines = shown[shown["method"] == method].pivot_table(index="pairs", columns="seed", values="gap")
            style = {"color": colours[method].light, "marker": "o", "markersize": 3}
            axes.plot(lines.index, lines, **style, linewidth=0.8, alpha=0.35)
            axes.plot(lines.index, lines.median(axis=1), **style, label=NAMES[method].removesuffix(" (best n)"))
        start = table[(table["method"] == "sft") & (table["beta"] == beta)]["gap"]
        if len(start):
            axes.axhline(start.median(), color=STARTS[1].light, linewidth=1.0, label=NAMES["sft"])
        draw_line_of_tolerance(axes, text=axes.get_subplotspec().is_last_col())
        axes.set(xscale="log", yscale="log", xlabel="labelled pairs")
        axes.set_title(", ".join([LABELS.get(labels, labels)] * bool(labels) + [f"beta = {beta:g}"]))
        sizes = sorted(shown["pairs"].unique())
        axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axes.xaxis.minorticks_off()
        bare(axes, "y")
    figure.axes[0].set_ylabel("J* - J, reward units")
    legend_above(figure, *figure.axes[0].get_legend_handles_labels())
    space_panels(figure)
    return figure


def responses_of(sweep: Sweep, trial: pd.Series) -> dict[str, np.ndarray] | None:
    """Every response's gold reward, recovered reward and probability under the SFT model, of one aligned model.

    The evaluation of a model is found by the name of the model in it.
    """
    model = f"{trial['method']}-{trial['key']}"
    for path in sorted((sweep.path.parent / "stages").glob("evaluate-*/data.h5")):
        with h5py.File(path, "r", locking=False) as file:
            exact = file.get("exact")
            name = exact.attrs.get("model", b"") if exact is not None else b""
            if (name.decode() if isinstance(name, bytes) else str(name)) != model or "recovered" not in exact:
                continue
            columns = {name: exact[name][()] for name in ("recovered", "reference")}
            columns["gold"] = file["answers/gold"][()]
            columns["prompt"] = file["answers/prompt/tokens"][()], file["answers/prompt/offsets"][()]
            return columns
    return None


def centred(values: np.ndarray, prompts: tuple[np.ndarray, np.ndarray], log_weights: np.ndarray) -> np.ndarray:
    """Values less their mean over each prompt's responses under the SFT model: only differences are identified."""
    tokens, offsets = prompts
    keys = [tokens[a:b].tobytes() for a, b in itertools.pairwise(offsets)]
    frame = pd.DataFrame({"key": keys, "weighted": values * np.exp(log_weights), "weight": np.exp(log_weights)})
    sums = frame.groupby("key")[["weighted", "weight"]].transform("sum")
    return values - (sums["weighted"] / sums["weight"]).to_numpy()


def weighted_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The smallest of the values that this share of the weight does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / np.sum(weights)
    return float(values[order][np.searchsorted(reached, share)])


def recovered_against_gold(sweep: Sweep) -> Figure | None:
    """beta log(pi / ref) against the gold reward, each less its prompt's mean: a row a method, a column a beta.

    Of the first seed; a panel's title names it.
    """
    done = sweep.done.assign(beta=own_betas(sweep))
    if GAP not in done:
        return None
    done = done[done[GAP].notna() & done["beta"].notna()]
    methods = [method for method in ("rlhf", "dpo", "kto") if (done["method"] == method).any()]
    betas = sorted(done["beta"].unique())
    if not methods:
        return None
    colours = method_colours(sweep.methods)
    figure = Figure(figsize=(WIDTH, 2.6 * len(methods) + 0.3), layout="constrained")
    grid = figure.subplots(len(methods), len(betas), sharex=True, sharey="row", squeeze=False)
    for row, method in zip(grid, methods, strict=True):
        span = 0.0
        for axes, beta in zip(row, betas, strict=True):
            trials = done[(done["method"] == method) & (done["beta"] == beta)].sort_values("seed")
            data = responses_of(sweep, trials.iloc[0]) if len(trials) else None
            if data is None:
                axes.set_axis_off()
                continue
            gold, recovered = (centred(data[name], data["prompt"], data["reference"]) for name in ("gold", "recovered"))
            low, high = gold.min(), gold.max()
            # What the SFT model hardly ever says may be anywhere: most of its answers have to be seen.
            span = max(span, 1.4 * high, weighted_quantile(np.abs(recovered), np.exp(data["reference"]), 0.98))
            axes.plot([low, high], [low, high], color=MUTED.light, linewidth=1.0)
            axes.scatter(gold, recovered, s=3e3 * np.exp(data["reference"]).clip(5e-4, 2e-2), alpha=0.4, linewidths=0,
                         color=colours[method].light)  # fmt: skip
            r2 = trials.iloc[0]["eval/exact/reward_recovered_r2"]
            shown = f"= {r2:.3f}" if r2 >= 0 else "< 0"
            seed = trials.iloc[0]["seed"]
            axes.set_title(f"{NAMES[method]}, beta = {beta:g}, seed {seed:g}: r² {shown}", fontsize=9)
        if span > 0:
            row[0].set_ylim(-span, span)
    for axes in grid[-1]:
        axes.set_xlabel("gold reward less its mean")
    for axes in grid[:, 0]:
        axes.set_ylabel("beta log-ratio less its mean")
    return figure


def gap_table(table: pd.DataFrame) -> str:
    """Largest gap over the seeds, and the seeds, by method and beta."""
    lines = [f"{'method':<12}{'beta':>6}{'seeds':>7}{'median gap':>12}{'largest':>10}"]
    for (method, beta), rows in table.groupby(["method", "beta"]):
        worst = rows["gap"].max()
        met = "" if worst > TOLERANCE else f"  <= {TOLERANCE:g}"
        lines.append(f"{method:<12}{beta:>6g}{len(rows):>7}{rows['gap'].median():>12.4f}{worst:>10.4f}{met}")
    return "\n".join(lines)


def write(sweep: Sweep, pairs: Sweep | None, out: Path) -> str:
    """Writes the figures that the sweeps have data for; returns the table."""
    table = gaps(sweep)
    if table.empty:
        raise SweepFileError(f"{sweep.path}: no finished trial has {GAP}; it needs world.kind = enumerable")
    use_style()
    out.mkdir(parents=True, exist_ok=True)
    drawn = {
        "gap_beta": gap_against_beta(sweep, table),
        "gap_pairs": gap_against_pairs(pairs) if pairs else None,
        "recovered_reward": recovered_against_gold(sweep),
    }
    for name, figure in drawn.items():
        if figure is not None:
            save(figure, out, name)
    return gap_table(table)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="exact.py", description="Figures of the enumerable world.")
    parser.add_argument("results", type=Path, help="folder of the sweep over beta, or its sweep.h5")
    parser.add_argument("--pairs", type=Path, help="folder of the sweep over the number of pairs, or its sweep.h5")
    parser.add_argument("--out", type=Path, help="where to write (default: figures/ beside the first sweep.h5)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    options = parse(arguments)
    try:
        sweep = read_sweep(options.results)
        pairs = read_sweep(options.pairs) if options.pairs else None
        out = options.out or sweep.path.parent / "figures"
        print(write(sweep, pairs, out))
    except SweepFileError as error:
        print(f"exact.py: {error}", file=sys.stderr)
        return EXIT_IO
    except OSError as error:
        print(f"exact.py: {error.filename or options.results}: {error.strerror or error}", file=sys.stderr)
        return EXIT_IO
    print(f"figures: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
