// SPDX-License-Identifier: Apache-2.0
// sweep.h5: the index of a sweep, made from the stages' folders alone, so it can be rebuilt at any time.
#pragma once

#include "store/manifest.hpp"
#include "store/sweep_file.hpp"
#include "sweep/plan.hpp"

#include <filesystem>
#include <map>
#include <set>

namespace alignsweep::sweep {

// broken: its manifest stands, but it or a file of it is not what was written; it is neither used nor made again until
// `alignsweep repair` sets it aside.
enum class StageStatus { pending, running, done, failed, broken };

// The state of all stages of a plan, read from the results folder.
class Ledger {
public:
    Ledger(Plan const& plan, std::filesystem::path stages, std::string attempt);

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

    [[nodiscard]] std::filesystem::path folder(std::string const& id) const { return stages_ / id; }
    [[nodiscard]] std::filesystem::path claim_folder(std::string const& id) const { return stages_ / (id + ".claim"); }

private:
    // Done, broken, or neither.
    [[nodiscard]] bool look_at_manifest(std::string const& id);
    // A stage that was made from another input than the one that stands is broken: looks at what touches these stages.
    void check_inputs(std::set<std::string> const& fresh);

    Plan const& plan_;
    std::filesystem::path stages_;
    std::string attempt_;  // failures of earlier attempts are tried again
    std::map<std::string, StageStatus> status_;
    std::map<std::string, store::Manifest> manifests_;
    std::map<std::string, std::string> errors_;
};

// The rows of /trials, in plan order.
[[nodiscard]] std::vector<store::TrialRow> make_rows(Plan const& plan, Ledger const& ledger);
// Writes results/<name>/sweep.h5. A stage whose curves can't be read is marked broken: its trial is told so, and the
// others are there.
void write_index(std::filesystem::path const& out, Plan const& plan, Ledger& ledger);

}  // namespace alignsweep::sweep
