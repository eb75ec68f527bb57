#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles and links the whole program and all its tests for a GPU backend, whether or not there is such a GPU.
#   cmake/check_compile.sh cuda|hip      exit code 2 where the compiler is not to be had
set -euo pipefail
source "$(dirname "$0")/common.sh"
backend=${1:-}
[[ $backend == cuda || $backend == hip ]] || fail "check what? cuda or hip"
require_compiler "$backend"
build=$root/build/check-$backend
# -O0: this is about what compiles and links, and takes a sixth off nvcc's time.
"$root/cmake/configure.sh" "$backend" "$build" "-DCMAKE_CXX_FLAGS_RELEASE=-O0 -DNDEBUG"
cmake --build "$build" -- -k 0 --quiet
say "$backend compiles and links, for $(gpu_arch "$backend")"
