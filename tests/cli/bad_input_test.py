#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input ends with one line that says what is wrong and where, the right exit code, and nothing half-written.
Use: bad_input_test.py PROGRAM"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "regression"))
import program  # pylint: disable=wrong-import-position
from program import run  # pylint: disable=wrong-import-position

USAGE, IO = 2, 3


class BadInput(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="alignsweep-cli-")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.folder.chmod(0o755)
        self.out = self.folder / "out"

    def ini(self, text, name="x.ini"):
        path = self.folder / name
        path.write_text(text)
        return path

    def expect(self, done, code, *parts):
        lines = [line for line in done.stderr.splitlines() if line.startswith("alignsweep")]
        self.assertEqual((done.returncode, len(lines)), (code, 1), done.stderr)
        self.assertTrue(lines[0].startswith("alignsweep: error: "), lines[0])
        for part in parts:
            self.assertIn(str(part), lines[0])
        self.assertEqual(done.stdout, "")
        self.assertFalse(list(self.out.rglob("*.h5")), "nothing half-written")

    def expect_alone(self, done, code, *parts):
        """The line is all that stderr holds."""
        self.expect(done, code, *parts)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def sweep(self, *arguments, **more):
        return run("sweep", *arguments, "--out", self.out, **more)

    def test_help_of_every_command(self):
        helps = run("--help")
        self.assertEqual((helps.returncode, helps.stderr), (0, ""))
        commands = [line.split()[0] for line in helps.stdout.splitlines() if line.startswith("  ")]
        for command in ("sweep", "train", "plan", "status", "score", "gold", "methods"):
            self.assertIn(command, commands)
        for command in commands:
            done = run(command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
            self.assertTrue(done.stdout.startswith(f"usage: alignsweep {command}"), command)
        self.assertEqual(run("--version").returncode, 0)
        self.assertEqual(run().returncode, USAGE)

    def test_commands_and_options(self):
        self.expect_alone(run("swep"), USAGE, "swep", "sweep")
        for command in ("sweep", "train", "plan"):
            self.expect_alone(run(command), USAGE, "no INI file")
        self.expect_alone(run("status"), USAGE, "no results folder")
        ini = self.ini("[dpo]\nbeta = 0.1\n")
        self.expect_alone(self.sweep(ini, "--sett", "dpo.beta=1"), USAGE, "--sett")
        self.expect_alone(self.sweep(ini, "--threads", "many"), USAGE, "threads")
        self.expect_alone(self.sweep(ini, "--set", "beta"), USAGE, "beta")

    def test_keys_and_values(self):
        cases = [
            ("[dpo]\nbtea = 0.1\n", ":2", "dpo.btea", "dpo.beta"),
            ("[dp]\nbeta = 0.1\n", ":2", "dp"),
            ("[dpo]\nbeta = strong\n", ":2", "dpo.beta", "strong"),
            ("[dpo]\nbeta = -1\n", ":2", "dpo.beta", "-1"),
            ("[dpo]\nbatch = 1.5\n", ":2", "dpo.batch", "1.5"),
            ("[rlhf]\nkl_estimator = k2\n", ":2", "k2", "k1, k3"),
            ("[dpo]\nbeta 0.1\n", ":2"),
            ("beta = 0.1\n", ":1"),
            ("[sweep]\nmethod = ppo\n", ":2", "ppo", "rlhf"),
            ("[sweep]\nseed = 1..x\n", ":2", "seed"),
            ("[sweep]\ndpo.bata = 0.1, 0.2\n", ":2", "dpo.bata", "dpo.beta"),
            ("[model]\nwidth = 64\nheads = 5\n", "", "model.heads", "model.width"),
            ("base = nowhere.ini\n", "", "nowhere.ini"),
        ]
        for command, some in (("plan", cases), ("sweep", cases[:2])):
            for text, place, *parts in some:
                with self.subTest(command=command, text=text):
                    ini = self.ini(text)
                    code = IO if "nowhere" in text else USAGE
                    done = run(command, ini, "--out", self.out)
                    self.expect_alone(done, code, *([f"x.ini{place}"] if place else []), *parts)
                    self.assertFalse(self.out.exists())
        self.expect_alone(self.sweep(self.ini(""), "--set", "dpo.beta=-1"), IO, "x.ini")
        self.expect_alone(self.sweep(self.ini("[dpo]\nbeta = 1\n"), "--set", "dpo.beta=-1"), USAGE, "--set dpo.beta=-1")

    def test_ini_files(self):
        self.expect_alone(self.sweep(self.folder / "none.ini"), IO, "none.ini")
        self.expect_alone(self.sweep(self.ini("")), IO, "x.ini")
        self.expect_alone(self.sweep(self.folder), IO, self.folder)

    def test_status_of_no_sweep(self):
        self.expect_alone(run("status", self.folder / "nowhere"), IO, "nowhere")
        self.expect_alone(run("status", self.folder), IO, self.folder)

    def real_data(self, preferences, thumbs=None):
        (self.folder / "corpus.txt").write_text("The sky is blue.\n\nThe sea is green.\n")
        text = f"{program.TINY}[data]\ncorpus = corpus.txt\npreferences = pairs.jsonl\n"
        if preferences is not None:
            (self.folder / "pairs.jsonl").write_text(preferences)
        if thumbs is not None:
            (self.folder / "thumbs.jsonl").write_text(thumbs)
            text += "thumbs = thumbs.jsonl\n"
        return self.ini(text)

    def test_data_files(self):
        pair = json.dumps({"prompt": "a", "chosen": " b", "rejected": " c"}) + "\n"
        thumb = json.dumps({"prompt": "a", "completion": " b", "label": True}) + "\n"
        cases = [
            (None, None, "pairs.jsonl"),
            ("", None, "pairs.jsonl"),
            (pair + '{"prompt": "a", "chosen"\n', None, "pairs.jsonl:2"),
            (pair + pair + '{"prompt": "a", "chosen": " b"}\n', None, "pairs.jsonl:3"),
            (pair + "[1, 2]\n", None, "pairs.jsonl:2"),
            (pair, thumb + thumb.replace("true", '"maybe"'), "thumbs.jsonl:2"),
            (pair, thumb.replace("true", "1"), "thumbs.jsonl:1"),
        ]
        for preferences, thumbs, place in cases:
            with self.subTest(place=place):
                ini = self.real_data(preferences, thumbs)
                self.expect_alone(self.sweep(ini), IO, place)
                self.assertFalse(self.out.exists(), "seen before anything is made")
                (self.folder / "pairs.jsonl").unlink(missing_ok=True)

    def test_rows_that_would_break_a_parser(self):
        pair = json.dumps({"prompt": "a", "chosen": " b", "rejected": " c"}) + "\n"
        for row, part in ((pair[:-2] + ', "more": ' + "[" * 75000, "deeper than 200 levels"),
                          (pair[:-2] + ', "more": 1e400}', "field 'more': the number 1e400 is beyond the range of a double"),
                          (pair[:-2] + ', "a\\n\\tb": 1e400}', "field 'a\\n\\tb'")):
            for skip in ((), ("--set", "data.bad_rows=skip")):
                done = self.sweep(self.real_data(row + "\n"), *skip)
                self.expect_alone(done, IO, "pairs.jsonl:1: ", part)
                self.assertLess(len(done.stderr), 1200)
                self.assertFalse(self.out.exists(), "seen before anything is made")

    def test_without_a_corpus(self):
        (self.folder / "pairs.jsonl").write_text("{}\n")
        self.expect_alone(self.sweep(self.ini("[data]\npreferences = pairs.jsonl\n")), USAGE, "data.corpus")

    @unittest.skipUnless(os.geteuid() != 0 or shutil.which("setpriv"), "root may write everywhere")
    def test_permissions(self):
        ini = self.ini(program.TINY)
        locked = self.folder / "locked"
        locked.mkdir(mode=0o555)
        prefix = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        before = sorted(self.folder.rglob("*"))

        def as_nobody(*arguments):
            return subprocess.run([*prefix, program.PROGRAM, *arguments], capture_output=True, text=True, check=False,
                                  env=program.environment(HOME=str(self.folder)), timeout=60)

        self.expect_alone(as_nobody("sweep", ini, "--out", locked), IO, locked, "Permission denied")
        self.expect_alone(as_nobody("sweep", ini, "--out", locked / "new"), IO, locked / "new", "Permission denied")
        ini.chmod(0o000)
        self.expect_alone(as_nobody("sweep", ini, "--out", locked), IO, ini)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_out_is_a_file(self):
        self.out.write_text("a file")
        done = self.sweep(self.ini(program.TINY))
        self.expect_alone(done, IO, self.out)
        self.assertEqual(self.out.read_text(), "a file")

    def test_a_foreign_manifest(self):
        ini = self.ini(program.TINY)
        done = run("train", ini, "--out", self.folder / "good")
        self.assertEqual(done.returncode, 0, done.stderr)
        manifest = next((self.folder / "good").glob("stages/corpus-*/stage.json"))
        for content in ("{", "[]", '{"schema": "other"}', "", "[" * 75_000, '{"seconds": 1e400}'):
            with self.subTest(content=content[:30]):
                manifest.write_text(content)
                for ranks in (1, 2) if program.MPIRUN and content == "{" else (1,):
                    done = run("sweep", ini, "--out", self.folder / "good", ranks=ranks)
                    errors = [line for line in done.stderr.splitlines() if "error: " in line]
                    self.assertEqual((done.returncode, len(errors)), (IO, 1), done.stderr)
                    self.assertIn(f"{manifest}:", errors[0])
                    self.assertIn("alignsweep repair", errors[0])
                    self.assertLess(len(errors[0]), 500)

    def test_foreign_files_of_a_stage(self):
        """Another program's HDF5 file, or none at all, in place of a stage's."""
        ini = self.ini(program.TINY + "[sweep]\nmethod = dpo\n")
        good = self.folder / "good"
        self.assertEqual(run("sweep", ini, "--out", good).returncode, 0)
        data = next(good.glob("stages/reference-*/data.h5"))
        shutil.copy(next(good.glob("stages/feedback-*/data.h5")), data)
        next(good.glob("stages/dpo-*/stage.json")).unlink()
        for damage in (lambda: None, data.unlink):
            damage()
            done = run("sweep", ini, "--out", good)
            self.assertEqual(done.returncode, IO)
            errors = [line for line in done.stderr.splitlines() if "error: " in line]
            self.assertEqual(len(errors), 1, done.stderr)
            self.assertIn(str(data), errors[0])

    def test_long_and_odd_values(self):
        """One line of at most a kilobyte, whatever is echoed."""
        long_value, odd = "9x" * 100_000, "a\nb\tc\x1b[31m"
        ini = self.ini(program.TINY)
        name = self.folder / ("odd\nname\té" + "x" * 200 + ".ini")
        for arguments, code in ((("--set", f"dpo.beta={long_value[:100_000]}"), USAGE),
                                (("--set", f"dpo.{long_value[:50_000]}=1"), USAGE),
                                (("--set", f"{long_value[:50_000]}.beta=1"), USAGE),
                                (("--set", f"sweep.dpo.beta={long_value[:100_000]}"), USAGE),
                                (("--set", f"sweep.seed={long_value[:100_000]}"), USAGE),
                                (("--set", f"sweep.method={long_value[:100_000]}"), USAGE),
                                (("--set", f"data.corpus=/no/{odd}"), USAGE), ((f"--{long_value[:100_000]}",), USAGE),
                                ((name,), IO), ((self.folder / ("é" * 2000),), IO)):
            with self.subTest(arguments=str(arguments)[:60]):
                done = self.sweep(ini, *arguments)
                self.expect_alone(done, code)
                self.assertLess(len(done.stderr.encode()), 1100)
                self.assertNotIn("filesystem error", done.stderr)
        for command in (long_value[:100_000], odd):
            done = run(command)
            self.expect_alone(done, USAGE, "unknown command")
            self.assertLess(len(done.stderr.encode()), 1100)

    @unittest.skipUnless(program.MPIRUN, "no mpirun")
    def test_one_line_from_many_ranks(self):
        for arguments, code, part in ((("--set", "dpo.btea=1"), USAGE, "dpo.btea"), (("--sett", "1"), USAGE, "--sett"),
                                      (("--out", "/proc/nothing"), IO, "/proc/nothing")):
            with self.subTest(part=part):
                done = run("sweep", self.ini(program.TINY), *arguments, ranks=2)
                self.expect(done, code, part)
        self.expect(self.sweep(self.folder / "none.ini", ranks=2), IO, "none.ini")
        broken = self.real_data('{"prompt"\n')
        self.expect(self.sweep(broken, ranks=2), IO, "pairs.jsonl:1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
