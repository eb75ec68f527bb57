#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes build/NAME, a Python environment, from a list of packages, and prints its interpreter.
#   venv.sh                     build/venv from analysis/requirements.txt: the Python of analysis and tests
#   venv.sh NAME REQUIREMENTS   another one
# PYTHON= names the Python to start from; otherwise the first of python3 and /usr/bin/python3 that is able to.
set -euo pipefail
source "$(dirname "$0")/common.sh"

name=${1:-venv} list=${2:-analysis/requirements.txt}
venv=$root/build/$name
requirements=$root/$list
stamp=$venv/installed-$(sha256sum "$requirements" | cut -c1-12)
if [[ -f $stamp ]] && "$venv/bin/python" -c '' 2>/dev/null; then
    echo "$venv/bin/python"
    exit
fi

base=
for candidate in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        base=$candidate
        break
    fi
done
[[ -n $base ]] || fail "no Python >= 3.10 with venv: apt-get install python3 python3-venv, or PYTHON=..."

if [[ -L $venv ]] || [[ -e $venv && ! -f $venv/pyvenv.cfg && -n $(ls -A "$venv") ]]; then
    fail "build/$name is not a Python environment: remove it"
fi
say "making build/$name"
rm -rf "$venv"
mkdir -p "$root/build"
log=$root/build/$name.log
if ! { "$base" -m venv "$venv" &&
    "$venv/bin/python" -m pip install --disable-pip-version-check --only-binary :all: -r "$requirements"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -rf "$venv"
    fail "could not install $list"
fi
touch "$stamp"
echo "$venv/bin/python"
