#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the source tree: who may include whom, SPDX lines, file lengths, no developer's paths.

    include_rule.py [ROOT]        checks a tree (default: the one this file is in); prints each violation, exit code 1
    include_rule.py --self-test   checks that wrong trees are refused
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Each module and the modules that it may include, besides itself.
LOWER = ("core", "config", "kernels", "model", "world", "data")
ALLOWED = {
    "core": (),
    "config": ("core",),
    "kernels": ("core",),  # kernels take sizes and views, never configs
    "model": ("core", "config", "kernels"),
    "world": ("core", "config"),
    "data": ("core", "config"),
    "store": ("core", "config"),
    "losses": ("core", "config", "model", "data"),
    "stats": ("core", "world"),
    "stages": LOWER + ("store", "losses"),
    "infer": LOWER + ("store", "losses", "stages"),
    "train": LOWER + ("store", "losses", "stages", "infer"),
    "sources": LOWER + ("store", "losses", "stats", "stages", "infer", "train"),
    "kinds": LOWER + ("store", "losses", "stats", "stages", "infer", "train", "sources"),
    "score": LOWER + ("store", "losses", "stats", "stages", "infer", "train", "sources", "kinds"),
    "sweep": LOWER + ("store", "losses", "stats", "stages", "infer", "train", "sources", "kinds"),
    "cli": LOWER + ("store", "losses", "stats", "stages", "infer", "train", "sources", "kinds", "score", "sweep"),
}

# External headers that belong to one place: what they are, pattern, prefix of the paths that may include them.
OWNED = (
    ("MPI", re.compile(r"mpi(-ext)?\.h|mpi/.*"), "src/sweep/"),
    ("HDF5", re.compile(r"hdf5(_hl)?\.h|H5\w*\.h|hdf5/.*"), "src/store/"),
    ("BLAS", re.compile(r"(\w+/)*(cblas\w*|openblas\w*|f77blas|mkl\w*|cublas\w*|rocblas\w*|hipblas\w*)(\.h|-\w+\.h|/.*)"),
     "src/kernels/gemm"),
)
FORMATTER = re.compile(r"(fmt|spdlog)/")  # does not pass nvcc in C++20, and costs seconds a unit
KOKKOS = re.compile(r"Kokkos_\w+\.hpp")
# Where Kokkos may be: these modules alone are compiled for devices, and these tests.
KOKKOS_MODULES = ("kernels", "model")
KOKKOS_TESTS = ("tests/kernels/", "tests/model/device/", "tests/perf/", "tests/kokkos_main.cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', re.MULTILINE)

SOURCES = {".cpp", ".hpp", ".h", ".py", ".sh", ".cmake", ".sbatch", ".m", ".jl", ".R"}
SOURCE_NAMES = {"CMakeLists.txt", "Makefile.hpc", ".ci/run"}
LONG, TOO_LONG = 350, 500
# Spelled in pieces, so that this file passes its own check.
DEVELOPER_PATH = re.compile(r"(?<![\w.})*/])/(?:" + "wo" + "rk/|ro" + "ot/|tmp/" + "kk)")


def tree_files(root: Path) -> list[str]:
    """Tracked and new files of a git checkout, or all files elsewhere, as paths relative to root."""
    git = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                         capture_output=True)
    if git.returncode == 0 and (root / ".git").exists():
        names = git.stdout.decode().split("\0")
    else:
        names = [str(p.relative_to(root)) for p in root.rglob("*") if "build" not in p.relative_to(root).parts]
    return sorted({n for n in names if n and (root / n).is_file() and not (root / n).is_symlink()})


def includes(text: str) -> list[tuple[int, str, bool]]:
    """(line, header, quoted) of each #include; those in a block comment count too."""
    return [(text.count("\n", 0, m.start()) + 1, m[1] or m[2], m[1] is None) for m in INCLUDE.finditer(text)]


def check_modules(texts: dict[str, str]):
    """CMake compiles only KOKKOS_MODULES for devices: the host compiler takes all others, whatever the backend."""
    for name in ALLOWED:
        call = re.search(r"alignsweep_(?:module|compile_as)\(([^)]*)\)", texts.get(f"src/{name}/CMakeLists.txt", ""))
        if call and {"KOKKOS", "TRUE"} & set(call[1].split()) and name not in KOKKOS_MODULES:
            yield f"src/{name}/CMakeLists.txt: declared with KOKKOS; only {' and '.join(KOKKOS_MODULES)} may be"


def path_to_kokkos(start: str, texts: dict[str, str]) -> list[str] | None:
    """The chain of includes from a file to a Kokkos header, if there is one."""
    chains, seen = [[start]], {start}
    while chains:
        chain = chains.pop()
        for _, header, quoted in includes(texts[chain[-1]]):
            if not quoted:
                if KOKKOS.fullmatch(header):
                    return chain + [header]
                continue
            for target in (f"src/{header}", f"tests/{header}"):
                if target in texts and target not in seen:
                    seen.add(target)
                    chains.append(chain + [target])
    return None


def check_includes(name: str, texts: dict[str, str]):
    module = name.split("/")[1]
    if module not in ALLOWED:
        yield f"{name}: module '{module}' is not in the list of modules"
        return
    for line, header, quoted in includes(texts[name]):
        where = f"{name}:{line}"
        if quoted:
            other = header.split("/")[0]
            if f"src/{header}" not in texts:
                yield f'{where}: "{header}" is not a file under src/ (write "module/file.hpp")'
            elif other != module and other not in ALLOWED[module]:
                yield f"{where}: {module} may not include {other}; it may: {', '.join(ALLOWED[module]) or 'none'}"
            continue
        for what, pattern, owner in OWNED:
            if pattern.fullmatch(header) and not name.startswith(owner):
                yield f"{where}: only {owner}* includes {what} (<{header}>)"
        if FORMATTER.match(header):
            mine = name == "src/core/log.cpp" or module != "core" and module not in KOKKOS_MODULES
            if not (mine and name.endswith(".cpp")):
                yield f"{where}: <{header}> belongs in src/core/log.cpp or a .cpp of a module without Kokkos"
    if module not in KOKKOS_MODULES and name.endswith(".cpp"):
        chain = path_to_kokkos(name, texts)
        if chain:
            yield f"{name}: module {module} is compiled without Kokkos but reaches it: {' -> '.join(chain[1:])}"


def check_test_includes(name: str, texts: dict[str, str]):
    chain = None if name.startswith(KOKKOS_TESTS) else path_to_kokkos(name, texts)
    if chain:
        yield f"{name}: only {', '.join(KOKKOS_TESTS)} include Kokkos, but this reaches it: {' -> '.join(chain[1:])}"


def check_kinds(texts: dict[str, str]):
    """Who names a kind of stage: its own module alone. Everything else reads the kinds' descriptors."""
    names = re.findall(r"^KIND\((\w+)\)", texts.get("src/kinds/list.inc", ""), re.MULTILINE)
    compared = re.compile(rf'(?:kind|method|name)\w*(?:\(\))?\s*[=!]=\s*"({"|".join(names)})"') if names else None
    for path, text in texts.items():
        if compared is None or not path.startswith("src/") or path.startswith("src/kinds/"):
            continue
        for match in compared.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: only src/kinds names the kind {match[1]}"


# Functions of libm whose bits IEEE 754 does not fix, and sums in no fixed order.
UNFIXED = re.compile(r"\b(?:std|Kokkos)::((?:exp2?|expm1|log(?:2|10|1p)?|pow|a?(?:sin|cos|tan)h?|atan2|cbrt|hypot|erfc?|[lt]gamma|"
                     r"reduce|transform_reduce|\w+_distribution)f?)\s*[(<]")


def check_math(texts: dict[str, str]):
    """What computes a number computes the same everywhere: elementary functions are those of core/math.hpp."""
    for path, text in texts.items():
        if path.startswith("src/") and path != "src/core/math.hpp":
            for match in UNFIXED.finditer(text):
                yield (f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[1]} has other bits on other machines; "
                       "core/math.hpp has those that do not")


def check_traps(texts: dict[str, str]):
    """Each test that tests/TRAPS.md names stands in a test file, under its suite."""
    tests = {f"{suite}.{name}" for path, text in texts.items() if path.startswith("tests/") and path.endswith(".cpp")
             for suite, name in re.findall(r"^(?:TYPED_)?TEST(?:_[FP])?\((\w+),\s*(\w+)\)", text, re.MULTILINE)}
    for named in re.findall(r"`(\w+\.\w+)`", texts.get("tests/TRAPS.md", "")):
        if named not in tests:
            yield f"tests/TRAPS.md: there is no test {named}"


def check_tree(root: Path) -> tuple[list[str], list[str]]:
    """Returns errors and warnings."""
    errors, warnings, texts = [], [], {}
    for name in tree_files(root):
        try:
            texts[name] = (root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary: golden data
    errors.extend(check_modules(texts))
    errors.extend(check_traps(texts))
    errors.extend(check_kinds(texts))
    errors.extend(check_math(texts))
    for name, text in texts.items():
        path = Path(name)
        if path.suffix in SOURCES or path.name in SOURCE_NAMES or name in SOURCE_NAMES:
            if not any("SPDX-License-Identifier: Apache-2.0" in line for line in text.split("\n")[:3]):
                errors.append(f"{name}: no SPDX-License-Identifier: Apache-2.0 in the first three lines")
        for number, line in enumerate(text.split("\n"), 1):
            if DEVELOPER_PATH.search(line):
                errors.append(f"{name}:{number}: a path of a developer's machine: {line.strip()[:100]}")
        if name.startswith("src/") and path.suffix in (".cpp", ".hpp", ".h"):
            length = text.count("\n")
            if length > TOO_LONG:
                errors.append(f"{name}: {length} lines, more than {TOO_LONG}: split it")
            elif length > LONG:
                warnings.append(f"{name}: {length} lines, more than {LONG}")
            errors.extend(check_includes(name, texts))
        elif name.startswith("tests/") and path.suffix == ".cpp":
            errors.extend(check_test_includes(name, texts))
    return errors, warnings


# --- self-test ------------------------------------------------------------------------------------------------------
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HASH = "# SPDX-License-Identifier: Apache-2.0\n"
RIGHT = {
    "src/core/a.hpp": SPDX + "#pragma once\n#include <vector>\n",
    "src/core/log.cpp": SPDX + '#include "core/a.hpp"\n#include <spdlog/spdlog.h>\n',
    "src/core/CMakeLists.txt": HASH + "alignsweep_module(core LINKS x)\n",
    "src/config/CMakeLists.txt": HASH + "alignsweep_module(config LINKS x)\n",
    "src/config/c.hpp": SPDX + '#include "core/a.hpp"\n',
    "src/config/c.cpp": SPDX + '#include "config/c.hpp"\n#include <fmt/format.h>\n',
    "src/kernels/CMakeLists.txt": HASH + "alignsweep_module(kernels KOKKOS LINKS x)\n",
    "src/kernels/gemm/vendor_cblas.cpp": SPDX + "#include <cblas.h>\n#include <Kokkos_Core.hpp>\n",
    "src/kernels/k.hpp": SPDX + "#include <Kokkos_Core.hpp>\n",
    "src/losses/m.hpp": SPDX + '#include "core/a.hpp"\n',
    "src/store/s.hpp": SPDX + "#include <hdf5.h>\n",
    "src/sweep/mpi.cpp": SPDX + '#include "store/s.hpp"\n#include <mpi.h>\n',
    "README.md": "in $SCRATCH/wo" + "rk/ all is well\n",
}
# Files laid over the right tree, and what the answer must say (None: still right).
CASES = (
    ({}, None),
    ({"src/core/b.hpp": SPDX + '#include "config/c.hpp"\n'}, "core may not include config"),
    ({"src/kernels/b.hpp": SPDX + '#include "config/c.hpp"\n'}, "kernels may not include config"),
    ({"src/losses/b.hpp": SPDX + '#include "store/s.hpp"\n'}, "losses may not include store"),
    ({"src/stages/b.hpp": SPDX + '  #  include "sweep/x.hpp"\n', "src/sweep/x.hpp": SPDX}, "stages may not include sweep"),
    ({"src/stages/b.hpp": SPDX + '#include "store/s.hpp"\n#include "losses/m.hpp"\n'}, None),
    ({"src/cli/b.cpp": SPDX + '#include "sweep/x.hpp"\n', "src/sweep/x.hpp": SPDX}, None),
    ({"src/config/b.hpp": SPDX + '#include "nowhere.hpp"\n'}, "is not a file under src/"),
    ({"src/other/b.hpp": SPDX}, "not in the list of modules"),
    ({"src/stages/b.cpp": SPDX + "#include <mpi.h>\n"}, "includes MPI"),
    ({"src/data/b.cpp": SPDX + "#include <hdf5.h>\n"}, "includes HDF5"),
    ({"src/data/b.cpp": SPDX + "#include <H5Cpp.h>\n"}, "includes HDF5"),
    ({"src/model/b.cpp": SPDX + "#include <cublas_v2.h>\n"}, "includes BLAS"),
    ({"src/kernels/b.cpp": SPDX + "#include <rocblas/rocblas.h>\n"}, "includes BLAS"),
    ({"src/core/b.hpp": SPDX + "#include <fmt/core.h>\n"}, "belongs in src/core/log.cpp"),
    ({"src/core/b.cpp": SPDX + "#include <spdlog/spdlog.h>\n"}, "belongs in src/core/log.cpp"),
    ({"src/kernels/b.cpp": SPDX + "#include <fmt/core.h>\n"}, "belongs in src/core/log.cpp"),
    ({"src/config/b.hpp": SPDX + "#include <fmt/core.h>\n"}, "belongs in src/core/log.cpp"),
    ({"src/core/b.hpp": SPDX + "#include <Kokkos_Core.hpp>\n", "src/config/b.cpp": SPDX + '#include "core/b.hpp"\n'},
     "compiled without Kokkos but reaches it"),
    ({"src/losses/CMakeLists.txt": HASH + "alignsweep_module(losses KOKKOS LINKS x)\n", "src/losses/b.cpp": SPDX},
     "declared with KOKKOS; only kernels and model may be"),
    ({"tests/losses/b_test.cpp": SPDX + '#include "support/d.hpp"\n',
      "tests/support/d.hpp": SPDX + '#include "kernels/k.hpp"\n'}, "but this reaches it"),
    ({"tests/kernels/b_test.cpp": SPDX + '#include "kernels/k.hpp"\n'}, None),
    ({"src/core/b.hpp": "#pragma once\n"}, "no SPDX"),
    ({"analysis/b.py": "#!/usr/bin/env python3\n"}, "no SPDX"),
    ({"src/core/b.hpp": SPDX + "\n" * 500}, "split it"),
    ({"src/core/b.hpp": SPDX + "\n" * 499}, None),
    ({"tests/TRAPS.md": "`A.B`\n", "tests/core/b_test.cpp": SPDX + "TEST(A, C) {}\n"}, "there is no test A.B"),
    ({"tests/TRAPS.md": "`A.B`\n", "tests/core/b_test.cpp": SPDX + "TEST(A, B) {}\n"}, None),
    ({"src/kinds/list.inc": SPDX + "KIND(dpo)\n", "src/sweep/b.cpp": SPDX + 'bool b = spec.kind == "dpo";\n'},
     "only src/kinds names the kind dpo"),
    ({"src/kinds/list.inc": SPDX + "KIND(dpo)\n", "src/kinds/b.cpp": SPDX + 'bool b = spec.kind == "dpo";\n'}, None),
    ({"src/losses/b.cpp": SPDX + "double a = std::exp(b);\n"}, "other bits on other machines"),
    ({"src/losses/b.cpp": SPDX + "double a = std::sqrt(b) + core::math::exp(b);\n"}, None),
    ({"docs/b.md": "see /wo" + "rk/shared/x\n"}, "developer's machine"),
    ({"docs/b.md": "see `/ro" + "ot/x`\n"}, "developer's machine"),
    ({"docs/b.md": "KOKKOS=/tmp/" + "kk/openmp\n"}, "developer's machine"),
)


def self_test() -> int:
    wrong = 0
    for number, (changes, expected) in enumerate(CASES):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**RIGHT, **changes}.items():
                file = Path(folder) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            errors, _ = check_tree(Path(folder))
        good = not errors if expected is None else len(errors) == 1 and expected in errors[0]
        if not good:
            wrong += 1
            print(f"case {number} {list(changes)}: expected {expected!r}, got {errors}", file=sys.stderr)
    print(f"self-test: {len(CASES) - wrong} of {len(CASES)} cases right")
    return 1 if wrong else 0


def main() -> int:
    arguments = sys.argv[1:]
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) > 1 or arguments[:1] and arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(arguments[0]) if arguments else Path(os.path.abspath(__file__)).parents[2]
    errors, warnings = check_tree(root)
    for text in warnings:
        print(f"warning: {text}")
    for text in errors:
        print(f"error: {text}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
