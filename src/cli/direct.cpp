// SPDX-License-Identifier: Apache-2.0
#include "cli/entry.hpp"

int main(int argc, char** argv) { return alignsweep_main(argc, argv); }
