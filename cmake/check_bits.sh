#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kernels, model and their tests built in another way than the program, without threads, and run: the digests that the
# tests hold are the same for all. MPI, HDF5 and Boost are not needed.
#   cmake/check_bits.sh arm       GCC for 64-bit ARM, run under qemu's user emulation
#   cmake/check_bits.sh clang     Clang 14
#   cmake/check_bits.sh debug     GCC without optimisation
# Exit code 2 where compiler or emulator are not to be had.
set -euo pipefail
source "$(dirname "$0")/common.sh"
variant=${1:-}
build=$root/build/check-$variant
arguments=("-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG")  # compiling takes longer than running
case $variant in
    arm)
        export CXX=aarch64-linux-gnu-g++
        emulator=qemu-aarch64-static headers=$build/headers
        has $emulator || fail "no $emulator here: cmake/setup.sh arm"
        [[ -f /usr/src/googletest/CMakeLists.txt ]] || fail "no /usr/src/googletest here: cmake/setup.sh arm"
        # Libraries as headers alone, apart from those of this machine's C library.
        mkdir -p "$headers"
        touch "$build/configured.txt"
        for name in fmt spdlog nlohmann Random123 xxhash.h; do
            [[ -e /usr/include/$name ]] || fail "no /usr/include/$name here: cmake/setup.sh"
            ln -sfn "/usr/include/$name" "$headers/$name"
        done
        arguments+=(-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 "-DCMAKE_C_COMPILER=${CXX/g++/gcc}"
            "-DCMAKE_CROSSCOMPILING_EMULATOR=$(command -v $emulator);-L;/usr/aarch64-linux-gnu"
            "-DALIGNSWEEP_HEADERS=$headers")
        ;;
    clang)
        export CXX=clang++-14
        arguments+=(-DALIGNSWEEP_LEVELS=v3 -DALIGNSWEEP_LEVEL=v3)
        ;;
    debug)
        export CXX=${CXX:-c++}
        arguments=(-DCMAKE_BUILD_TYPE=Debug "-DCMAKE_CXX_FLAGS_DEBUG=-O0" -DALIGNSWEEP_LEVELS=plain)
        ;;
    *) fail "check what? arm, clang or debug" ;;
esac
has "$CXX" || fail "no $CXX here: cmake/setup.sh arm fuzz"
"$root/cmake/configure.sh" serial "$build" -DALIGNSWEEP_ENGINE_ONLY=ON "${arguments[@]}"
cmake --build "$build" --target test_core test_kernels test_model -- --quiet
ctest --test-dir "$build" --output-on-failure -j "$(nproc)" -R '^(core|kernels|model)$'
say "$variant: the same bits"
