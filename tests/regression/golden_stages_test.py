#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bits of every stage kind, on tiny models, against digests that are kept in tests/golden/stages.json, with each set
of instructions that this processor has and with 1, 2 and 3 threads: a change that moves bits without raising the kind's
version is caught, and a machine that would compute others.

    golden_stages_test.py PROGRAM            compares
    golden_stages_test.py PROGRAM --update   keeps what this program gives"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import program
from program import run

GOLDEN = Path(__file__).resolve().parents[1] / "golden/stages.json"
SAMPLES = Path(__file__).resolve().parents[1] / "data/samples"

METHODS = """
[sweep]
method = rlhf, dpo, kto, best_of_n, online_dpo, online_kto
[online_dpo]
updates = 3
prompts = 6
max_new_tokens = 12
[online_kto]
updates = 3
prompts = 6
max_new_tokens = 12
[best_of_n]
n = 3
"""
SIMULATED = program.TINY + METHODS + "[token_values]\nprompts = 3\ncontinuations = 3\n"
REAL = program.TINY.replace("context = 96", "context = 48") + METHODS + f"""
[data]
corpus = {SAMPLES}/corpus.txt
sft = {SAMPLES}/sft.jsonl
preferences = {SAMPLES}/preferences.jsonl
thumbs = {SAMPLES}/thumbs.jsonl
"""


def bits(folder):
    """What a stage computed: its weights and data, and its final metrics. metrics.h5 names units and may be mended."""
    manifest = json.loads((folder / "stage.json").read_text())
    files = {name: fact["digest"] for name, fact in manifest["files"].items() if name != "metrics.h5"}
    numbers = {name: value if isinstance(value, str) else float(value).hex() for name, value in manifest["metrics"].items()}
    text = json.dumps([files, numbers], sort_keys=True)
    return manifest, hashlib.sha256(text.encode()).hexdigest()[:16]


def version_of(identity):
    return int(next(line for line in identity.splitlines() if line.startswith("version=")).removeprefix("version="))


def measure(folder, instructions, threads):
    """kind -> [version, digest over all its stages]."""
    stages, versions = {}, {}
    way = {"ALIGNSWEEP_INSTRUCTIONS": instructions, "OMP_NUM_THREADS": str(threads)}
    for name, text in (("simulated", SIMULATED), ("real", REAL)):
        ini, out = folder / f"{name}.ini", folder / f"{name}-{instructions}"
        ini.write_text(text)
        done = run("sweep", ini, "--out", out, **way)
        assert done.returncode == 0, done.stderr
        for stage in sorted((out / "stages").glob("*/stage.json")):
            manifest, digest = bits(stage.parent)
            stages.setdefault(manifest["kind"], []).append(f"{name} {digest}")
            versions[manifest["kind"]] = version_of(manifest["facts"]["identity"])
    return {
        kind: [versions[kind], hashlib.sha256("\n".join(sorted(all_of_kind)).encode()).hexdigest()[:16]]
        for kind, all_of_kind in sorted(stages.items())
    }


def available():
    """The sets of instructions that this processor has, and with how many threads each is tried."""
    ways = {"plain": 2, "v3": 3, "v4": 1}
    tried = {name: run("--version", ALIGNSWEEP_INSTRUCTIONS=name) for name in ways}
    for name, done in tried.items():
        assert done.returncode == 0 or "lacks" in done.stderr, (name, done.stderr)
    return {name: threads for name, threads in ways.items() if tried[name].returncode == 0}


def main():
    update, wrong = "--update" in sys.argv, []
    with tempfile.TemporaryDirectory(prefix="alignsweep golden é ") as folder:
        for instructions, threads in list(available().items())[-1 if update else 0:]:
            now = measure(Path(folder), instructions, threads)
            if update:
                GOLDEN.write_text(json.dumps(now, indent=2, sort_keys=True) + "\n")
                print(f"kept {len(now)} kinds")
                return 0
            kept = json.loads(GOLDEN.read_text())
            for kind in sorted(kept.keys() | now.keys()):
                old, new = kept.get(kind), now.get(kind)
                if old == new:
                    continue
                if old and new and old[0] == new[0]:
                    wrong.append(f"{kind}, {instructions}: bits moved ({old[1]} -> {new[1]}), and version {old[0]} was "
                                 "not raised (its own, or that of a kind before it)")
                else:
                    wrong.append(f"{kind}: version and digest {old} are kept, {new} found: keep them with --update")
            print(f"{len(now)} kinds, {instructions}, {threads} threads: {'as kept' if not wrong else 'not as kept'}")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
