#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""experiments/*/job.sbatch without Slurm: stubs stand for srun, scontrol and the program, in a clone whose path has a
space in it. Use: job_test.py REPOSITORY"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

REPOSITORY = Path(sys.argv.pop(1)).resolve()
JOBS = sorted(path.relative_to(REPOSITORY) for path in REPOSITORY.glob("experiments/*/job.sbatch"))

STUBS = {
    "bin/srun": 'exec "$@"',
    "bin/scontrol": 'echo "$@" >>"$LOG"',
    "build/openmp/alignsweep": 'printf "%s\\n" "$@" >arguments.txt\n'
                               '[[ -z ${WAIT:-} ]] || { trap "exit 75" USR1; while :; do sleep 0.05; done; }\n'
                               'exit "$CODE"',
}


class JobScripts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.clone = Path(folder.name) / "my clone é"
        shutil.copytree(REPOSITORY / "experiments", self.clone / "experiments")
        for name, text in STUBS.items():
            stub = self.clone / name
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.write_text(f"#!/bin/bash\n{text}\n")
            stub.chmod(0o755)
        self.log = self.clone / "scontrol.txt"

    def start(self, job, *arguments, cwd=None, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "ALIGNSWEEP"))}
        environment |= {"PATH": f"{self.clone}/bin:{os.environ['PATH']}", "LOG": str(self.log), "CODE": "75",
                        "SLURM_JOB_ID": "7"} | variables
        # Slurm runs a copy of the script, from a folder of its own.
        copy = shutil.copy(REPOSITORY / job, self.clone / "slurm_script")
        process = subprocess.Popen(["bash", copy, *arguments], cwd=cwd or self.clone, env=environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(self.end_session, process)
        return process

    @staticmethod
    def end_session(process):
        """Ends whatever a job that went wrong left running."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def finish(self, process):
        """Exit code, standard error, and what scontrol was told."""
        errors = process.communicate(timeout=20)[1]
        told = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return process.returncode, errors, told

    def test_there_are_jobs(self):
        self.assertTrue(JOBS)

    def test_log_is_in_a_folder_that_a_fresh_clone_has(self):
        listed = subprocess.run(["git", "-C", REPOSITORY, "ls-files", "-z"], capture_output=True, text=True)
        files = listed.stdout.split("\0") if listed.returncode == 0 else []
        folders = {str(parent) for name in filter(None, files) for parent in Path(name).parents}
        for job in JOBS:
            with self.subTest(job=str(job)):
                text = (REPOSITORY / job).read_text()
                for output in re.findall(r"^#SBATCH +--(?:output|error)=(\S+)", text, re.MULTILINE):
                    folder = os.path.dirname(output) or "."
                    self.assertTrue(folder in folders if folders else (REPOSITORY / folder).is_dir(), output)

    def test_only_what_was_stopped_is_requeued(self):
        array = {"SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "3"}
        for job in JOBS:
            with self.subTest(job=str(job)):
                self.assertEqual(self.finish(self.start(job)), (75, "", ["requeue 7"]))
                self.assertEqual(self.finish(self.start(job, **array)), (75, "", ["requeue 5_3"]))
                # The last task of an array has the array's own id.
                self.assertEqual(self.finish(self.start(job, SLURM_JOB_ID="5", **array)), (75, "", ["requeue 5_3"]))

    def test_other_exit_codes_are_passed_on(self):
        for job in JOBS:
            with self.subTest(job=str(job)):
                for code in (0, 1, 3):
                    self.assertEqual(self.finish(self.start(job, CODE=str(code))), (code, "", []))

    def test_arguments_are_passed_on_whole(self):
        for job in JOBS:
            with self.subTest(job=str(job)):
                self.finish(self.start(job, "--set", "data.corpus=/a b/é.txt", CODE="0"))
                passed = (self.clone / "arguments.txt").read_text().splitlines()
                self.assertEqual(passed[-2:], ["--set", "data.corpus=/a b/é.txt"])

    def test_a_signal_to_the_shell_alone_reaches_the_program(self):
        for job in JOBS:
            with self.subTest(job=str(job)):
                (self.clone / "arguments.txt").unlink(missing_ok=True)
                process = self.start(job, WAIT="1")
                deadline = time.monotonic() + 30
                while not (self.clone / "arguments.txt").exists() and time.monotonic() < deadline:
                    time.sleep(0.02)
                time.sleep(0.2)
                process.send_signal(signal.SIGUSR1)
                self.assertEqual(self.finish(process)[::2], (75, ["requeue 7"]))

    def test_elsewhere_or_unbuilt_ends_in_one_line(self):
        for job in JOBS:
            with self.subTest(job=str(job)):
                for settings in ({"cwd": self.clone.parent}, {"ALIGNSWEEP": "/no/such program"}):
                    code, errors, told = self.finish(self.start(job, **settings))
                    self.assertEqual((code, errors.count("\n"), told), (2, 1, []), errors)


if __name__ == "__main__":
    unittest.main()
