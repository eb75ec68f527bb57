#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The build in clones whose paths hold spaces and other odd characters: it works, or one line refuses it; and `clean`
removes nothing but the build folder that was made there. Seconds, as a test of the suite; with --build (CI, a minute
or two) such a clone is configured, built as far as the tests of core, tested and cleaned."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from include_rule import tree_files

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = "--build" in sys.argv
NAMES = ["my clone", "two  spaces", " ends ", "-dash", "é 数", "a(b){c}", "a+b,c=d@e%f!g~h"]
REFUSED = ["$", "$(x)", "'", '"', ";", ":", "#", "*", "?", "[x]", "\\", "&", "|", "<", ">", "`x`", "^", "\t", "\n"]
EVERYTHING = "my clone " + "".join(NAMES[4:])

# Stands before the system's rm, so that a Makefile in error empties no more than the test's own folder.
RM = """#!/bin/bash
for word in "$@"; do
    [[ $word == -* || $(realpath -m -- "$word") == "$SANDBOX"/* ]] || { echo "rm: outside the test: $word" >&2; exit 1; }
done
exec /bin/rm "$@"
"""


class OddPaths(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name).resolve()
        (self.top / "bin").mkdir()
        (self.top / "bin/rm").write_text(RM)
        (self.top / "bin/rm").chmod(0o755)

    def clone(self, name, only=("cmake", "Makefile.hpc")):
        """X/NAME/alignsweep, with the files of the repository that are asked for."""
        clone = self.top / "X" / name / "alignsweep"
        for file in tree_files(REPOSITORY):
            if not only or file.startswith(only):
                (clone / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / file, clone / file)
        return clone

    def run_in(self, folder, *command, **variables):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        kept |= {"PATH": f"{self.top}/bin:{os.environ['PATH']}", "SANDBOX": str(self.top)} | variables
        done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, check=False)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def make(self, folder, *arguments, makefile="Makefile.hpc", **variables):
        return self.run_in(folder, "make", "-f", makefile, *arguments, **variables)

    def assert_refused(self, result, what):
        code, out, errors = result
        self.assertEqual((code, out, errors.count("\n")), (2, "", 1), errors)
        self.assertIn(what, errors)

    def everything(self):
        """All files and folders, but for the build folders; with those that lie where a path cut at its space leads."""
        for name in ("X/file", "X/my/file", "X/two/file", "clone/alignsweep/build/file", "X/clone/alignsweep/build/file"):
            (self.top / name).parent.mkdir(parents=True, exist_ok=True)
            (self.top / name).touch()
        return sorted(self.top.rglob("*"))

    @staticmethod
    def fill(build):
        for name in ("openmp/configured.txt", "openmp/src/a.o", "check-cuda/configure.log", "venv/pyvenv.cfg", "venv.log",
                     "cache/kokkos-4.5.1-openmp-0123456789/lib/a"):
            (build / name).parent.mkdir(parents=True, exist_ok=True)
            (build / name).touch()

    def test_clean_removes_the_build_folder_only(self):
        for name in NAMES:
            for above in (False, True):
                with self.subTest(name=name, above=above):
                    clone = self.clone(name)
                    before = self.everything()
                    self.fill(clone / "build")
                    where, makefile = (self.top, clone / "Makefile.hpc") if above else (clone, "Makefile.hpc")
                    self.assertEqual(self.make(where, "clean", makefile=makefile), (0, "", ""))
                    self.assertEqual(self.everything(), before)
                    self.assertEqual(self.make(where, "clean", makefile=makefile), (0, "", ""))

    def test_clean_leaves_what_it_did_not_make(self):
        clone = self.clone("my clone")
        build = clone / "build"
        foreign = ["thesis.txt", ".hidden", "two words.txt", "openmp/thesis.txt", "cache/photo", "venv/thesis.txt", "a\nb"]
        for name in foreign:
            with self.subTest(name=name):
                shutil.rmtree(build, ignore_errors=True)
                self.fill(build)
                if "/" in name:
                    shutil.rmtree((build / name).parent)
                (build / name).parent.mkdir(exist_ok=True)
                (build / name).touch()
                before = self.everything()
                code, out, errors = self.make(clone, "clean")
                lines = [line for line in errors.splitlines() if not line.startswith("make: ***")]
                self.assertEqual((code, out, len(lines)), (2, "", 1), errors)
                self.assertIn("nothing was removed", errors)
                self.assertEqual(self.everything(), before)

    def test_clean_follows_no_link(self):
        clone = self.clone("my clone")
        elsewhere = self.top / "scratch"
        self.fill(elsewhere)
        for link in (clone / "build", clone / "build/openmp"):
            with self.subTest(link=link.name):
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(elsewhere)
                before = self.everything()
                code, out, errors = self.make(clone, "clean")
                self.assertEqual((code, out), (2, ""))
                self.assertIn("nothing was removed", errors)
                self.assertEqual(self.everything(), before)
                link.unlink()

    def test_what_no_tool_can_take_is_refused_first(self):
        scripts = ["root", "configure", "kokkos", "venv", "clean", "setup", "check_compile"]
        for number, odd in enumerate(REFUSED):
            with self.subTest(odd=odd):
                clone = self.clone(f"a{odd}b", ("cmake", "Makefile.hpc", "CMakeLists.txt"))
                shown = "a control character" if odd in "\t\n" else f"holds a {odd[0]}"
                for target in ("setup", "clean"):
                    self.assert_refused(self.make(clone, target), shown)
                script = scripts[number % len(scripts)]
                self.assert_refused(self.run_in(clone, "bash", f"cmake/{script}.sh", "openmp", "build"), shown)
                self.assertFalse((clone / "build").exists())
                code, _, errors = self.run_in(clone, "cmake", "-S", ".", "-B", "build")
                self.assertEqual(code, 1)
                self.assertIn("does not exist" if odd == "\\" else "which the build cannot take", " ".join(errors.split()))

    def test_variables_with_such_paths_are_refused(self):
        clone = self.clone("my clone")
        for name in ("KOKKOS_ROOT", "KOKKOS_SOURCE", "ALIGNSWEEP_CACHE", "TMPDIR", "PYTHON"):
            for way in ("environment", "argument"):
                with self.subTest(name=name, way=way):
                    odd = f"{self.top}/a$b"
                    given = {"arguments": [f"{name}={odd}"]} if way == "argument" else {"variables": {name: odd}}
                    result = self.make(clone, "setup", *given.get("arguments", []), **given.get("variables", {}))
                    self.assertEqual(result[0], 2)
                    self.assertIn("holds a $", result[2])
                    self.assertIn("a$b", result[2])

    def test_what_single_tools_cannot_take_is_refused(self):
        clone = self.clone("my clone")
        result = self.make(clone, "setup", ALIGNSWEEP_CACHE=f"{self.top}/a(b)", KOKKOS_ROOT="")
        self.assert_refused(result, "holds a (, which Kokkos' own build cannot take")
        self.assert_refused(self.run_in(clone, "bash", "cmake/check_compile.sh", "cuda"),
                            "holds a space, which Kokkos' nvcc_wrapper cannot take")

    def test_the_makefile_elsewhere_or_beside_another_is_refused(self):
        clone = self.clone("my clone")
        shutil.copy(clone / "Makefile.hpc", self.top / "Makefile.hpc")
        self.assert_refused(self.make(self.top, "help"), "must be the only makefile")
        (self.top / "other.mk").touch()
        self.assert_refused(self.make(clone, "-f", "Makefile.hpc", "clean", makefile=self.top / "other.mk"), "must be the only makefile")

    @unittest.skipUnless(BUILD, "with --build only")
    def test_build_test_and_clean(self):
        clone = self.clone(EVERYTHING, only=())
        (self.top / "tmp é x").mkdir()
        before = self.everything()
        build = f"{clone}/build/openmp"
        for command in (["make", "-f", f"{clone}/Makefile.hpc", "configure"],
                        ["cmake", "--build", build, "--target", "test_core"],
                        ["ctest", "--test-dir", build, "--output-on-failure", "-R", "^core$"],
                        ["make", "-f", f"{clone}/Makefile.hpc", "clean"]):
            code, out, errors = self.run_in(self.top, *command, TMPDIR=f"{self.top}/tmp é x")
            self.assertEqual(code, 0, f"{command}\n{out[-3000:]}\n{errors[-3000:]}")
            if command[0] == "ctest":
                self.assertIn("100% tests passed, 0 tests failed out of 1", out)
        self.assertEqual(self.everything(), before)


if __name__ == "__main__":
    unittest.main(argv=[word for word in sys.argv if word != "--build"])
