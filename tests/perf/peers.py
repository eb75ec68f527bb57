#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""This project beside transformers on PyTorch and TRL, in turn on the same shapes, in one run: prints a table with
ratios and writes it as JSON with what is known of build and machine. A speed by itself says little: machines differ, and
are shared. For `make -f Makefile.hpc bench PEERS=1`, which makes the peers' Python.

    peers.py BUILD_FOLDER PEER_PYTHON OUTPUT.json [--sizes nano,micro,small,base] [--threads N]"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

# Name in bench_alignsweep; width, depth, heads, hidden, vocabulary, length, batch.
SIZES = {
    "nano": ("nano_128", 64, 2, 4, 172, 512, 128, 32),
    "micro": ("micro_128", 128, 4, 4, 344, 1024, 128, 16),
    "small": ("small_128", 256, 6, 8, 688, 1024, 128, 16),
    "base": ("base_256", 512, 8, 8, 1376, 4096, 256, 8),
}
PAIRS = 512


class PeersError(Exception):
    pass


def run(command: list[str | Path], threads: int, **more) -> str:
    # No processor's name in the environment chooses kernels for only one of the two.
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    # Open MPI refuses root, and more ranks than cores, unless told.
    environment |= {"OMP_NUM_THREADS": str(threads), "OMP_PROC_BIND": "false", "OMPI_ALLOW_RUN_AS_ROOT": "1",
                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
                    "OMPI_MCA_hwloc_base_binding_policy": "none"}
    done = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise PeersError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def bench(build: Path, pattern: str, threads: int) -> tuple[dict[str, dict], dict]:
    """Medians by name, and the run's context."""
    text = run([build / "bench_alignsweep", f"--benchmark_filter={pattern}", "--benchmark_format=json"], threads)
    found = json.loads(text)
    return {b["run_name"].removesuffix("/real_time"): b for b in found["benchmarks"]
            if b.get("aggregate_name") == "median"}, found["context"]


def peer(python: Path, script: str, *words: object, threads: int) -> dict:
    return json.loads(run([python, HERE / script, *map(str, words)], threads).splitlines()[-1])


def write_texts(folder: Path) -> tuple[Path, Path, Path]:
    """Prose to learn tokens from, pairs, and thumbs: prompts of 40 characters, answers of 80."""
    sources = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")),
               *sorted(ROOT.glob("experiments/*/README.md"))]
    text = "\n\n".join(source.read_text(encoding="utf-8") for source in sources)
    corpus, pairs, thumbs = folder / "corpus.txt", folder / "pairs.jsonl", folder / "thumbs.jsonl"
    corpus.write_text(text, encoding="utf-8")
    step = (len(text) - 125) // PAIRS
    starts = [i * step for i in range(PAIRS)]
    rows = [{"prompt": text[i:i + 40], "chosen": text[i + 40:i + 120], "rejected": text[i + 45:i + 125]} for i in starts]
    pairs.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    thumbs.write_text("".join(json.dumps({"prompt": row["prompt"], "completion": row["chosen" if good else "rejected"],
                                          "label": bool(good)}) + "\n" for i, row in enumerate(rows)
                              for good in [i % 2]), encoding="utf-8")
    return corpus, pairs, thumbs


def sweep(build: Path, experiment: Path, *words: str, threads: int = 1, ranks: int = 1) -> list[dict]:
    """Its stages' stage.json."""
    with tempfile.TemporaryDirectory() as folder:
        run(["mpirun", "-n", ranks, build / "alignsweep", "sweep", experiment, *words, "--out", folder], threads, cwd=ROOT)
        return [json.loads(file.read_text(encoding="utf-8")) for file in Path(folder).glob("stages/*/stage.json")]


def examples_per_second(build: Path, method: str, shape: tuple, texts: tuple[Path, Path, Path], threads: int) -> float:
    """Of the program itself: what a method learned from, by the seconds of its stage and of its reference's."""
    _, width, depth, heads, hidden = shape[:5]
    corpus, pairs, thumbs = texts
    settings = {
        "sweep.method": method, "sweep.seed": 1, "data.corpus": corpus, "data.preferences": pairs, "data.heldout_share": 0.01,
        "tokenizer.vocabulary": 1024, "model.width": width, "model.depth": depth, "model.heads": heads,
        "model.kv_heads": heads, "model.hidden": hidden, "model.context": 256, "pretrain.steps": 1, "sft.epochs": 1,
        "reward_model.epochs": 1, f"{method}.batch": 16, f"{method}.epochs": 1, "evaluate.max_new_tokens": 8,
    }
    if method == "kto":
        settings["data.thumbs"] = thumbs
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    stages = {stage["kind"]: stage for stage in sweep(build, ROOT / "configs/nano.ini", *words, threads=threads)}
    # The stage scores for every method; what this one reads of it counts.
    read, scored = stages[method]["costs"]["tokens/policy"], stages["reference"]["costs"]["tokens/reference"]
    share = min(1.0, read / scored)
    seconds = stages[method]["seconds"] + share * stages["reference"]["seconds"]
    return stages[method]["costs"]["labels/policy"] / seconds


def seconds_of_demo(build: Path, seeds: int, ranks: int) -> float:
    """Of a shortened demo with ranks of one thread."""
    words = ["--set", f"sweep.seed=1..{seeds}", "--set", "pretrain.steps=150", "--set", "feedback.prompts=512",
             "--set", "rlhf.updates=10"]
    begin = time.perf_counter()
    sweep(build, ROOT / "experiments/demo/sweep.ini", *words, ranks=ranks)
    return time.perf_counter() - begin


def two_ranks(build: Path) -> float:
    """Seconds on one core over twice the seconds on two, the better of two runs: 1 where nothing is lost."""
    one, two = (min(seconds_of_demo(build, 4, ranks) for _ in range(2)) for ranks in (1, 2))
    return one / (2.0 * two)


class Table:
    def __init__(self) -> None:
        self.rows: list[dict] = []

    def add(self, work: str, unit: str, ours: float, peers: dict[str, float], fast: float | None = None) -> None:
        best = max(peers.values(), default=None)
        row = {"work": work, "unit": unit, "portable": ours, "fast": fast, "peers": peers,
               "ratio": ours / best if best else None}
        self.rows.append(row)
        others = ", ".join(f"{name} {value:,.5g}" for name, value in peers.items()) or "-"
        ratio = f"{row['ratio']:.2f}" if best else "-"
        print(f"{work:34s} {unit:8s} {ours:12,.5g} {f'{fast:,.5g}' if fast else '-':>12s}  {ratio:>6s}  {others}", flush=True)


def compare_models(table: Table, build: Path, python: Path, sizes: list[str], threads: int, context: dict) -> None:
    best_sgemm = {}
    squares, facts = bench(build, "^gemm/square", threads)
    context |= facts
    print(f"{facts['processor']}, {facts['instructions']}, {threads} threads, FP32; ratio: portable over the best peer")
    print(f"{'work':34s} {'unit':8s} {'portable':>12s} {'fast':>12s}  {'ratio':>6s}  peers", flush=True)
    best_sgemm["portable"] = max(b["GF/s"] for name, b in squares.items() if not name.endswith("_fast"))
    best_sgemm["vendor"] = max((b["GF/s"] for name, b in squares.items() if name.endswith("_fast")), default=0.0)
    shares = []
    for size in sizes:
        name, *shape = SIZES[size]
        batch = shape[-1]
        ours, _ = bench(build, f"^model/{name}/(training|generation)", threads)
        eager = peer(python, "peer_torch.py", threads, *shape, threads=threads)
        compiled = peer(python, "peer_torch.py", threads, *shape, "compile", threads=threads)
        context["torch"] = eager["torch"]
        best_sgemm["torch"] = max(best_sgemm.get("torch", 0.0), eager["sgemm"])

        def of(what: str) -> tuple[float, float | None]:
            fast = ours.get(f"model/{name}/{what}_fast")
            return ours[f"model/{name}/{what}"]["tokens/s"], fast["tokens/s"] if fast else None

        value, fast = of("training_step")
        table.add(f"{size}: training", "tokens/s", value,
                  {"eager": eager["training"], "compiled": compiled["training"]}, fast)
        shares.append((size, ours[f"model/{name}/training_step"]["GF/s"]))
        for what, rows in (("generation", batch), ("generation_256", 256)):
            if f"generation_{rows}" in eager:
                value, fast = of(what)
                table.add(f"{size}: generation, {rows} rows", "tokens/s", value, {"eager": eager[f"generation_{rows}"]}, fast)
    limit = max(best_sgemm.values())
    for size, rate in shares:
        table.add(f"{size}: training, 6N / best sgemm", "share", rate / limit, {})
    context["best_sgemm_gflops"] = best_sgemm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("python", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    sizes = options.sizes.split(",")
    if unknown := set(sizes) - set(SIZES):
        parser.error(f"--sizes: no {', '.join(sorted(unknown))}; there are {', '.join(SIZES)}")
    threads = options.threads
    table, context = Table(), {}
    try:
        compare_models(table, options.build, options.python, sizes, threads, context)
        with tempfile.TemporaryDirectory() as folder:
            texts = write_texts(Path(folder))
            for method, most, unit in (("dpo", 256, "pairs/s"), ("kto", 128, "labels/s")):
                for size in sizes:
                    shape = SIZES[size]
                    if shape[1] > most:
                        continue
                    ours = examples_per_second(options.build, method, shape, texts, threads)
                    theirs = peer(options.python, "peer_trl.py", method, threads, *shape[1:5], texts[0],
                                  texts[1] if method == "dpo" else texts[2], threads=threads)
                    context["trl"] = theirs["trl"]
                    table.add(f"{size}: {method}, reference included", unit, ours, {"TRL": theirs["examples"]})
        table.add("sweep on 2 ranks of 1 thread", "of ideal", two_ranks(options.build), {})
    except (PeersError, OSError, KeyError, ValueError) as error:
        print(f"peers: {error}", file=sys.stderr)
        return 1
    finally:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps({"threads": threads, "context": context, "rows": table.rows}, indent=1) + "\n", encoding="utf-8")
    print(f"written: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
