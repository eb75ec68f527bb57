#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figure of the README's section on speed: tokens a second over width, depth, context and batch of a small model, and
seconds of a sweep over trials and ranks.

    build/venv/bin/python tests/perf/complexity.py BUILD_FOLDER docs/figures/complexity.png

The numbers go to results/bench/complexity.json; that file in place of the folder is drawn once more. A generated token
counts as one; before 32 of them each row reads a prompt that fills the rest of its context."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "analysis"))

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from peers import bench, seconds_of_demo
from plot_style import ALIGNED, plt

AXES = {"width": "width", "depth": "layers", "context": "context", "batch": "sequences at once"}
MIDDLE = "64 wide, 2 layers, 32 sequences of 128 tokens"


def measure(build: Path) -> dict:
    found, context = bench(build, "^complexity/", threads=1)
    lines: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for name, row in found.items():
        _, axis, value, work = name.split("/")
        lines.setdefault(axis, {}).setdefault(work, []).append((int(value), row["tokens/s"]))
    return {"processor": context["processor"], "models": lines,
            "trials": [(3 * seeds, seconds_of_demo(build, seeds, 1)) for seeds in (1, 2, 4, 8)],
            "ranks": [(count, seconds_of_demo(build, 8, count)) for count in (1, 2)]}


def draw(found: dict) -> Figure:
    figure, places = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
    for place, (axis, label) in zip(places.flat, AXES.items()):
        for colour, (work, points) in zip(ALIGNED, found["models"][axis].items()):
            place.plot(*zip(*points), marker="o", color=colour.light, label=work)
        place.set(xscale="log", yscale="log", xlabel=label, ylabel="tokens/s")
        values = [value for value, _ in found["models"][axis]["training"]]
        place.set_xticks(values, [str(value) for value in values])
        place.xaxis.set_minor_locator(NullLocator())
        place.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        place.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate / 1000:g}k"))
        place.yaxis.set_minor_locator(NullLocator())
    places.flat[0].legend(frameon=False)
    for place, name, label in ((places[1][1], "trials", "trials, one rank of one thread"),
                               (places[1][2], "ranks", "ranks of one thread, 24 trials")):
        place.plot(*zip(*found[name]), marker="o", color=ALIGNED[0].light)
        place.set(xlabel=label, ylabel="seconds", ylim=(0, None), xticks=[value for value, _ in found[name]])
    figure.suptitle(f"{MIDDLE}, one dimension at a time; one thread of {found['processor']}", fontsize=10)
    return figure


def main() -> None:
    source, output = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    if source.is_dir():
        found = measure(source)
        numbers = ROOT / "results/bench/complexity.json"
        numbers.parent.mkdir(parents=True, exist_ok=True)
        numbers.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    else:
        found = json.loads(source.read_text(encoding="utf-8"))
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(found).savefig(output, dpi=110)


if __name__ == "__main__":
    main()
