#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`alignsweep methods` tells of every method and of every variant that a key can choose. Use: methods_test.py PROGRAM"""

import subprocess
import sys
import tempfile
import unittest

PROGRAM = sys.argv.pop(1)
# Keys that choose how a method learns; each of their values has an entry of its own.
VARIANT_KEYS = ("sft.loss", "dpo.loss", "kto.loss", "rlhf.reward", "rlhf.kl_estimator", "rlhf.kl_control", "rlhf.value_model",
                "rlhf.missing_end", "feedback.source", "feedback.labels", "feedback.thumbs", "online_dpo.judge",
                "online_kto.judge")


def methods(*words):
    return subprocess.run([PROGRAM, "methods", *words], capture_output=True, text=True, check=False)


class Methods(unittest.TestCase):
    def test_every_method_of_a_sweep_is_listed(self):
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
            file.write("[sweep]\nmethod = none\n")
            file.flush()
            refused = subprocess.run([PROGRAM, "plan", file.name], capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 2)
        text = methods().stdout
        named = refused.stderr.split("allowed: ")[-1].rstrip(").\n").split(", ")
        self.assertGreaterEqual(len(named), 6, refused.stderr)
        for name in named:
            self.assertIn(f"\n{name}: ", text)
            self.assertIn(f"\n[{name}]\n", text)

    def test_every_choice_is_explained(self):
        text = methods().stdout
        for name in VARIANT_KEYS:
            section, key = name.split(".")
            lines = text.split(f"\n[{section}]\n")[1].split("\n\n")[0].splitlines()
            row = next(line for line in lines if line.split()[0] == key)
            choices = row.split("one of: ")[1].split("  ")[0].split(", ")
            self.assertGreater(len(choices), 1)
            for choice in choices:
                self.assertIn(f"  {name} = {choice}  ", text)

    def test_every_key_is_listed(self):
        def allowed(section):
            """What an unknown key's error allows instead."""
            with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
                file.write(f"[{section}]\nnothing = 1\n")
                file.flush()
                refused = subprocess.run([PROGRAM, "plan", file.name], capture_output=True, text=True, check=False)
            return refused.stderr.split("allowed")[-1].split(": ")[1].rstrip(").\n").split(", ")
        text = methods().stdout
        sections = [name for name in allowed("none") if name != "sweep"]
        self.assertGreater(len(sections), 10)
        for section in sections:
            lines = text.split(f"\n[{section}]\n")[1].split("\n\n")[0].splitlines()
            self.assertEqual([line.split()[0] for line in lines], allowed(section), section)

    def test_one_method(self):
        done = methods("dpo")
        self.assertEqual(done.returncode, 0)
        self.assertIn("[dpo]", done.stdout)
        self.assertNotIn("[kto]", done.stdout)

    def test_unknown_method(self):
        done = methods("dop")
        self.assertEqual(done.returncode, 2)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn("allowed: sft", done.stderr)


if __name__ == "__main__":
    unittest.main()
