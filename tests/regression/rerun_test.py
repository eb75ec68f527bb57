#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stages run once more and held against what stands, and the choice of the processor's instructions. In a folder whose
name has spaces and letters outside ASCII. Use: rerun_test.py PROGRAM"""

import shutil
import subprocess
import unittest
from pathlib import Path

import program
from program import run, trials


class Rerun(program.TinySweep):
    prefix, ini_name = "alignsweep rerun é ", "tiny ü.ini"
    settings = "[sweep]\nmethod = dpo\nseed = 1\n[run]\ntrace = true\n"

    def test_all_stages_give_the_same_bytes_again(self):
        before = trials(self.reference)
        done = run("verify", self.reference, "--rerun", "all", OMP_NUM_THREADS="2")
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        stages = sorted(folder.name for folder in self.reference.glob("stages/*"))
        for stage in stages:
            self.assertIn(f"the same: {stage}\n", done.stdout)
        self.assertEqual(sorted(folder.name for folder in self.reference.glob("stages/*")), stages)
        self.assertEqual([], list(self.reference.glob("rerun-*")))
        self.assertEqual(trials(self.reference), before)

    def test_the_first_launch_that_differs_is_named(self):
        out = self.folder / "fast"
        fast = ["sweep", self.ini, "--set", "run.arithmetic=fast", "--out", out]
        made = run(*fast, OPENBLAS_CORETYPE="Prescott")
        if made.returncode == 2:
            self.skipTest("the program has portable arithmetic alone")
        self.assertEqual(made.returncode, 0, made.stderr)
        done = run("verify", out, "--rerun", "pretrain", OPENBLAS_CORETYPE="Haswell")
        self.assertEqual(done.returncode, 3, done.stderr + done.stdout)
        self.assertRegex(done.stdout, r"differs: pretrain-\w+: .*checkpoint\.h5.* first at launch \d+, "
                                      "alignsweep::kernels::gemm::tiles")
        self.assertEqual(run("verify", out, "--rerun", "pretrain", OPENBLAS_CORETYPE="Prescott").returncode, 0)

    def test_an_unknown_stage_is_refused(self):
        done = run("verify", self.reference, "--rerun", "x\ny")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
        self.assertIn("pretrain", done.stderr)

    def test_instructions_are_chosen_or_refused(self):
        for name in ("plain", "v3", "v4"):
            done = run("--version", ALIGNSWEEP_INSTRUCTIONS=name)
            if done.returncode != 0:
                self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
                self.assertIn("this processor lacks", done.stderr)
        wrong = run("--version", ALIGNSWEEP_INSTRUCTIONS="v\n9")
        self.assertEqual((wrong.returncode, len(wrong.stderr.splitlines())), (2, 1), wrong.stderr)
        self.assertIn("plain, v3 or v4", wrong.stderr)

    def test_a_shared_object_of_something_else_is_one_line(self):
        """Copies of the launcher, with the plain object of another architecture, half of it, or nothing beside it."""
        launcher = Path(shutil.copy(program.PROGRAM, self.folder))
        whole = (program.PROGRAM.parent / "libalignsweep-plain.so").read_bytes()
        other = whole[:18] + bytes([0, 2]) + whole[20:]  # e_machine
        beside = self.folder / "libalignsweep-plain.so"
        for content in (other, whole[: len(whole) // 2], whole[:20], b"", b"text\n" * 100, None):
            beside.unlink(missing_ok=True)
            if content is not None:
                beside.write_bytes(content)
            done = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=False,
                                  env=program.environment(ALIGNSWEEP_INSTRUCTIONS="plain"))
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (3, 1), done.stderr)
            self.assertIn(str(beside), done.stderr)
            self.assertIn("is missing" if content is None else "cut short, or of another architecture", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
