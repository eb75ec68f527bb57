#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Removes the repository's build/, if all that it holds was made by these scripts; otherwise names the first thing that
# was not, and removes nothing.
set -euo pipefail
source "$(dirname "$0")/common.sh"
shopt -s nullglob dotglob
build=$root/build

ours() {  # ENTRY of build/
    [[ ! -L $1 ]] || return 1
    local inside
    case ${1##*/} in
        venv) [[ -f $1/pyvenv.cfg ]] ;;
        venv.log) [[ -f $1 ]] ;;
        cache)
            for inside in "$1"/*; do
                [[ ${inside##*/} =~ ^(kokkos-|\.lock-|\.build-|pycompadre-) ]] || return 1
            done
            ;;
        *) [[ -f $1/configured.txt || -f $1/configure.log ]] ;;
    esac
}

[[ ! -L $build ]] || fail "build/ is a symbolic link, not the folder made here: nothing was removed"
[[ -e $build ]] || exit 0
[[ -d $build ]] || fail "build/ is not a folder: nothing was removed"
for entry in "$build"/*; do
    ours "$entry" || fail "build/$(printf %q "${entry##*/}") was not made by this Makefile: nothing was removed"
done
rm -rf --one-file-system -- "$build"
