#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sees to it that the system packages of one or more groups are there.
#   cmake/setup.sh [base] [lint] [hip] [fuzz] [arm]
# What is missing is installed with apt-get where that is allowed; otherwise the exact command is printed and the exit
# code is 2. NO_INSTALL=1 forbids installing. Tools that come from elsewhere (modules, conda) count as present.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# package|probe: the probe decides where dpkg does not know the package. It is a command, or a header after '<'.
# libopenblas0-serial must never stand in for the pthread build (wrong products from several threads), so that package
# has a probe only on systems without dpkg.
base='
g++|c++
cmake|cmake
ninja-build|ninja
make|make
git|git
libhdf5-dev|<hdf5.h
libopenmpi-dev|mpicxx
openmpi-bin|mpirun
libboost-program-options-dev|<boost/program_options.hpp
libgtest-dev|<gtest/gtest.h
libbenchmark-dev|<benchmark/benchmark.h
libopenblas-pthread-dev|
librandom123-dev|<Random123/philox.h
nlohmann-json3-dev|<nlohmann/json.hpp
libfmt-dev|<fmt/core.h
libspdlog-dev|<spdlog/spdlog.h
libxxhash-dev|<xxhash.h
zlib1g-dev|<zlib.h
python3|python3
python3-venv|venv
'
lint='
clang-format-14|clang-format-14
'
fuzz='
clang-14|clang++-14
libclang-rt-14-dev|
'
arm='
g++-aarch64-linux-gnu|aarch64-linux-gnu-g++
qemu-user-static|qemu-aarch64-static
googletest|
'
hip='
clang-19|clang++-19
clang-tools-19|clang-offload-bundler-19
lld-19|ld.lld-19
llvm-19|llvm-objcopy-19
libclang-rt-19-dev|
hipcc|
libamdhip64-dev|
'

probe() {
    case $1 in
        '') has dpkg-query && return 1; echo '#include <cblas.h>' | "${CXX:-c++}" -x c++ -E - >/dev/null 2>&1 ;;
        venv) python3 -c 'import venv, ensurepip' >/dev/null 2>&1 ;;
        '<'*) echo "#include $1>" | "${CXX:-c++}" -x c++ -E - >/dev/null 2>&1 ;;
        *) has "$1" ;;
    esac
}

missing_packages() {
    local installed='' line package
    if has dpkg-query; then
        installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p')
    fi
    for line in "$@"; do
        package=${line%%|*}
        grep -qxF -- "$package" <<<"$installed" && continue
        probe "${line#*|}" && continue
        echo "$package"
    done
}

lines=()
for group in "${@:-base}"; do
    case $group in
        base | lint | hip | fuzz | arm) mapfile -t more < <(sed '/^$/d' <<<"${!group}"); lines+=("${more[@]}") ;;
        *) say "unknown group '$group'; there are: base lint hip fuzz arm"; exit 2 ;;
    esac
done

mapfile -t missing < <(missing_packages "${lines[@]}")
((${#missing[@]})) || exit 0

sudo=()
if ((EUID != 0)); then sudo=(sudo -n); fi
if [[ ${NO_INSTALL:-0} == 1 ]] || ! has apt-get || { ((EUID != 0)) && ! sudo -n true 2>/dev/null; }; then
    needed=()
    for package in "${missing[@]}"; do [[ $package == libopenblas-pthread-dev ]] || needed+=("$package"); done
    if ((${#needed[@]} == 0)); then
        say "no libopenblas-pthread-dev: the build will have portable arithmetic alone, without run.arithmetic = fast"
        exit 0
    fi
    say "missing; install them (Debian's names), or load modules that bring them, and run again:"
    echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 2
fi

# Without --no-install-recommends a bare machine would get a desktop's worth of packages.
apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
say "installing ${missing[*]}"
# A package list that is missing or old shows as a failed install: only then is it fetched, once.
if ! { apt-cache show "${missing[@]}" && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        say "apt-get could not install: ${missing[*]}"
        exit 2
    fi
fi
