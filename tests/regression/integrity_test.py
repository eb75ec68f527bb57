#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a results folder claims is there, and nothing that is broken is used or believed; one broken stage stops no
other. In a folder whose name has spaces and letters outside ASCII. Use: integrity_test.py PROGRAM"""

import json
import os
import shutil
import signal
import tempfile
import unittest
from pathlib import Path

import program
from program import run, start, started, trials, wait_until, words

IO = 3


def flip(file, place=0.5):
    """Flips a bit of a file; its size stays, its time changes."""
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 4
    file.write_bytes(content)


def flip_unseen(file):
    """The same where a look at size and time sees nothing."""
    before = file.stat()
    flip(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


class Integrity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="alignsweep integrity é ")
        cls.folder = Path(cls.temporary.name)
        cls.ini = cls.folder / "tiny ü.ini"
        cls.ini.write_text(program.TINY + "[sweep]\nmethod = dpo, kto\nseed = 1\n")
        # In fast arithmetic, if the program has it: there bits can be made to differ.
        cls.fast = run("plan", cls.ini, "--set", "run.arithmetic=fast").returncode == 0
        if cls.fast:
            cls.ini.write_text(cls.ini.read_text() + "[run]\narithmetic = fast\n")
        cls.reference = cls.folder / "reference"
        done = run("sweep", cls.ini, "--out", cls.reference)
        assert done.returncode == 0, done.stderr
        cls.columns = trials(cls.reference)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def setUp(self):
        self.out = self.folder / self.id().rsplit(".", maxsplit=1)[-1]
        shutil.copytree(self.reference, self.out)

    def file(self, pattern):
        return next(self.out.glob(f"stages/{pattern}"))

    def statuses(self):
        columns = trials(self.out)
        return dict(zip(words(columns["method"]), words(columns["status"])))

    def expect_broken(self, file, method, unseen=False):
        """All commands say that `file` is broken and what mends it; the trial fails alone; a repair mends it."""
        repair = f"`alignsweep repair '{self.out}'`"
        if not unseen:
            status = run("status", self.out)
            self.assertEqual(status.returncode, IO, status.stdout)
            self.assertIn(f"{file}:", status.stdout)
            self.assertIn(repair, status.stdout)
            swept = run("sweep", self.ini, "--out", self.out)
            self.assertEqual((swept.returncode, started(swept.stderr)), (IO, []), swept.stderr)
            errors = [line for line in swept.stderr.splitlines() if "error: " in line]
            self.assertEqual(len(errors), 1, swept.stderr)
            self.assertIn(f"{file}:", errors[0])
            self.assertIn(repair, errors[0])
            expected = dict.fromkeys(("base", "sft", "dpo", "kto"), "done")
            if method:
                expected[method] = "failed"
            self.assertEqual(self.statuses(), expected)
        verified = run("verify", self.out)
        self.assertEqual(verified.returncode, IO, verified.stdout)
        self.assertIn(f"broken: {file}:", verified.stdout)
        self.assertIn(" 1 broken, ", verified.stdout)
        repaired = run("repair", self.out)
        self.assertEqual(repaired.returncode, 0, repaired.stdout)
        self.assertTrue((self.out / "set-aside" / file.parent.name).is_dir())
        again = run("sweep", self.ini, "--out", self.out)
        self.assertEqual((again.returncode, started(again.stderr)), (0, [file.parent.name]), again.stderr)
        self.assertEqual(trials(self.out), self.columns)
        self.assertEqual(run("verify", self.out).returncode, 0)

    def test_a_whole_folder(self):
        verified = run("verify", self.out)
        self.assertEqual((verified.returncode, verified.stderr), (0, ""))
        self.assertRegex(verified.stdout, r"^16 stages whole \(\d+ MB read\), 0 broken, 0 not finished; sweep.h5 is whole\n$")
        repaired = run("repair", self.out)
        self.assertEqual((repaired.returncode, repaired.stdout), (0, verified.stdout))
        self.assertFalse((self.out / "set-aside").exists())

    def test_a_copy_without_times_is_as_good(self):
        for file in self.out.glob("stages/*/*"):
            os.utime(file)
        self.assertEqual(run("status", self.out).returncode, 0)
        again = run("sweep", self.ini, "--out", self.out)
        self.assertEqual((again.returncode, started(again.stderr)), (0, []))
        self.assertEqual(trials(self.out), self.columns)

    def test_a_flipped_final_checkpoint(self):
        file = self.file("dpo-*/checkpoint.h5")
        flip(file)
        self.expect_broken(file, "dpo")

    def test_a_flip_that_no_cheap_look_sees(self):
        file = self.file("kto-*/checkpoint.h5")
        flip_unseen(file)
        self.assertEqual(run("status", self.out).returncode, 0)
        self.expect_broken(file, "kto", unseen=True)

    def test_a_missing_final_checkpoint(self):
        file = self.file("dpo-*/checkpoint.h5")
        file.unlink()
        self.expect_broken(file, "dpo")

    def test_a_flipped_manifest(self):
        file = self.file("evaluate-*/stage.json")
        kind = next(row for row in ("base", "sft", "dpo", "kto") if self.evaluated(row) == file.parent.name)
        flip(file)
        self.expect_broken(file, kind)

    def evaluated(self, row):
        """The evaluation of a row: by its inputs."""
        prefix = {"base": "pretrain"}.get(row, row) + "-"
        for file in self.out.glob("stages/evaluate-*/stage.json"):
            if json.loads(file.read_text())["inputs"]["model"].startswith(prefix):
                return file.parent.name
        raise KeyError(row)

    def test_a_manifest_of_another_stage(self):
        file = self.file("dpo-*/stage.json")
        shutil.copy(self.file("kto-*/stage.json"), file)
        self.expect_broken(file, "dpo")

    def test_damaged_curves_stop_no_index(self):
        file = self.file("dpo-*/metrics.h5")
        flip_unseen(file)
        (self.out / "sweep.h5").unlink()
        swept = run("sweep", self.ini, "--out", self.out)
        self.assertEqual(self.statuses(), {"base": "done", "sft": "done", "dpo": "failed", "kto": "done"})
        self.assertEqual(swept.returncode, IO, swept.stderr)
        self.assertIn(f"{file}: ", swept.stderr)
        self.expect_broken(file, "dpo", unseen=True)

    def test_a_truncated_index(self):
        index = self.out / "sweep.h5"
        index.write_bytes(index.read_bytes()[:-100])
        verified = run("verify", self.out)
        self.assertEqual(verified.returncode, IO)
        self.assertIn(f"broken: {index}: ", verified.stdout)
        self.assertEqual(run("sweep", self.ini, "--out", self.out).returncode, 0)
        self.assertEqual(trials(self.out), self.columns)

    def test_an_input_that_broke_is_not_built_on(self):
        broken = self.file("sft-*/checkpoint.h5")
        flip_unseen(broken)
        self.file("dpo-*/stage.json").unlink()
        swept = run("sweep", self.ini, "--out", self.out)
        self.assertEqual(swept.returncode, 1, swept.stderr)
        errors = [line for line in swept.stderr.splitlines() if "error: " in line]
        self.assertEqual(len(errors), 1, swept.stderr)
        self.assertIn(f"{broken}: damaged or changed", errors[0])
        self.assertIn("alignsweep repair", errors[0])
        self.assertEqual(run("repair", self.out).returncode, 0)
        again = run("sweep", self.ini, "--out", self.out)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(sorted(stage.split("-")[0] for stage in started(again.stderr)), ["dpo", "sft"])
        self.assertEqual(trials(self.out), self.columns)

    def test_no_results(self):
        for command in ("verify", "repair"):
            done = run(command, self.folder)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (IO, 1), done.stderr)
            self.assertEqual(run(command).returncode, 2)
            self.assertEqual(run(command, self.out, self.out).returncode, 2)

    def test_another_arithmetic_is_named_and_refused_under_strict(self):
        other = ["--set", f"run.arithmetic={'portable' if self.fast else 'fast'}"]
        if not self.fast:
            self.assertEqual(run("sweep", self.ini, *other, "--out", self.out).returncode, 2)
            return
        refused = run("sweep", self.ini, *other, "--out", self.out, "--strict")
        self.assertEqual((refused.returncode, started(refused.stderr)), (IO, []), refused.stderr)
        self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
        self.assertIn("in fast arithmetic", refused.stderr)
        again = run("sweep", self.ini, *other, "--out", self.out)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("in fast arithmetic", again.stderr)
        self.assertEqual(len(started(again.stderr)), len(set(started(again.stderr))))
        self.assertEqual(set(words(trials(self.out)["provenance/blas"])), {"portable"})

    def test_another_machine_is_named_and_refused_under_strict(self):
        if not self.fast:
            self.skipTest("the program has portable arithmetic alone")
        self.file("dpo-*/stage.json").unlink()
        strict = run("sweep", self.ini, "--out", self.out, "--strict")
        self.assertEqual((strict.returncode, "warning" in strict.stderr), (0, False), strict.stderr)
        evaluation = self.evaluated("dpo")
        for file in [self.file("dpo-*/stage.json"), self.file(f"{evaluation}/stage.json"), *(
                file for file in self.out.glob("stages/proxy-*/stage.json")
                if json.loads(file.read_text())["inputs"]["evaluate"] == evaluation)]:
            file.unlink()
        other = {"OPENBLAS_CORETYPE": "Prescott"}
        refused = run("sweep", self.ini, "--out", self.out, "--strict", **other)
        self.assertEqual((refused.returncode, started(refused.stderr)), (IO, []), refused.stderr)
        self.assertEqual(len(refused.stderr.splitlines()), 1, refused.stderr)
        self.assertIn("blas is ", refused.stderr)
        self.assertIn("--strict", refused.stderr)
        mixed = run("sweep", self.ini, "--out", self.out, **other)
        self.assertEqual(mixed.returncode, 0, mixed.stderr)
        self.assertIn("warning: ", mixed.stderr)
        self.assertIn("blas is ", mixed.stderr)
        self.assertIn("blas is ", run("status", self.out).stdout)
        columns = trials(self.out)
        cells = words(columns["provenance/blas"])
        self.assertEqual(len(cells), 4)
        self.assertEqual([";" in cell for cell in cells], [False, False, True, False], cells)
        self.assertEqual(len(set(words(columns["provenance/compiler"]))), 1)

    def test_how_a_trial_was_run_is_kept(self):
        out = self.folder / "circumstances"
        done = run("sweep", self.ini, "--out", out, ranks=2, SLURM_JOB_ID="4711", SLURM_RESTART_COUNT="2")
        self.assertEqual(done.returncode, 0, done.stderr)
        columns = program.all_columns(out / "sweep.h5")
        told = {name: set(words(columns[f"circumstances/{name}"])) for name in
                ("host", "ranks", "threads", "slurm_job", "slurm_restarts", "mpi", "libraries", "started", "ended")}
        self.assertEqual(told["ranks"], {"2"})
        self.assertEqual(told["threads"], {"1"})
        self.assertEqual((told["slurm_job"], told["slurm_restarts"]), ({"4711"}, {"2"}))
        self.assertRegex(min(told["libraries"]), r"HDF5 \d+\.\d+\.\d+")
        self.assertLessEqual(min(told["started"]), max(told["ended"]))
        # They are not compared: the same folder goes on without a word.
        again = run("sweep", self.ini, "--out", out, "--strict")
        self.assertEqual((again.returncode, "another program" in again.stderr), (0, False), again.stderr)

    def test_what_was_made_from_other_bits_is_broken(self):
        """A stage that was made again elsewhere differs: its old evaluation does not belong to it any more."""
        if not self.fast:
            self.skipTest("the program has portable arithmetic alone")
        stage = self.file("dpo-*/stage.json").parent.name
        self.file("dpo-*/checkpoint.h5").unlink()
        self.assertEqual(run("repair", self.out).returncode, 0)
        other = {"OPENBLAS_CORETYPE": "Prescott"}
        again = run("sweep", self.ini, "--out", self.out, **other)
        self.assertEqual(started(again.stderr), [stage])
        self.assertEqual(again.returncode, IO, again.stderr)
        self.assertIn(f"was made from another {stage}", again.stdout)
        self.assertEqual(self.statuses(), {"base": "done", "sft": "done", "dpo": "failed", "kto": "done"})
        self.assertEqual(run("status", self.out).returncode, IO)
        self.assertEqual(run("repair", self.out).returncode, 0)
        for _ in range(2):  # the evaluation, and then what read the old one
            run("sweep", self.ini, "--out", self.out, **other)
            run("repair", self.out)
        self.assertEqual(run("sweep", self.ini, "--out", self.out, **other).returncode, 0)
        self.assertEqual(set(self.statuses().values()), {"done"})
        self.assertEqual(run("verify", self.out).returncode, 0)

    def test_something_else_in_the_place_of_a_stage(self):
        folder = self.file("dpo-*/stage.json").parent
        shutil.rmtree(folder)
        folder.write_text("x")
        swept = run("sweep", self.ini, "--out", self.out)
        self.assertEqual(swept.returncode, IO, swept.stderr)
        self.assertIn(f"{folder}: is not a folder", swept.stderr)
        self.assertEqual(self.statuses(), {"base": "done", "sft": "done", "dpo": "failed", "kto": "done"})
        self.assertEqual(run("repair", self.out).returncode, 0)
        self.assertEqual(run("sweep", self.ini, "--out", self.out).returncode, 0)
        self.assertEqual(trials(self.out), self.columns)

    def test_nothing_of_a_stopped_or_failed_run_stays_behind(self):
        shutil.rmtree(self.out)
        process = start("sweep", self.ini, "--out", self.out)
        self.assertTrue(wait_until(lambda: any(self.out.glob("stages/pretrain-*/log.txt")), process))
        process.send_signal(signal.SIGUSR1)
        process.communicate()
        (self.out / "stop-1234").write_text("stop\n")  # of a job of long ago
        os.utime(self.out / "stop-1234", (0, 0))
        dead = start("--version")
        dead.communicate()
        (self.out / "stop-5678").write_text(f"{os.uname().nodename} {dead.pid} 1\n")  # of one that was killed just now
        (self.out / "stop-9").write_text(f"{os.uname().nodename} {os.getpid()} {self.own_start()}\n")  # of one that lives
        self.assertEqual(run("sweep", self.ini, "--out", self.out, "--set", "kto.learning_rate=1e30").returncode, 1)
        self.assertEqual(len(list(self.out.glob("stages/*/failed.txt"))), 1)
        done_stage = self.file("dpo-*/stage.json").parent
        (done_stage / "failed.txt").write_text("attempt\nan old error")
        self.assertEqual(run("sweep", self.ini, "--out", self.out).returncode, 0)
        self.assertEqual(sorted(path.name for path in self.out.glob("stop-*")), ["stop-9"])
        self.assertFalse((done_stage / "failed.txt").exists())

    @staticmethod
    def own_start():
        return Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19]


class TextAxes(unittest.TestCase):
    """Two files whose names differ outside ASCII alone are two values, everywhere."""

    def test_two_names_outside_ascii(self):
        with tempfile.TemporaryDirectory(prefix="alignsweep 数据 ") as name:
            folder = Path(name)
            samples = Path(__file__).resolve().parent.parent / "data" / "samples"
            rows = (samples / "preferences.jsonl").read_text().splitlines(keepends=True)
            (folder / "甲, 数据.jsonl").write_text("".join(rows[:60]))
            (folder / "乙, 数据.jsonl").write_text("".join(rows[60:120]))
            (folder / "in").mkdir()
            ini = folder / "in" / "sweep.ini"
            ini.write_text(program.TINY + f"[data]\ncorpus = {samples}/corpus.txt\n[sweep]\nmethod = dpo\n"
                           'data.preferences = "../甲, 数据.jsonl", "../乙, 数据.jsonl"\n')
            out = folder / "out"
            done = run("sweep", ini, "--out", out, "--set", "model.context=192", cwd=folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            cells = words(trials(out)["data.preferences"])
            self.assertEqual(len(set(cells)), 2, cells)
            self.assertEqual({Path(cell).name for cell in cells}, {"甲, 数据.jsonl", "乙, 数据.jsonl"})
            self.assertIn("甲, 数据.jsonl", done.stdout)
            # What the folder says of itself holds from anywhere: paths in axes are absolute there.
            for words_of in (("status", out), ("plan", out / "sweep.ini", "--out", out)):
                again = run(*words_of, cwd="/")
                self.assertEqual(again.returncode, 0, again.stderr)
            self.assertRegex(again.stdout, r"dpo +0 +2 ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
