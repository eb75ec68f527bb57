// SPDX-License-Identifier: Apache-2.0
// verify, repair: whether a results folder holds what it claims, and what to do where it does not.
#include "cli/options.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "sweep/integrity.hpp"

#include <iostream>

namespace alignsweep::cli {

namespace po = boost::program_options;
namespace fs = std::filesystem;

namespace {

std::optional<fs::path> read_folder(Arguments const& arguments, std::string const& usage, std::string const& text) {
    auto const values = parse(arguments, usage, text, po::options_description("options"), "dir");
    if (!values) { return std::nullopt; }
    auto const folders =
        values->count("dir") > 0 ? (*values)["dir"].as<std::vector<std::string>>() : std::vector<std::string>();
    if (folders.size() != 1) {
        throw core::ConfigError(core::concat(
            folders.empty() ? "no results folder given" : "one results folder is allowed", " (usage: ", usage, ")"));
    }
    if (!fs::is_directory(fs::path(folders[0]) / "stages")) {
        throw core::IoError(core::concat(folders[0], ": holds no results (no folder stages)"));
    }
    return folders[0];
}

struct Findings {
    std::vector<std::string> broken;  // ids
    bool index = false;               // sweep.h5 is broken
};

// Prints a line for all that is broken, and the sums.
Findings report(fs::path const& out) {
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

int verify_command(Arguments const& arguments) {
    auto const out = read_folder(
        arguments, "alignsweep verify DIR",
        "Reads every file of a results folder: each stage's manifest must be what was written and stand in\n"
        "its place, and each file must have the digest that the manifest names. Exit code 3 where something\n"
        "is broken; `alignsweep repair DIR` mends it.");
    if (!out) { return 0; }
    auto const findings = report(*out);
    return findings.broken.empty() && !findings.index ? 0 : static_cast<int>(core::ExitCode::io);
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
