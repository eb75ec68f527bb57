// SPDX-License-Identifier: Apache-2.0
// Runs the stages of a plan on all ranks. Every rank looks for the ready stage with the longest chain behind it and
// claims it by an atomic mkdir; no rank waits for another, and several jobs may share one folder.
#pragma once

#include "sweep/comm.hpp"
#include "sweep/plan.hpp"

#include <filesystem>
#include <span>

namespace alignsweep::sweep {

// Makes <out>/stages. Throws IoError where the results folder can't be written.
void check_writable(std::filesystem::path const& out);

// `entries`: what the plan was made of, kept in <out>/sweep.ini. Returns the exit code that all ranks leave with: 0, 1
// if some stage failed, 75 if a signal stopped the run. Throws IoError where a file can't be written.
int run_plan(Plan const& plan, std::span<config::Entry const> entries, std::filesystem::path const& out,
             Comm const& comm);

// SIGUSR1, SIGTERM and SIGINT ask for a stop in good order.
void install_signal_handlers();

}  // namespace alignsweep::sweep
