# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the other scripts: the repository's root, and for each backend its compiler and flags. Refuses paths that
# one of the tools could not take.
unset CDPATH
absolute() { (cd -- "$1" 2>/dev/null && pwd); }
root=$(absolute "${BASH_SOURCE[0]%/*}/..")
say() { echo "${0##*/}: $*" >&2; }
fail() {
    say "$1"
    exit "${2:-2}"
}
has() { command -v "$1" >/dev/null 2>&1; }

# require_path WHAT PATH [CHARACTERS WHOSE]: ends with exit code 2 if the path has a character that CMake, ninja, make or
# Python's venv cannot take, or one of CHARACTERS, which the tool WHOSE cannot take. Each was tried: ninja 1.11 splits its
# lists of headers at ' and &, CMake takes *?[ in a glob for patterns and splits lists at a semicolon, a venv refuses a
# colon.
require_path() {
    local LC_ALL=C shown=${2//[[:cntrl:]]/?} who='the build'
    local plain='[A-Za-z0-9/ ._+,=@%!~(){}'$'\x80-\xff''-]'
    local bad=${2//$plain/}
    if [[ -z $bad && -n ${3:-} ]]; then
        bad=${2//[!$3]/} who=$4
    fi
    bad=${bad:0:1}
    case $bad in
        '') ! has iconv || iconv -f UTF-8 -t UTF-8 <<<"$2" >/dev/null 2>&1 || fail "$1 is not UTF-8: $shown" ;;
        [[:cntrl:]]) fail "$1 holds a control character, which $who cannot take: $shown" ;;
        ' ') fail "$1 holds a space, which $who cannot take: $shown" ;;
        *) fail "$1 holds a $bad, which $who cannot take: $shown" ;;
    esac
}
require_cuda_path() { require_path "$1" "$2" ' (){}!' "Kokkos' nvcc_wrapper"; }
require_path "the repository's path" "$root"
for name in TMPDIR KOKKOS_ROOT KOKKOS_SOURCE CXX PYTHON; do require_path "$name" "${!name:-}"; done
cache=${ALIGNSWEEP_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/alignsweep}
require_cache() {
    require_path "the cache folder (ALIGNSWEEP_CACHE, or in XDG_CACHE_HOME or HOME)" "$cache" '()' "Kokkos' own build"
}
if [[ -z ${KOKKOS_ROOT:-} ]]; then require_cache; fi

require_backend() {
    case ${1:-} in
        openmp | cuda | hip | serial) ;;
        *) fail "the backend is one of openmp cuda hip serial, not '${1:-}'" ;;
    esac
}

nvcc_path() {
    if [[ -n ${CUDA_ROOT:-} ]]; then echo "$CUDA_ROOT/bin/nvcc"; else command -v nvcc || true; fi
}

nvcc_major() { "$(nvcc_path)" --version | sed -n 's/.* V\([0-9]*\)\..*/\1/p'; }

# ROCm as AMD installs it, or nothing.
rocm_hipcc() {
    local prefix
    for prefix in "${ROCM_PATH:-}" /opt/rocm; do
        [[ -n $prefix && -x $prefix/bin/hipcc ]] && echo "$prefix/bin/hipcc" && return
    done
    return 0
}

# Ends with exit code 2 where the backend's compiler is not to be had.
require_compiler() {
    case $1 in
        cuda)
            local name
            for name in root KOKKOS_ROOT KOKKOS_SOURCE cache TMPDIR; do
                require_cuda_path "the path of ${name/#root/the repository}" "${!name:-}"
            done
            [[ -x $(nvcc_path) ]] || fail "CUDA needs nvcc, which is not in PATH nor under CUDA_ROOT"
            ;;
        hip)
            [[ -n $(rocm_hipcc) ]] || has clang++-19 && [[ -n $(rocm_hipcc) || -e /usr/include/hip/hip_runtime.h ]] ||
                fail "HIP needs ROCm's hipcc (under ROCM_PATH), or Debian's: cmake/setup.sh hip"
            ;;
        *) has "${CXX:-c++}" || fail "no C++ compiler '${CXX:-c++}'" ;;
    esac
}

# gpu_arch BACKEND: the Kokkos name of the GPU that is compiled for, from ARCH (a list such as ZEN3,AMPERE80).
gpu_arch() {
    local name
    for name in ${ARCH//,/ }; do
        case $1:$name in
            cuda:KEPLER* | cuda:MAXWELL* | cuda:PASCAL* | cuda:VOLTA* | cuda:TURING* | cuda:AMPERE* | cuda:ADA* | \
                cuda:HOPPER* | cuda:BLACKWELL* | hip:AMD_GFX*) echo "$name" && return ;;
        esac
    done
    case $1 in
        cuda) echo HOPPER90 ;;
        hip) echo AMD_GFX90A ;;
    esac
}
ARCH=${ARCH:-}

# compiler_flags BACKEND NVCC_WRAPPER GPU_ARCH: sets the array `compiler`, CMake's arguments that name compiler and flags.
compiler_flags() {
    compiler=()
    case $1 in
        # nvcc 13 no longer knows nvcc_wrapper's default sm_70, so even CMake's compiler test needs the architecture.
        cuda) compiler=("-DCMAKE_CXX_COMPILER=$2" "-DCMAKE_CXX_FLAGS=-arch=sm_${3//[!0-9]/}") ;;
        hip)
            if [[ -n $(rocm_hipcc) ]]; then
                compiler=("-DCMAKE_CXX_COMPILER=$(rocm_hipcc)")
            else
                # Debian's hipcc 5.2.3 crashes in its clang 15; clang 19 takes its headers and device libraries.
                local bitcode
                bitcode=$(ls -d /usr/lib/*/amdgcn/bitcode | head -n 1)
                compiler=(-DCMAKE_CXX_COMPILER=clang++-19 "-DCMAKE_CXX_FLAGS=-mcode-object-version=4 --rocm-path=/usr \
--rocm-device-lib-path=$bitcode -D__HIP_PLATFORM_AMD__ -Qunused-arguments")
            fi
            ;;
        *) compiler=("-DCMAKE_CXX_COMPILER=${CXX:-c++}") ;;
    esac
}
