#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures a build folder, or leaves it alone if it stands as it should.
#   cmake/configure.sh openmp|cuda|hip|serial FOLDER [CMake argument...]
# CI=true makes warnings errors, and they stay so in that folder.
set -euo pipefail
source "$(dirname "$0")/common.sh"

backend=${1:-}
require_backend "$backend"
build=${2:?a build folder}
shift 2
require_path "the build folder" "$build"
stamp=$build/configured.txt
# A build folder is known by its stamp: nothing else is filled with a build, nor removed by `clean`.
if [[ -e $build && ! -f $stamp && ! -f $build/configure.log && -n $(ls -A -- "$build") ]]; then
    fail "$build holds other files than a build's: remove it, or name another folder"
fi

if [[ $backend == cuda ]]; then require_cuda_path "the build folder" "$build"; fi
require_compiler "$backend"
prefix=$("$root/cmake/kokkos.sh" "$backend")
gpu=$(gpu_arch "$backend")
if [[ $backend == cuda ]]; then
    require_cuda_path "the path of Kokkos" "$prefix"
    # An installed Kokkos fixes the architecture: nvcc_wrapper refuses two that differ.
    common=$(find -L "$prefix" -name KokkosConfigCommon.cmake -print -quit)
    installed=$(sed -n 's/^SET(Kokkos_ARCH \(.*\))$/\1/p' "$common")
    gpu=$(ARCH=${installed//;/,} gpu_arch cuda)
fi
compiler_flags "$backend" "$prefix/bin/nvcc_wrapper" "$gpu"

arguments=("${compiler[@]}" "-DKokkos_ROOT=$prefix" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
# Named only once it is there: a folder configured before it (`build`, `bench`) is configured again for `test`.
python=$root/build/venv/bin/python
if [[ -x $python ]]; then arguments+=("-DALIGNSWEEP_PYTHON=$python"); fi
if [[ ${CI:-} == true || ${WERROR:-} == 1 ]] || grep -qsx -e -DALIGNSWEEP_WERROR=ON "$stamp"; then
    arguments+=(-DALIGNSWEEP_WERROR=ON)
fi
if has ccache && [[ $backend != cuda ]]; then
    arguments+=("-DCMAKE_CXX_COMPILER_LAUNCHER=$(command -v ccache)")
fi
arguments+=("$@")

wanted=$(printf '%s\n' "${arguments[@]}")
if [[ -f $build/build.ninja && -f $stamp && $(<"$stamp") == "$wanted" ]]; then exit 0; fi
rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles"
mkdir -p -- "$build"
touch -- "$stamp"
if ! cmake -G Ninja -S "$root" -B "$build" "${arguments[@]}" >"$build/configure.log" 2>&1; then
    cat "$build/configure.log" >&2
    fail "CMake could not configure $build" 1
fi
echo "$wanted" >"$stamp"
