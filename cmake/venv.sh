#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes build/venv, the Python of analysis and tests, from analysis/requirements.txt, and prints its interpreter.
# PYTHON= names the Python to start from; otherwise the first of python3 and /usr/bin/python3 that is able to.
set -euo pipefail
source "$(dirname "$0")/common.sh"

venv=$root/build/venv
requirements=$root/analysis/requirements.txt
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
    fail "build/venv is not a Python environment: remove it"
fi
say "making build/venv (half a minute)"
rm -rf "$venv"
mkdir -p "$root/build"
log=$root/build/venv.log
if ! { "$base" -m venv "$venv" &&
    "$venv/bin/python" -m pip install --disable-pip-version-check --only-binary :all: -r "$requirements"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -rf "$venv"
    fail "could not install analysis/requirements.txt"
fi
touch "$stamp"
echo "$venv/bin/python"
