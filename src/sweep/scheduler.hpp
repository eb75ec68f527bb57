// SPDX-License-Identifier: Apache-2.0
// Runs the stages of a plan on all ranks. Every rank looks for the ready stage with the longest chain behind it and
// claims it by an atomic mkdir; no rank waits for another, and several jobs may share one folder.
#pragma once

#include "store/sweep_file.hpp"
#include "sweep/comm.hpp"
#include "sweep/plan.hpp"

#include <filesystem>
#include <span>
#include <vector>

namespace alignsweep::sweep {

// Makes <out>/stages. Throws IoError where the results folder can't be written.
void check_writable(fs::path const& out);

// Throws IoError where finished stages of the plan come from another program or machine than this one (--strict).
void refuse_mixed(Plan const& plan, fs::path const& out);

struct RunResult {
    // What all ranks leave with: 0, 1 if some stage failed, 3 if a finished one is broken, 75 if a signal stopped the
    // run.
    int code = 0;
    std::vector<store::TrialRow> rows;  // as the index has them; on rank 0
};

// `entries`: what the plan was made of, kept in <out>/sweep.ini. Throws IoError where a file can't be written.
RunResult run_plan(Plan const& plan, std::span<config::Entry const> entries, fs::path const& out, Comm const& comm);

// SIGUSR1, SIGTERM and SIGINT ask for a stop in good order.
void install_signal_handlers();

}  // namespace alignsweep::sweep
