#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the prefix of a Kokkos with the backend that is asked for, building one first if need be.
#   cmake/kokkos.sh openmp|cuda|hip|serial
# In this order: KOKKOS_ROOT (installed); one that CMake finds, if it is new enough and has the backend; this script's
# own cache; KOKKOS_SOURCE (a source folder), built; Kokkos 4.5.1 out of a source package, built.
# ARCH names Kokkos architectures (ZEN3,AMPERE80).
set -euo pipefail
source "$(dirname "$0")/common.sh"

backend=${1:-}
require_backend "$backend"

if [[ -n ${KOKKOS_ROOT:-} ]]; then
    KOKKOS_ROOT=$(absolute "$KOKKOS_ROOT") || fail "KOKKOS_ROOT=$KOKKOS_ROOT is not a folder"
    [[ -n $(find -L "$KOKKOS_ROOT" -name KokkosConfig.cmake -print -quit 2>/dev/null) ]] ||
        fail "KOKKOS_ROOT=$KOKKOS_ROOT holds no installed Kokkos (no KokkosConfig.cmake)"
    echo "$KOKKOS_ROOT"
    exit
fi
require_compiler "$backend"
has cmake && has ninja || fail "cmake and ninja are needed: cmake/setup.sh"

work=
trap '[[ -z $work ]] || rm -rf "$work"' EXIT

# --- one that CMake finds -------------------------------------------------------------------------------------------
# Asked without a compiler (0.1 s): the impossible version makes find_package list all that it saw.
find_installed() {
    local probe
    probe=$(mktemp -d)
    cat >"$probe/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.20)
project(probe NONE)
find_package(Kokkos 999 CONFIG QUIET)
foreach(config version IN ZIP_LISTS Kokkos_CONSIDERED_CONFIGS Kokkos_CONSIDERED_VERSIONS)
  get_filename_component(dir ${config} DIRECTORY)
  if(version VERSION_GREATER_EQUAL 4.5 AND version VERSION_LESS 5 AND EXISTS ${dir}/KokkosConfigCommon.cmake)
    file(STRINGS ${dir}/KokkosConfigCommon.cmake devices REGEX "^SET\\(Kokkos_DEVICES")
    string(REGEX REPLACE ".*DEVICES (.*)\\)" "\\1" devices "${devices}")
    string(REPLACE "\\;" ";" devices "${devices}")
    set(gpu NONE)
    foreach(device CUDA HIP SYCL)
      if(device IN_LIST devices)
        set(gpu ${device})
      endif()
    endforeach()
    string(TOUPPER ${WANTED} wanted)
    if(wanted IN_LIST devices AND (gpu STREQUAL wanted OR gpu STREQUAL NONE))
      string(REGEX REPLACE "/(lib[^/]*/)?(${CMAKE_LIBRARY_ARCHITECTURE}/)?cmake/Kokkos$" "" prefix ${dir})
      message(STATUS "prefix=${prefix}")
      return()
    endif()
  endif()
endforeach()
CMAKE
    cmake -S "$probe" -B "$probe/b" -DWANTED="$backend" 2>/dev/null | sed -n 's/^-- prefix=//p' || true
    rm -rf "$probe"
}
installed=$(find_installed)
if [[ -n $installed ]]; then
    require_path "the path of the installed Kokkos" "$installed"
    echo "$installed"
    exit
fi

# --- what would be built, and its name in the cache -----------------------------------------------------------------
sdist=pycompadre sdist_version=1.7.6 version=4.5.1
sha256=c766ec4d445ce076069be4b8c51a23ffac4ee79ea949ca86446bfd8c299b154c
source_name=$sdist-$sdist_version
if [[ -n ${KOKKOS_SOURCE:-} ]]; then
    [[ -f $KOKKOS_SOURCE/core/src/Kokkos_Core.hpp ]] || fail "KOKKOS_SOURCE=$KOKKOS_SOURCE is not a Kokkos source folder"
    KOKKOS_SOURCE=$(absolute "$KOKKOS_SOURCE")
    version=$(sed -n 's/^set(Kokkos_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\).*/\2/Ip' "$KOKKOS_SOURCE/CMakeLists.txt" | paste -sd.)
    source_name=$KOKKOS_SOURCE
fi

gpu=$(gpu_arch "$backend")
options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 -DCMAKE_CXX_EXTENSIONS=OFF -DKokkos_ENABLE_SERIAL=ON)
case $backend in
    openmp) options+=(-DKokkos_ENABLE_OPENMP=ON) ;;
    cuda) options+=(-DKokkos_ENABLE_OPENMP=ON -DKokkos_ENABLE_CUDA=ON "-DKokkos_ARCH_$gpu=ON") ;;
    hip) options+=(-DKokkos_ENABLE_OPENMP=OFF -DKokkos_ENABLE_HIP=ON "-DKokkos_ARCH_$gpu=ON" -DKokkos_ENABLE_ROCTHRUST=OFF) ;;
esac
for name in ${ARCH//,/ }; do
    [[ $name == "$gpu" ]] || options+=("-DKokkos_ARCH_$name=ON")
done
# For any processor of this kind, and for a shared object: the kernels choose their instructions at run time.
if [[ $backend == openmp || $backend == serial ]]; then options+=(-DCMAKE_POSITION_INDEPENDENT_CODE=ON); fi
# A compiler for another processor: its C library is not where CMake looks.
if [[ $backend == serial && $("${CXX:-c++}" -dumpmachine) != $(uname -m)-* ]]; then options+=(-DKokkos_ENABLE_LIBDL=OFF); fi
patch=
if [[ $backend == cuda && $version == 4.5.* ]] && (($(nvcc_major) >= 13)); then patch=$root/cmake/kokkos-4.5-cuda13.patch; fi
compiler_flags "$backend" WRAPPER "$gpu"

# The name tells apart all that would make another library: source, compiler, flags, patch.
identity() {
    printf '%s\n' "$source_name" "$sha256" "${options[@]}" "${compiler[@]}"
    case $backend in
        cuda) "$(nvcc_path)" --version && "${NVCC_WRAPPER_DEFAULT_COMPILER:-g++}" --version ;;
        # The path of compiler-rt, which changes with the packages, ends up in the installed CMake files.
        hip) "${compiler[0]#*=}" --version && "${compiler[0]#*=}" --rtlib=compiler-rt -print-libgcc-file-name ;;
        *) "${compiler[0]#*=}" --version ;;
    esac
    [[ -z $patch ]] || cat "$patch"
}
tag=$(identity | sha256sum | cut -c1-10)

if ! { mkdir -p -- "$cache" && [[ -w $cache ]]; } 2>/dev/null; then
    say "cannot write to the cache folder $cache: using build/cache"
    cache=$root/build/cache
    require_cache
    mkdir -p "$cache"
fi
cache=$(absolute "$cache")
prefix=$cache/kokkos-$version-$backend-$tag
if [[ -d $prefix ]]; then
    echo "$prefix"
    exit
fi

# --- build ----------------------------------------------------------------------------------------------------------
# One builder at a time; it builds beside the prefix and renames at the end, so that a prefix that stands is whole.
exec 9>"$cache/.lock-$backend-$tag"
if has flock; then flock 9; fi
if [[ -d $prefix ]]; then
    echo "$prefix"
    exit
fi
rm -rf "$cache/.build-$backend-$tag".*
work=$(mktemp -d "$cache/.build-$backend-$tag.XXXXXX")

download() {
    local archive=$cache/$sdist-$sdist_version.tar.gz python=python3
    if [[ ! -f $archive ]]; then
        say "getting Kokkos $version"
        mkdir "$work/download"
        if ! $python -m pip --version >/dev/null 2>&1; then
            $python -m venv "$work/venv"
            python=$work/venv/bin/python
        fi
        $python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary $sdist --dest "$work/download" \
            "$sdist==$sdist_version" >"$work/log" 2>&1 || {
            tail -n 20 "$work/log" >&2
            fail "cannot download Kokkos: give KOKKOS_SOURCE= (a source folder) or KOKKOS_ROOT= (an installed one)"
        }
        check "$work/download/$sdist-$sdist_version.tar.gz"
        mv "$work/download/$sdist-$sdist_version.tar.gz" "$archive"
    fi
    check "$archive"
    tar -xzf "$archive" -C "$work" "$sdist-$sdist_version/kokkos"
    mv "$work/$sdist-$sdist_version/kokkos" "$work/kokkos"
}

check() {
    echo "$sha256  $1" | sha256sum --check --quiet - >/dev/null 2>&1 ||
        fail "$1 has another SHA-256 than the one pinned here: remove it and run again"
}

if [[ -n ${KOKKOS_SOURCE:-} ]]; then
    cp -r "$KOKKOS_SOURCE" "$work/kokkos"
else
    download
fi
if [[ -n $patch ]] && ! grep -q 'CUDART_VERSION >= 13000' "$work/kokkos/core/src/Cuda/Kokkos_Cuda_Instance.hpp"; then
    (cd "$work/kokkos" && GIT_CEILING_DIRECTORIES=$work git apply "$patch") || fail "$patch does not apply"
fi
compiler_flags "$backend" "$work/kokkos/bin/nvcc_wrapper" "$gpu"

say "building Kokkos $version for $backend, once (openmp: half a minute; hip: 1 minute; cuda: 4 minutes; on 2 cores)"
# nvcc_wrapper finds nvcc by CUDA_ROOT or PATH.
cmake -G Ninja -S "$work/kokkos" -B "$work/b" -DCMAKE_INSTALL_PREFIX="$prefix" "${compiler[@]}" "${options[@]}" >"$work/log" 2>&1 &&
    cmake --build "$work/b" >>"$work/log" 2>&1 &&
    DESTDIR=$work/stage cmake --install "$work/b" >>"$work/log" 2>&1 || {
    tail -n 40 "$work/log" >&2
    fail "Kokkos $version did not build for $backend" 1
}
mv -T "$work/stage$prefix" "$prefix"
echo "$prefix"
