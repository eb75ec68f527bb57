#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Format, the rules of the source tree, each header alone. Takes a configured build folder: cmake/lint.sh build/openmp
# TIDY=1 runs clang-tidy 14 as well, if it is there (minutes).
set -euo pipefail
source "$(dirname "$0")/common.sh"
build=${1:?a configured build folder}
cd "$root"

format=clang-format-14
if ! has $format; then
    format=clang-format
    has $format && [[ $($format --version) == *' 14.'* ]] || fail "clang-format 14 is needed: cmake/setup.sh lint"
fi
failed=0
sources() { git ls-files -z --cached --others --exclude-standard -- "$@" | xargs -0 -r ls -d 2>/dev/null; }

say "format"
sources 'src/*.cpp' 'src/*.hpp' 'tests/*.cpp' 'tests/*.hpp' | xargs -r -d '\n' "$format" --dry-run -Werror || failed=1
say "rules of the source tree"
python3 tests/layout/include_rule.py || failed=1
say "each header alone"
cmake --build "$build" --target headers_alone -- -k 0 --quiet || failed=1
if [[ ${TIDY:-0} == 1 ]]; then
    if has clang-tidy-14; then
        say "clang-tidy"
        sources 'src/*.cpp' | xargs -r -d '\n' -n 1 -P "$(nproc)" clang-tidy-14 --quiet -p "$build" || failed=1
    else
        say "clang-tidy SKIPPED: no clang-tidy-14"
    fi
fi
((failed == 0)) && say "all good"
exit $failed
