#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bits of every stage kind, on tiny models, against digests that are kept in tests/golden/stages.json: a change that
moves bits without raising the kind's version is caught, since a results folder made before it would be reused.

    golden_stages_test.py PROGRAM            compares; exit code 77 where nothing is kept for this arithmetic
    golden_stages_test.py PROGRAM --update   keeps what this program gives, for its arithmetic

Until arithmetic is the same everywhere, digests are kept by all that it may depend on: BLAS kernel, width of the SIMD
registers, compiler, and the processor that it compiles for (GCC joins products and sums differently for some)."""

import hashlib
import json
import os
import re
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


def processor():
    """Vendor, family and model, as the compiler sees them; a model's name says less under a hypervisor."""
    words = dict(re.findall(r"^(vendor_id|cpu family|model)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE))
    return f"{words.get('vendor_id')} {words.get('cpu family')}.{words.get('model')}"


def version_of(identity):
    return int(next(line for line in identity.splitlines() if line.startswith("version=")).removeprefix("version="))


def measure(folder):
    """kind -> [version, digest over all its stages], and the arithmetic's name."""
    stages, versions, arithmetic = {}, {}, None
    for name, text in (("simulated", SIMULATED), ("real", REAL)):
        ini, out = folder / f"{name}.ini", folder / name
        ini.write_text(text)
        done = run("sweep", ini, "--out", out)
        assert done.returncode == 0, done.stderr
        for stage in sorted((out / "stages").glob("*/stage.json")):
            manifest, digest = bits(stage.parent)
            facts = manifest["facts"]
            stages.setdefault(manifest["kind"], []).append(f"{name} {digest}")
            versions[manifest["kind"]] = version_of(facts["identity"])
            arithmetic = (f"{facts['blas'].split()[-1]}, {facts['vector_bits']} bits, compiler {facts['compiler']}, "
                          f"{processor()}")
    return arithmetic, {
        kind: [versions[kind], hashlib.sha256("\n".join(sorted(all_of_kind)).encode()).hexdigest()[:16]]
        for kind, all_of_kind in sorted(stages.items())
    }


def main():
    kept = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    with tempfile.TemporaryDirectory(prefix="alignsweep golden é ") as folder:
        arithmetic, now = measure(Path(folder))
    if "--update" in sys.argv:
        kept[arithmetic] = now
        GOLDEN.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        print(f"kept {len(now)} kinds for {arithmetic}")
        return 0
    if arithmetic not in kept:
        print(f"SKIPPED: no digests are kept for {arithmetic}; there are: {'; '.join(kept)}")
        return 77
    wrong = []
    for kind in sorted(kept[arithmetic].keys() | now.keys()):
        old, new = kept[arithmetic].get(kind), now.get(kind)
        if old == new:
            continue
        if old and new and old[0] == new[0]:
            wrong.append(f"{kind}: bits moved ({old[1]} -> {new[1]}), and version {old[0]} was not raised (its own, or "
                         "that of a kind before it)")
        else:
            wrong.append(f"{kind}: version and digest {old} are kept, {new} found: keep them with --update")
    print("\n".join(wrong) or f"{len(now)} kinds as kept for {arithmetic}")
    return 1 if wrong else 0


if __name__ == "__main__":
    # The kernels of any processor with AVX2.
    os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    sys.exit(main())
