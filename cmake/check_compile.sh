#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles what sees a GPU (kernels, model, their tests and benchmarks) for it, and links the program, whether or not there
# is such a GPU. Modules without Kokkos are those of build/openmp where that stands.
#   cmake/check_compile.sh cuda|hip      exit code 2 where the compiler is not to be had
set -euo pipefail
source "$(dirname "$0")/common.sh"
backend=${1:-}
[[ $backend == cuda || $backend == hip ]] || fail "check what? cuda or hip"
require_compiler "$backend"
build=$root/build/check-$backend
# -O0: this is about what compiles and links, and takes a sixth off nvcc's time.
arguments=("-DCMAKE_CXX_FLAGS_RELEASE=-O0 -DNDEBUG")
host=$root/build/openmp
if [[ -f $host/build.ninja ]]; then
    cmake --build "$host" --target alignsweep -- --quiet
    arguments+=("-DALIGNSWEEP_HOST_BUILD=$host")
fi
"$root/cmake/configure.sh" "$backend" "$build" "${arguments[@]}"
cmake --build "$build" -- -k 0 --quiet
say "$backend compiles and links, for $(gpu_arch "$backend")"
