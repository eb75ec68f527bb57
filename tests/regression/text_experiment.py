#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""experiments/text on its samples, cut down to a few steps: every stage runs on text and JSONL files, and the counts
of what was read are right. Use: text_experiment.py PROGRAM REPOSITORY"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

program, repository = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
samples = repository / "tests/data/samples"

FEW_STEPS = """
sweep.seed=1 model.width=32 model.depth=1 model.hidden=64 pretrain.steps=6 pretrain.batch=4 pretrain.length=24 sft.epochs=1
reward_model.epochs=1 rlhf.updates=2 rlhf.episodes=8 rlhf.minibatch=4 rlhf.epochs=1 rlhf.max_new_tokens=12
dpo.epochs=1 kto.epochs=1 sweep.method=rlhf,dpo,kto,best_of_n,online_dpo,online_kto best_of_n.n=2 online_dpo.updates=2
online_dpo.prompts=8 online_dpo.max_new_tokens=12 online_kto.updates=2 online_kto.prompts=8 online_kto.max_new_tokens=12
evaluate.max_new_tokens=12 evaluate.documents=4
""".split()

METHODS = ["base", "sft", "rlhf", "dpo", "kto", "best_of_n", "online_dpo", "online_kto"]


def run(out, *settings):
    """Runs the sweep; returns the metrics of its stages by kind."""
    command = [program, "sweep", repository / "experiments/text/sweep.ini", "--out", out]
    for setting in [*FEW_STEPS, *settings]:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})
    rows = [line.split()[:3] for line in done.stdout.splitlines() if "done" in line.split()[2:3]]
    methods = [row[0] for row in rows]
    if done.returncode != 0 or methods != METHODS:
        sys.exit(f"exit code {done.returncode}, done: {methods}\n{done.stdout}\n{done.stderr}")
    manifests = [json.loads(path.read_text()) for path in sorted(Path(out).glob("stages/*/stage.json"))]
    return {manifest["kind"]: manifest["metrics"] for manifest in manifests}


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got}, expected {wanted}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "preferences.jsonl.gz"
        packed.write_bytes(gzip.compress((samples / "preferences.jsonl").read_bytes()))
        plain = run(f"{folder}/plain")
        expect("pairs", plain["feedback"]["feedback/pairs"], 150)
        expect("thumbs", plain["feedback"]["feedback/thumbs"], 120)
        expect("dropped rows", plain["feedback"]["feedback/dropped"], 0)
        expect("SFT rows of training prompts only", 0 < plain["corpus"]["corpus/sft_examples"] < 60, True)
        expect("a held-out perplexity", plain["evaluate"]["eval/perplexity"] > 1.0, True)
        expect("held-out prompts, each once", plain["evaluate"]["eval/prompts"] > 30, True)

        # The same pairs in a compressed file; without thumbs the pairs are taken apart, without SFT rows the chosen
        # answers serve; a context that many rows do not fit drops them, and never ends in an error.
        packed_set = f"data.preferences={packed}"
        short = run(f"{folder}/short", packed_set, "data.thumbs=", "data.sft=", "model.context=40")
        pairs = short["feedback"]["feedback/pairs"]
        expect("thumbs from pairs", short["feedback"]["feedback/thumbs"], 2 * pairs)
        expect("every row is counted", pairs + short["feedback"]["feedback/dropped"], 150)
        expect("some rows are too long", 0 < pairs < 150, True)
        cut = run(f"{folder}/cut", packed_set, "data.thumbs=", "data.sft=", "model.context=40",
                  "data.too_long=truncate_left")
        expect("cut prompts keep more rows", pairs < cut["feedback"]["feedback/pairs"], True)


if __name__ == "__main__":
    main()
