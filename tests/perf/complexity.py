#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The figure of the README's section on speed: tokens a second over width, depth, context and batch of a small model, and
seconds of a sweep over trials and ranks.

    build/venv/bin/python tests/perf/complexity.py BUILD_FOLDER docs/figures/complexity.png"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "analysis"))

from peers import bench, mpirun, processor, sweep
from plot_style import ALIGNED, plt

AXES = {"width": "width", "depth": "layers", "context": "context", "batch": "sequences at once"}
MIDDLE = "64 wide, 2 layers, 32 sequences of 128 tokens"


def measure_models(build: Path, threads: int) -> dict[str, dict[str, list[tuple[int, float]]]]:
    found, _ = bench(build, "^complexity/", threads)
    lines: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for name, row in found.items():
        _, axis, value, work = name.split("/")
        lines.setdefault(axis, {}).setdefault(work, []).append((int(value), row["tokens/s"]))
    return lines


def seconds_of_sweep(build: Path, seeds: int, ranks: int) -> float:
    words = ["--set", f"sweep.seed=1..{seeds}", "--set", "pretrain.steps=100", "--set", "feedback.prompts=512",
             "--set", "rlhf.updates=10"]
    begin = time.perf_counter()
    sweep(build, ROOT / "experiments/demo/sweep.ini", *words, launcher=mpirun(ranks))
    return time.perf_counter() - begin


def main() -> None:
    build, output = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    lines = measure_models(build, 1)
    figure, places = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
    for place, (axis, label) in zip(places.flat, AXES.items()):
        for colour, (work, points) in zip(ALIGNED, lines[axis].items()):
            place.plot(*zip(*points), marker="o", color=colour.light, label=work)
        place.set(xscale="log", yscale="log", xlabel=label, ylabel="tokens/s")
        values = [value for value, _ in lines[axis]["training"]]
        place.set_xticks(values, [str(value) for value in values])
        place.minorticks_off()
    places.flat[0].legend(frameon=False)
    trials = [(3 * seeds, seconds_of_sweep(build, seeds, 1)) for seeds in (1, 2, 4, 8)]
    ranks = [(count, seconds_of_sweep(build, 8, count)) for count in (1, 2)]
    for place, points, label in ((places[1][1], trials, "trials, one rank of one thread"),
                                 (places[1][2], ranks, "ranks of one thread, 24 trials")):
        place.plot(*zip(*points), marker="o", color=ALIGNED[0].light)
        place.set(xlabel=label, ylabel="seconds", ylim=(0, None), xticks=[value for value, _ in points])
    figure.suptitle(f"{MIDDLE}, one dimension at a time; one thread of {processor()}", fontsize=10)
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=110)
    for axis, works in lines.items():
        for work, points in works.items():
            print(axis, work, *(f"{value}: {rate:,.0f}" for value, rate in points))
    print("seconds by trials", trials, "by ranks", ranks)


if __name__ == "__main__":
    main()
