// SPDX-License-Identifier: Apache-2.0
// sweep, train: run the stages of a plan.
#include "cli/commands.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "model/runtime.hpp"
#include "sources/source.hpp"
#include "sweep/index.hpp"
#include "sweep/scheduler.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <thread>

namespace alignsweep::cli {

namespace {

// Cores of this process's share of the node, unless the user said otherwise.
int choose_threads(int asked, sweep::Comm const& comm) {
    if (asked > 0) { return asked; }
    if (std::getenv("OMP_NUM_THREADS") != nullptr || std::getenv("KOKKOS_NUM_THREADS") != nullptr) { return 0; }
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / comm.node_size());
}

// What this rank's part of `work` ended with.
struct Outcome {
    int code = 0;
    std::string message;
};

template <class Work>
Outcome outcome_of(Work const& work) {
    try {
        work();
        return {};
    } catch (std::exception const& error) {
        auto const failure = core::failure_of(error);
        return {static_cast<int>(failure.code), failure.message};
    }
}

// Bad input is seen by some ranks or by all: the first of them says so, and all leave with its code.
int agree(sweep::Comm const& comm, Outcome const& own) {
    std::int64_t const code = comm.max(own.code);
    bool const says = code != 0 && own.code == code;
    std::int64_t const first = comm.size() - comm.max(says ? comm.size() - comm.rank() : 0);
    if (says && comm.rank() == first) { core::log_error(own.message); }
    return static_cast<int>(code);
}

int run_all(sweep::Plan const& plan, SweepInput const& input, sweep::Comm const& comm) {
    auto const result = sweep::run_plan(plan, input.entries, input.out, comm);
    if (comm.rank() == 0) {
        std::cout << trials_table(result.rows);
        std::cout << "results: " << (input.out / "sweep.h5").string() << '\n';
    }
    return result.code;
}

int run(Arguments const& arguments, std::string const& usage, std::string const& text, bool first_trial_only) {
    auto options = sweep_options();
    options.add_options()("threads", po::value<int>()->default_value(0),
                          "threads of a rank (default: OMP_NUM_THREADS, else cores divided by the node's ranks)")(
        "strict", po::bool_switch(), "refuse stages that another program or machine made (default: a notice)");
    sweep::Comm const comm(*arguments.argc, *arguments.argv);
    std::optional<po::variables_map> values;
    std::optional<SweepInput> input;
    sweep::Plan plan;
    int code = agree(comm, outcome_of([&] {
                         values = parse(arguments, usage, text, "file", options);
                         if (!values) { return; }
                         int const threads = (*values)["threads"].as<int>();
                         model::check_runtime(*arguments.argc, *arguments.argv, threads);
                         input = read_sweep(*values);
                         if (first_trial_only) { input->spec.trials.resize(1); }
                         plan = sweep::make_plan(input->spec);
                         std::vector<config::DataConfig const*> data;
                         for (auto const& trial : input->spec.trials) {
                             data.push_back(&trial.config.get<config::DataConfig>());
                         }
                         if (comm.rank() == 0) { sources::check_data(data); }
                         sweep::check_writable(input->out);
                     }));
    if (code != 0 || !values) { return code; }
    if (comm.size() > 1) { core::set_log_prefix(core::concat("[rank ", comm.rank(), "] ")); }
    model::Runtime const runtime(*arguments.argc, *arguments.argv,
                                 choose_threads((*values)["threads"].as<int>(), comm));
    if ((*values)["strict"].as<bool>()) {
        code = agree(comm, outcome_of([&] { sweep::refuse_mixed(plan, input->out); }));
        if (code != 0) { return code; }
    }
    sweep::install_signal_handlers();
    Outcome const own = outcome_of([&] { code = run_all(plan, *input, comm); });
    if (own.code != 0) {
        // The others know nothing of it, and would wait for this rank.
        core::log_error(own.message);
        if (comm.size() > 1) { comm.abort(own.code); }
        return own.code;
    }
    return code;
}

}  // namespace

int sweep_command(Arguments const& arguments) {
    return run(arguments, "alignsweep sweep FILE.ini... [--set section.key=value]... [--out DIR]",
               "Runs every trial of a sweep, or what is missing of it: stages that are done are never run again.",
               false);
}

int train_command(Arguments const& arguments) {
    return run(arguments, "alignsweep train FILE.ini... [--set section.key=value]... [--out DIR]",
               "Runs one trial, the first of the sweep that the files describe.", true);
}

}  // namespace alignsweep::cli
