#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets of tests/fuzz and runs each on its seeds and on what earlier runs found (build/fuzz/corpus).
#   cmake/fuzz.sh [SECONDS [TARGET...]]
# A finding is kept in build/fuzz/crashes and ends its target; the exit code is 1 if there is one. KEEP_GOING=1 goes on
# after a finding, to collect more of them. FUZZ_CXX names a clang++ with libFuzzer.
set -euo pipefail
source "$(dirname "$0")/common.sh"
seconds=${1:-60}
shift || true
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "SECONDS is a whole number above 0, not '$seconds'"
fuzz=$root/tests/fuzz
build=$root/build/fuzz

compiler=''
for candidate in ${FUZZ_CXX:-clang++-14 clang++-19 clang++}; do
    has "$candidate" || continue
    if echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
        "$candidate" -x c++ -fsanitize=fuzzer,address,undefined -o /dev/null - 2>/dev/null; then
        compiler=$candidate
        break
    fi
done
[[ -n $compiler ]] || fail "a clang++ with libFuzzer and sanitizers is needed: cmake/setup.sh fuzz"

all=()
for file in "$fuzz"/fuzz_*.cpp; do
    name=${file##*/fuzz_}
    all+=("${name%.cpp}")
done
targets=("${@:-${all[@]}}")
for target in "${targets[@]}"; do
    [[ -f $fuzz/fuzz_$target.cpp ]] || fail "no target '$target'; there are: ${all[*]}"
done

mkdir -p "$build/crashes" "$build/logs"
arguments=("-DCMAKE_CXX_COMPILER=$compiler")
if has ccache; then arguments+=("-DCMAKE_CXX_COMPILER_LAUNCHER=$(command -v ccache)"); fi
if ! cmake -G Ninja -S "$fuzz" -B "$build" "${arguments[@]}" >"$build/configure.log" 2>&1; then
    cat "$build/configure.log" >&2
    fail "CMake could not configure $build" 1
fi
cmake --build "$build" --target "${targets[@]/#/fuzz_}"

# Inputs go to memory: thousands of files a second.
parent=/dev/shm
[[ -d $parent && -w $parent ]] || parent=${TMPDIR:-/tmp}
ALIGNSWEEP_FUZZ_SCRATCH=$(mktemp -d "$parent/alignsweep-fuzz-XXXXXX")
export ALIGNSWEEP_FUZZ_SCRATCH
trap 'rm -rf -- "$ALIGNSWEEP_FUZZ_SCRATCH"' EXIT
# No input is longer than 16 kB, so no reader has a reason to ask for this much memory at once, or in all.
limits=(-max_len=16384 -timeout=20 -report_slow_units=30 -malloc_limit_mb=256 -rss_limit_mb=1024)
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
# Quoted: the sanitizers part their options at spaces.
export LSAN_OPTIONS="suppressions='$fuzz/leaks.supp':print_suppressions=0"

number() { sed -n "s/^stat::$1: *//p" "$2" | tail -n 1; }
failed=0
printf '%-14s %10s %8s %7s %7s %6s  %s\n' target runs runs/s edges inputs MiB findings
for target in "${targets[@]}"; do
    corpus=$build/corpus/$target
    log=$build/logs/$target.log
    mkdir -p "$corpus"
    options=("${limits[@]}" "-max_total_time=$seconds" -print_final_stats=1 "-artifact_prefix=$build/crashes/$target-")
    if [[ -f $fuzz/dictionaries/$target.dict ]]; then options+=("-dict=$fuzz/dictionaries/$target.dict"); fi
    if [[ ${KEEP_GOING:-0} == 1 ]]; then options+=(-fork=1 -ignore_crashes=1 -ignore_ooms=1 -ignore_timeouts=1); fi
    touch "$build/started"
    state=0
    "$build/fuzz_$target" "${options[@]}" "$corpus" "$fuzz/seeds/$target" >"$log" 2>&1 || state=$?
    mapfile -t found < <(find "$build/crashes" -name "$target-*" -newer "$build/started" -printf '%p\n')
    # A status line reads: #65536 pulse cov: 1063 ft: 4311 corp: 509/27Kb ...
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2) || edges=''
    inputs=$(grep -o 'corp: [0-9]*' "$log" | tail -n 1 | cut -d ' ' -f 2) || inputs=''
    printf '%-14s %10s %8s %7s %7s %6s  %s\n' "$target" "$(number number_of_executed_units "$log")" \
        "$(number average_exec_per_sec "$log")" "$edges" "$inputs" "$(number peak_rss_mb "$log")" "${#found[@]}"
    if ((${#found[@]} > 0 || state != 0)); then
        failed=1
        grep -m 1 -E '^(finding:|SUMMARY:|.*runtime error:|terminate called|.*what\(\):)' "$log" | cut -c 1-300 || true
        printf '    %s\n' "${found[@]:-exit code $state without an input}" "log: $log"
    fi
done
exit $failed
