#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One tiny sweep, run in every way that must not move a bit: on ranks and threads, beside another job, killed, stopped
on a signal, called again, extended. Use: sweep_test.py PROGRAM"""

import os
import shutil
import signal
import unittest

try:
    import h5py
    import xarray
except ImportError:  # the system's Python
    xarray = None

import program
from program import manifests, run, start, started, trials, wait_until


class Sweep(program.TinySweep):
    settings = "[sweep]\nmethod = rlhf, dpo, kto\nseed = 1..2\ndpo.beta = 0.1, 0.5\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stages = started(cls.done.stderr)
        cls.columns = trials(cls.reference)

    def out(self, copy=False):
        out = self.folder / self.id().rsplit(".", maxsplit=1)[-1]
        if copy:
            shutil.copytree(self.reference, out)
        return out

    def expect_same_results(self, out):
        columns = trials(out)
        self.assertEqual(sorted(columns), sorted(self.columns))
        for name, value in self.columns.items():
            self.assertEqual(columns[name], value, name)
        left = [path.name for path in out.rglob("*") if any(
            mark in path.name for mark in (".claim", ".gone", ".tmp", "checkpoint-", "stop-", "sweep.lock"))]
        self.assertEqual(left, [], "nothing is left behind")

    def test_reference_is_whole(self):
        self.assertEqual(len(self.stages), len(set(self.stages)), "no stage runs twice")
        self.assertEqual(sorted(self.stages), sorted(manifests(self.reference)))
        self.assertEqual(program.words(self.columns["status"]), ["done"] * 12)
        self.assertEqual(program.words(self.columns["method"]),
                         ["base"] * 2 + ["sft"] * 2 + ["rlhf"] * 2 + ["dpo"] * 4 + ["kto"] * 2)
        self.assertEqual(len(set(program.words(self.columns["digest"]))), 12)

    @unittest.skipUnless(xarray, "no h5py or xarray")
    def test_every_file_opens_in_other_programs(self):
        kinds, columns = set(), []
        for path in sorted(self.reference.rglob("*.h5")):
            kinds.add(path.name)
            groups = ["/"]
            with h5py.File(path) as file:
                def visit(name, item):
                    if isinstance(item, h5py.Group):
                        groups.append(name)
                    else:
                        item[()]  # reads it, which checks its checksum
                        if name.startswith("trials/"):
                            columns.append(name)
                file.visititems(visit)
            for group in groups:
                with xarray.open_dataset(path, group=group, engine="h5netcdf", phony_dims="sort") as data:
                    data.load()
        self.assertEqual(kinds, {"sweep.h5", "metrics.h5", "checkpoint.h5", "value.h5", "data.h5"})
        for name in columns:
            self.assertFalse([other for other in columns if other.startswith(name + "/")], "no name is a path of another")

    @unittest.skipUnless(program.MPIRUN, "no mpirun")
    def test_two_ranks(self):
        out = self.out()
        done = run("sweep", self.ini, "--out", out, ranks=2)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(started(done.stderr)), sorted(self.stages))
        for rank in ("[rank 0]", "[rank 1]"):
            self.assertIn(rank, done.stderr, "both ranks work")
        self.expect_same_results(out)

    def test_two_threads(self):
        out = self.out()
        done = run("sweep", self.ini, "--out", out, "--threads", 2, OMP_NUM_THREADS="2", OMP_WAIT_POLICY="passive")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_same_results(out)

    def test_two_jobs_share_a_folder(self):
        out = self.out()
        jobs = [start("sweep", self.ini, "--out", out) for _ in range(2)]
        begun = [started(job.communicate(timeout=200)[1]) for job in jobs]
        self.assertEqual([job.returncode for job in jobs], [0, 0])
        self.assertEqual(sorted(begun[0] + begun[1]), sorted(self.stages))
        self.expect_same_results(out)

    def test_killed_again_and_again(self):
        out = self.out()
        finished = {}
        # In the middle of a stage (it has a checkpoint), and after so many stages.
        moments = [lambda: any(out.glob("stages/pretrain-*/checkpoint-*.h5")), lambda: len(manifests(out)) >= 6,
                   lambda: len(manifests(out)) >= 14, lambda: len(manifests(out)) >= 26]
        for moment in moments:
            job = start("sweep", self.ini, "--out", out, "--set", "run.checkpoint_seconds=0")
            self.assertTrue(wait_until(moment, job))
            job.kill()
            begun = started(job.communicate()[1])
            self.assertEqual(set(begun) & set(finished), set(), "a finished stage is not run again")
            for stage, written in finished.items():
                self.assertEqual(manifests(out)[stage], written)
            finished = manifests(out)
            self.assertLess(len(finished), len(self.stages))
        for grave in (out / "stages/any.claim.gone.host.7", out / "sweep.lock.gone.host.7"):  # killed just there
            grave.mkdir()
            (grave / "heartbeat").write_text("0\n")
        done = run("sweep", self.ini, "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expect_same_results(out)

    def stop_and_resume(self, number, ranks=1):
        out = self.out()
        job = start("sweep", self.ini, "--out", out, ranks=ranks)
        self.assertTrue(wait_until(lambda: len(manifests(out)) >= 3, job))
        # Of several ranks only one gets the signal, as from a scheduler that knows one process.
        os.kill(job.pid if ranks == 1 else program.children(job.pid)[-1], number)
        job.communicate(timeout=100)
        self.assertEqual(job.returncode, 75)
        before = manifests(out)
        self.assertLess(len(before), len(self.stages))
        evaluated = sum(stage.startswith("evaluate-") for stage in before)
        self.assertEqual(program.words(trials(out)["status"]).count("done"), evaluated, "the index is that of the stop")
        done = run("sweep", self.ini, "--out", out, ranks=ranks)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(started(done.stderr)), set(self.stages) - set(before))
        self.expect_same_results(out)

    def test_sigterm_stops_in_good_order(self):
        self.stop_and_resume(signal.SIGTERM)

    @unittest.skipUnless(program.MPIRUN, "no mpirun")
    def test_sigusr1_stops_all_ranks(self):
        self.stop_and_resume(signal.SIGUSR1, 2)

    def test_second_call_runs_nothing(self):
        before = manifests(self.reference)
        done = run("sweep", self.ini, "--out", self.reference)
        self.assertEqual((done.returncode, started(done.stderr)), (0, []))
        self.assertEqual(manifests(self.reference), before)
        self.expect_same_results(self.reference)

    def test_another_seed_runs_only_what_is_new(self):
        out = self.out(copy=True)
        done = run("sweep", self.ini, "--out", out, "--set", "sweep.seed=1..3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(started(done.stderr)) & set(self.stages), set())
        self.assertEqual(len(started(done.stderr)), len(self.stages) // 2)
        self.assertEqual(len(program.words(trials(out)["status"])), 18)

    def test_a_failed_trial_takes_no_other_with_it(self):
        out = self.out(copy=True)
        diverge = ("sweep", self.ini, "--out", out, "--set", "kto.learning_rate=1e30")
        for _ in range(2):  # the second call tries again
            done = run(*diverge)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual({stage.split("-")[0] for stage in started(done.stderr)}, {"kto"})
            columns = trials(out)
            self.assertEqual(program.words(columns["status"]), ["done"] * 10 + ["failed"] * 2)
            errors = program.words(columns["error"])
            self.assertEqual(len(errors), 2)
            for error in errors:
                self.assertRegex(error, r"^kto-[0-9a-f]{16}: step \d+: .* is not finite")
        mended = run("sweep", self.ini, "--out", out)
        self.assertEqual((mended.returncode, started(mended.stderr)), (0, []))
        self.expect_same_results(out)

    def test_a_flipped_bit_is_named(self):
        out = self.out(copy=True)
        data = next(out.glob("stages/feedback-*/data.h5"))
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 4
        data.write_bytes(content)
        victims = [stage for stage in self.stages if stage.startswith("dpo-")]
        for stage in victims:
            (out / "stages" / stage / "stage.json").unlink()
        done = run("sweep", self.ini, "--out", out)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(str(data), done.stderr)
        self.assertEqual(len(started(done.stderr)), 2, "the other seed's")
        failed = [error for error in program.words(trials(out)["error"]) if str(data) in error]
        self.assertEqual(len(failed), 2, "both betas of that seed, and no other trial")


if __name__ == "__main__":
    unittest.main(verbosity=2)
