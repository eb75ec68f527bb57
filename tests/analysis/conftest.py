# SPDX-License-Identifier: Apache-2.0
"""Puts the analysis and the maker of sweeps on the path, as running a script in analysis/ does."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "analysis")]
