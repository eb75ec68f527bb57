// SPDX-License-Identifier: Apache-2.0
// sweep.h5: the index of a sweep, made from the stages' folders alone, so it can be rebuilt at any time; and where
// these stages come from: a results folder may be filled by several programs on several machines, and bits may depend
// on them.
#pragma once

#include "store/manifest.hpp"
#include "store/sweep_file.hpp"
#include "sweep/plan.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace alignsweep::sweep {

// broken: its manifest stands, but it or a file of it is not what was written; it is neither used nor made again until
// `alignsweep repair` sets it aside.
enum class StageStatus { pending, running, done, failed, broken };

// The state of all stages of a plan, read from the results folder.
class Ledger {
public:
    Ledger(Plan const& plan, fs::path stages, std::string attempt);

    // Looks again at everything that is not done and not broken.
    void refresh();
    [[nodiscard]] StageStatus status(std::string const& id) const { return status_.at(id); }
    // Failed or broken, or below such a one: it will not run in this attempt. The id of that one, or nothing.
    [[nodiscard]] std::string failed_cause(std::string const& id) const;
    [[nodiscard]] bool inputs_done(std::string const& id) const;
    [[nodiscard]] std::string error_of(std::string const& id) const;
    [[nodiscard]] store::Manifest const& manifest(std::string const& id) const { return manifests_.at(id); }
    void mark_failed(std::string const& id, std::string const& error);
    // A finished stage that turned out not to be readable.
    void mark_broken(std::string const& id, std::string const& error);
    [[nodiscard]] std::vector<std::string> with_status(StageStatus status) const;
    // The manifests of those of these stages that are done.
    [[nodiscard]] std::vector<store::Manifest const*> finished(std::set<std::string> const& ids) const;

    [[nodiscard]] fs::path folder(std::string const& id) const { return stages_ / id; }
    [[nodiscard]] fs::path claim_folder(std::string const& id) const { return stages_ / (id + ".claim"); }

private:
    // Done, broken, or neither.
    [[nodiscard]] bool look_at_manifest(std::string const& id);
    // A stage that was made from another input than the one that stands is broken: looks at what touches these stages.
    void check_inputs(std::set<std::string> const& fresh);

    Plan const& plan_;
    fs::path stages_;
    std::string attempt_;  // failures of earlier attempts are tried again
    std::map<std::string, StageStatus> status_;
    std::map<std::string, store::Manifest> manifests_;
    std::map<std::string, std::string> errors_;
};

// All facts of the finished ones of these stages by name, each with its values: value -> number of stages. "unknown"
// where a stage does not say.
using Facts = std::map<std::string, std::map<std::string, std::size_t>>;
[[nodiscard]] Facts stage_facts(Ledger const& ledger, std::set<std::string> const& ids);

// How these stages were run (store::Manifest::circumstances): all values of each, joined, but of `started` the first
// and of `ended` the last.
[[nodiscard]] std::map<std::string, std::string> circumstances(Ledger const& ledger, std::set<std::string> const& ids);

// The facts in which the plan's finished stages differ from each other or from `here` (stages::run_facts, or nothing to
// compare them with each other alone), as one line: "blas is A (12 stages) and B (3 stages); ...". Empty: they agree.
[[nodiscard]] std::string describe_differences(Plan const& plan, Ledger const& ledger,
                                               std::map<std::string, std::string> const& here);

// The rows of /trials, in plan order.
[[nodiscard]] std::vector<store::TrialRow> make_rows(Plan const& plan, Ledger const& ledger);
// Writes results/<name>/sweep.h5. A stage whose curves can't be read is marked broken: its trial is told so, and the
// others are there.
void write_index(fs::path const& out, Plan const& plan, Ledger& ledger);

// --- whether what a results folder claims is there: every stage's manifest, place and files, and the index ---
struct StageCheck {
    std::string id;  // name of the stage's folder
    bool finished = false;
    std::string error;       // why it is broken; empty: it is whole, or not finished
    std::int64_t bytes = 0;  // of the files that were read
};

// Reads every file of every finished stage in <out>/stages, of this sweep or another, by name. Throws IoError where the
// folder can't be listed.
[[nodiscard]] std::vector<StageCheck> verify_stages(fs::path const& out);

// Why <out>/sweep.h5 can't be used, or empty (also where there is none yet): every column is read.
[[nodiscard]] std::string index_defect(fs::path const& out);

// Moves a stage's folder to <out>/set-aside/<id>, or <id>.2, ... Returns where it lies now, or nothing where a running
// sweep holds the stage. Throws IoError where it can't be moved.
[[nodiscard]] fs::path set_aside(fs::path const& out, std::string const& id);

}  // namespace alignsweep::sweep
