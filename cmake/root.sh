#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints the repository's root, or ends with exit code 2 and one line that says why the build cannot live there.
set -euo pipefail
source "$(dirname "$0")/common.sh"
echo "$root"
