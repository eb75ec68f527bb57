// SPDX-License-Identifier: Apache-2.0
#pragma once

// The whole program; in C, so that the launcher finds it by name.
extern "C" int alignsweep_main(int argc, char** argv);
