// SPDX-License-Identifier: Apache-2.0
// status, verify, repair: what a results folder holds, whether it is what was written, and what to do where it is not.
#include "cli/commands.hpp"
#include "config/checks.hpp"
#include "config/text.hpp"
#include "core/log.hpp"
#include "kinds/kinds.hpp"
#include "model/runtime.hpp"
#include "sweep/claim.hpp"
#include "sweep/index.hpp"
#include "sweep/rerun.hpp"

#include <iostream>

namespace alignsweep::cli {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(po::variables_map const& values, std::string const& usage) {
    auto const folders = all_of(values, "dir");
    config::require(folders.size() == 1, folders.empty() ? "no results folder given" : "one results folder is allowed",
                    " (usage: ", usage, ")");
    return folders[0];
}
// The one folder of a command that has no options; nothing on --help.
std::optional<fs::path> read_folder(Arguments const& arguments, std::string const& usage, std::string const& text) {
    auto const values = parse(arguments, usage, text, "dir");
    return values ? std::optional(folder_of(*values, usage)) : std::nullopt;
}

struct Findings {
    std::vector<std::string> broken;  // ids
    bool index = false;               // sweep.h5 is broken
};

// Prints a line for all that is broken in a results folder, and the sums.
Findings report(fs::path const& out) {
    if (!fs::is_directory(out / "stages")) {
        throw core::IoError(out.string(), ": holds no results (no folder stages)");
    }
    Findings findings;
    std::size_t whole = 0, unfinished = 0;
    double bytes = 0.0;
    for (auto const& check : sweep::verify_stages(out)) {
        if (!check.error.empty()) {
            std::cout << "broken: " << check.error << '\n';
            findings.broken.push_back(check.id);
            continue;
        }
        (check.finished ? whole : unfinished) += 1;
        bytes += static_cast<double>(check.bytes);
    }
    std::string const defect = sweep::index_defect(out);
    findings.index = !defect.empty();
    if (findings.index) { std::cout << "broken: " << defect << "; the next run writes it anew\n"; }
    std::cout << whole << " stages whole (" << static_cast<std::int64_t>(bytes / 1e6 + 0.5) << " MB read), "
              << findings.broken.size() << " broken, " << unfinished << " not finished; sweep.h5 is "
              << (findings.index                 ? "broken"
                  : fs::exists(out / "sweep.h5") ? "whole"
                                                 : "not there")
              << '\n';
    return findings;
}

}  // namespace

int status_command(Arguments const& arguments) {
    auto const out = read_folder(arguments, "alignsweep status DIR",
                                 "Shows every trial of the sweep in a results folder, and the stages that run now.");
    if (!out) { return 0; }
    auto const plan = sweep::make_plan(config::expand(sweep::read_sweep_ini(*out), kinds::program()));
    sweep::Ledger const ledger(plan, *out / "stages", "");
    std::cout << trials_table(sweep::make_rows(plan, ledger));
    for (std::string const& id : ledger.with_status(sweep::StageStatus::running)) {
        double const share = sweep::Claim::progress(ledger.claim_folder(id)).value_or(0.0);
        std::cout << "running: " << id << " " << static_cast<int>(100.0 * share) << " %\n";
    }
    std::cout << ledger.with_status(sweep::StageStatus::done).size() << " of " << plan.stages.size()
              << " stages done\n";
    std::string const differences = sweep::describe_differences(plan, ledger, {});
    if (!differences.empty()) { std::cout << "stages of several programs or machines: " << differences << '\n'; }
    auto const broken = ledger.with_status(sweep::StageStatus::broken);
    for (std::string const& id : broken) { std::cout << "broken: " << ledger.error_of(id) << '\n'; }
    return broken.empty() ? 0 : static_cast<int>(core::ExitCode::io);
}

int verify_command(Arguments const& arguments) {
    std::string const usage = "alignsweep verify DIR [--rerun STAGE]...";
    po::options_description options("options");
    options.add_options()("rerun", po::value<std::vector<std::string>>()->composing(),
                          "runs stages once more and compares all bits: all, a kind, or a stage's folder "
                          "(may be repeated)")("threads", po::value<int>()->default_value(0),
                                               "threads of --rerun (default: OMP_NUM_THREADS, else all cores)");
    auto const values = parse(
        arguments, usage,
        "Reads every file of a results folder: each stage's manifest must be what was written and stand in\n"
        "its place, and each file must have the digest that the manifest names. Exit code 3 where something\n"
        "is broken; `alignsweep repair DIR` mends it. With --rerun, stages that are whole run once more on this\n"
        "machine; exit code 3 where a bit differs. Of stages that ran with run.trace = true, the first launch of a\n"
        "kernel that differs is named.",
        "dir", options);
    if (!values) { return 0; }
    fs::path const out = folder_of(*values, usage);
    sweep::Plan plan;
    std::vector<std::string> chosen;
    if (values->count("rerun") > 0) {
        plan = sweep::make_plan(config::expand(sweep::read_sweep_ini(out), kinds::program()));
        chosen = sweep::stages_named(plan, all_of(*values, "rerun"));
    }
    auto const findings = report(out);
    bool whole = findings.broken.empty() && !findings.index;
    if (whole && !chosen.empty()) {
        model::Runtime const runtime(*arguments.argc, *arguments.argv, (*values)["threads"].as<int>());
        for (std::string const& id : chosen) {
            auto const differences = sweep::rerun(plan, out, id);
            whole = whole && differences.empty();
            std::cout << (differences.empty() ? "the same: " : "differs: ") << id << (differences.empty() ? "" : ": ")
                      << config::join(differences) << std::endl;
        }
    }
    return whole ? 0 : static_cast<int>(core::ExitCode::io);
}

int repair_command(Arguments const& arguments) {
    auto const out =
        read_folder(arguments, "alignsweep repair DIR",
                    "Verifies a results folder and moves each broken stage to DIR/set-aside: the next run makes just\n"
                    "those again, and all others stay. Nothing is removed.");
    if (!out) { return 0; }
    auto const findings = report(*out);
    int code = 0;
    for (std::string const& id : findings.broken) {
        fs::path const place = sweep::set_aside(*out, id);
        if (place.empty()) {
            core::log_error(id + ": a running sweep holds this stage; repair it when that has ended");
            code = static_cast<int>(core::ExitCode::io);
        } else {
            std::cout << "set aside: " << id << " (" << place.string() << ")\n";
        }
    }
    if (!findings.broken.empty() && code == 0) { std::cout << "run the sweep again to make these stages anew\n"; }
    return code;
}

}  // namespace alignsweep::cli
