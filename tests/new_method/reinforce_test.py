#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A method of one file and one line goes through everything that the others go through: plan, sweep, kill and resume,
score, methods and the report. Use: reinforce_test.py PROGRAM, one that has the method."""

import importlib.util
import json
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "regression"))
import program
from program import manifests, run, start, trials, wait_until


class NewMethod(program.TinySweep):
    prefix = "alignsweep-new-method-"
    settings = ("[reinforce]\nupdates = 30\nprompts = 12\nmax_new_tokens = 12\n"
                "[sweep]\nmethod = dpo, reinforce\nreinforce.decay = 0.5, 0.9\n")

    def stage(self, kind):
        return next(path.parent for path in self.reference.glob(f"stages/{kind}-*/stage.json"))

    def test_it_is_one_file_and_one_line(self):
        self.assertLessEqual(len((HERE / "reinforce.cpp").read_text().splitlines()), 100)
        lines = [line for line in (HERE / "list.inc").read_text().splitlines() if not line.startswith("//")]
        self.assertEqual(lines, ['#include "kinds/list.inc"', "KIND(reinforce)"])
        for folder in ("src", "analysis", "configs", "tests"):
            for path in (ROOT / folder).rglob("*"):
                if path.suffix in (".cpp", ".hpp", ".inc", ".py", ".ini") and HERE not in path.parents:
                    self.assertNotIn("reinforce", path.read_text(errors="replace").lower(), path)

    def test_plan(self):
        text = run("plan", self.ini, "--out", self.folder / "other").stdout
        row = next(line for line in text.splitlines() if line.startswith("reinforce"))
        self.assertEqual(row.split()[1:4], ["2", "0", "2"], text)

    def test_its_rows_stand_in_the_index(self):
        columns = trials(self.reference)
        self.assertEqual(program.words(columns["method"]), ["base", "sft", "dpo", "reinforce", "reinforce"])
        self.assertEqual(program.words(columns["status"]), ["done"] * 5)
        self.assertIn("reinforce.decay", columns)
        self.assertIn("eval/gold_reward", columns)

    def test_killed_and_resumed_it_is_the_same(self):
        out = self.folder / "killed"
        for moment in ("reinforce-*/checkpoint-*.h5", "reinforce-*/stage.json"):
            job = start("sweep", self.ini, "--out", out, "--set", "run.checkpoint_seconds=0")
            self.assertTrue(wait_until(lambda moment=moment: any(out.glob("stages/" + moment)), job))
            job.kill()
            job.communicate()
        self.assertEqual(run("sweep", self.ini, "--out", out).returncode, 0)
        self.assertEqual(sorted(manifests(out)), sorted(manifests(self.reference)))
        self.assertEqual(trials(out), trials(self.reference))

    def test_score_reads_its_model(self):
        rows = self.folder / "pairs.jsonl"
        rows.write_text(json.dumps({"prompt": "a", "chosen": " b", "rejected": " c"}) + "\n")
        done = run("score", self.stage("reinforce"), "--reference", self.stage("sft"), "--data", rows, "--method", "dpo",
                   "--tokenizer", self.stage("corpus"), "--out", self.folder / "scores.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 rows scored of 1", done.stdout)

    def test_methods_tells_of_it(self):
        text = run("methods", "reinforce").stdout
        self.assertIn("policy, reward_model", text)
        self.assertIn("b a running mean of R", text)
        self.assertIn("weight of earlier rounds", text)
        self.assertIn("\nreinforce: ", run("methods").stdout)

    def test_its_metric_has_a_unit_and_a_description(self):
        for file in (self.stage("reinforce") / "metrics.h5", self.reference / "sweep.h5"):
            self.assertIn(b"running mean of the reward, before the step", file.read_bytes())

    def test_report(self):
        if any(importlib.util.find_spec(name) is None for name in ("h5py", "matplotlib", "pandas", "scipy")):
            self.skipTest("the analysis' packages are not installed")
        done = subprocess.run([sys.executable, ROOT / "analysis/report.py", self.reference], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("reinforce", (self.reference / "report.html").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
