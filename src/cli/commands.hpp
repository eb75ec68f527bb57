// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each parses its own options and returns the program's exit code; bad input throws core::Error.
#pragma once

#include <string>
#include <vector>

namespace alignsweep::cli {

// What main gives a command: its own arguments, and argc/argv for MPI and Kokkos.
struct Arguments {
    std::vector<std::string> words;
    int* argc = nullptr;
    char*** argv = nullptr;
};

int sweep_command(Arguments const& arguments);
int train_command(Arguments const& arguments);
int plan_command(Arguments const& arguments);
int status_command(Arguments const& arguments);
int verify_command(Arguments const& arguments);
int repair_command(Arguments const& arguments);
int score_command(Arguments const& arguments);
int methods_command(Arguments const& arguments);

}  // namespace alignsweep::cli
