#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the report of a sweep: report.html, figures/*.png and *.pdf, and a table of methods on the terminal.

    report.py results/demo

Reads results/demo/sweep.h5 and nothing else. Exit codes: 0 written; 2 usage; 3 input or output.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import matplotlib
import numpy as np
import pandas as pd
import scipy
from matplotlib.figure import Figure

import figures
import figures_training
import page
import terminal
from arms import Arms, find_arms
from comparisons import Families, compare_all, primary_metric
from plot_style import save, use_style
from sweep_file import Sweep, SweepFileError, read_sweep
from tables import method_tables

EXIT_USAGE, EXIT_IO = 2, 3

FigureMaker = Callable[[Arms, Families], Figure | None]

# In the order of the page. A maker returns None where the sweep has nothing to draw.
FIGURES: dict[str, FigureMaker] = {
    "differences": lambda arms, families: figures.differences(families, arms),
    "gold_by_stage": lambda arms, _: figures.gold_by_stage(arms),
    "reward_against_kl": lambda arms, _: figures.reward_against_kl(arms),
    "gold_components": lambda arms, _: figures.bars(arms, arms.sweep.metrics_under("eval/gold"), share=True),
    "behaviours": lambda arms, _: figures.bars(arms, arms.sweep.metrics_under("eval/behaviour"), share=True),
    "learning_curves": lambda arms, _: figures_training.learning_curves(arms),
    "cost_by_role": lambda arms, _: figures_training.cost_by_role(arms),
}

# Root attributes under plain names; the others follow under their own.
ATTRIBUTE_NAMES = {"software": "software", "softwareVersion": "version", "git_commit": "git commit", "date": "date",
                   "machine": "machine"}  # fmt: skip


def write_report(sweep: Sweep, out: Path, metric: str = "") -> str:
    """Writes report.html and figures/ into `out`; returns the text for the terminal.

    metric: what methods are compared by; '' takes gold reward, else the next best thing that the sweep has.
    """
    arms = find_arms(sweep)
    families = compare_all(arms, metric or primary_metric(arms))
    tables = method_tables(arms)
    drawn = write_figures(arms, families, out / "figures")
    title = sweep.attributes.get("experiment") or sweep.path.resolve().parent.name or "sweep"
    html = page.render(page.Report(title, arms, families, tables, drawn, provenance(sweep)))
    publish(out / "report.html", html)
    return terminal.render(arms, families, tables)


def write_figures(arms: Arms, families: Families, folder: Path) -> dict[str, str]:
    """Writes the figures; returns their SVG by name. Files of a figure that no longer applies are removed."""
    use_style()
    folder.mkdir(parents=True, exist_ok=True)
    drawn: dict[str, str] = {}
    for name, make in FIGURES.items():
        figure = make(arms, families)
        if figure is not None:
            drawn[name] = save(figure, folder, name)
            continue
        for kind in ("png", "pdf"):
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return drawn


def provenance(sweep: Sweep) -> dict[str, str]:
    """Where the numbers come from: the stages of the trials, the index, and the libraries that made the report."""
    facts = {
        ATTRIBUTE_NAMES.get(fact, fact): "; ".join(
            f"{value} ({count} of {len(sweep.done)} trials)" if len(values) > 1 else value
            for value, count in values.items()
        )
        for fact, values in sweep.provenance().items()
    }
    known = {name: sweep.attributes[key] for key, name in ATTRIBUTE_NAMES.items() if key in sweep.attributes}
    others = {k: v for k, v in sweep.attributes.items() if k not in ATTRIBUTE_NAMES and not k.startswith("_Nc")}
    counts = sweep.trials["status"].value_counts()
    # What the index says of itself is its last writer's; it gives way to what the trials say.
    return {
        **known,
        **others,
        **facts,
        **sweep.circumstances(),
        "trials": ", ".join(f"{n} {status}" for status, n in counts.items()) or "none",
        "file": sweep.path.name,
        "file's SHA-256": hashlib.sha256(sweep.path.read_bytes()).hexdigest(),
        "analysed with": f"Python {sys.version.split()[0]}, h5py {h5py.__version__}, numpy {np.__version__}, "
        f"pandas {pd.__version__}, scipy {scipy.__version__}, matplotlib {matplotlib.__version__}",
    }


def publish(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_name(path.name + f".{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="report.py", description="Writes the report of a sweep from its sweep.h5.")
    parser.add_argument("results", type=Path, help="the sweep's folder, or its sweep.h5")
    parser.add_argument("--out", type=Path, help="where to write report.html and figures/ (default: the folder)")
    parser.add_argument("--metric", default="", metavar="NAME", help="compare methods by this column of /trials")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; returns its exit code."""
    options = parse(arguments)
    try:
        sweep = read_sweep(options.results)
        if options.metric and not sweep.has(options.metric):
            known = [name for name in sweep.trials if name.startswith("eval/") and sweep.has(name)]
            print(f"report.py: --metric {options.metric}: no values; there are {', '.join(known)}", file=sys.stderr)
            return EXIT_USAGE
        out = options.out or sweep.path.parent
        text = write_report(sweep, out, options.metric)
    except SweepFileError as error:
        print(f"report.py: {error}", file=sys.stderr)
        return EXIT_IO
    except OSError as error:
        print(f"report.py: {error.filename or options.results}: {error.strerror or error}", file=sys.stderr)
        return EXIT_IO
    try:
        print(terminal.encodable(f"{text}\n\nreport: {out / 'report.html'}", sys.stdout.encoding), flush=True)
    except BrokenPipeError:  # the reader of a pipe has left; the report stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
