// SPDX-License-Identifier: Apache-2.0
#include "sweep/scheduler.hpp"
#include "kinds/kinds.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "store/manifest.hpp"
#include "store/publish.hpp"
#include "sweep/claim.hpp"
#include "sweep/index.hpp"
#include "sweep/progress.hpp"

#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>

namespace alignsweep::sweep {

using Clock = std::chrono::steady_clock;

namespace {

constexpr char const* stop_prefix = "stop-";

volatile std::sig_atomic_t signal_seen = 0;

// One rank's work on a plan.
class Worker {
public:
    Worker(Plan const& plan, fs::path out, Comm const& comm, std::string attempt)
        : plan_(plan),
          out_(std::move(out)),
          comm_(comm),
          attempt_(std::move(attempt)),
          ledger_(plan, out_ / "stages", attempt_),
          progress_(plan, comm.rank() == 0) {}

    RunResult run() {
        int code = 0;
        try {
            while (!stopping()) {
                ledger_.refresh();
                progress_.update(ledger_, "", 0.0);
                if (auto claimed = claim_next()) {
                    run_stage(claimed->first, claimed->second);
                    continue;
                }
                if (nothing_left()) { break; }
                keep_index(false);
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            }
        } catch (core::Stopped const&) { code = stopped; }
        if (stopping()) { code = stopped; }
        if (code != 0) { store::write_text_atomically(stop_file(), process_name() + "\n"); }
        ledger_.refresh();
        if (code == 0 && has(StageStatus::failed)) { code = static_cast<int>(core::ExitCode::trial_failed); }
        code = static_cast<int>(comm_.max(code));  // all ranks have ended: no stage changes any more
        ledger_.refresh();
        if (comm_.rank() == 0) { sweep_up(); }
        keep_index(true);  // reads all curves, and so may find one broken
        progress_.finish(ledger_);
        if (has(StageStatus::broken)) { code = std::max(code, static_cast<int>(core::ExitCode::io)); }
        // The largest code wins: stopped (75) over broken (3) over failed (1). The index is whole before any rank
        // leaves.
        code = static_cast<int>(comm_.max(code));
        return {code, comm_.rank() == 0 ? make_rows(plan_, ledger_) : std::vector<store::TrialRow>()};
    }

private:
    static constexpr int stopped = static_cast<int>(core::ExitCode::stopped);

    [[nodiscard]] fs::path stop_file() const { return out_ / (stop_prefix + attempt_); }
    [[nodiscard]] bool has(StageStatus status) const { return !ledger_.with_status(status).empty(); }

    // A signal to one rank stops all of them: the others see its file.
    bool stopping() {
        if (signal_seen != 0) { return true; }
        if (seconds_since(looked_) > 0.2) {
            looked_ = Clock::now();
            stop_seen_ = fs::exists(stop_file());
        }
        return stop_seen_;
    }

    std::optional<std::pair<std::string, Claim>> claim_next() {
        std::vector<std::string> ready;
        for (auto const& [id, spec] : plan_.stages) {
            if (ledger_.status(id) == StageStatus::pending && ledger_.inputs_done(id)) { ready.push_back(id); }
        }
        std::ranges::stable_sort(ready, std::greater(), [&](auto const& id) { return plan_.priority.at(id); });
        for (std::string const& id : ready) {
            auto claim = Claim::take(ledger_.claim_folder(id));
            if (!claim) { continue; }
            ledger_.refresh();  // it may have been finished, or have failed, between the look and the claim
            auto const status = ledger_.status(id);
            if (status == StageStatus::pending || status == StageStatus::running) {
                return std::pair{id, std::move(*claim)};
            }
        }
        return std::nullopt;
    }

    void run_stage(std::string const& id, Claim const& claim) {
        auto last_beat = Clock::now();
        double share = 0.0;
        stages::StageHost const host{out_ / "stages",
                                     [&] {
                                         if (seconds_since(last_beat) > 0.5) {
                                             last_beat = Clock::now();
                                             claim.beat(share);
                                             progress_.update(ledger_, id, share);
                                             keep_index(false);
                                         }
                                         return stopping();
                                     },
                                     [&](double done) { share = done; },
                                     {{"ranks", std::to_string(comm_.size())}, {"mpi", Comm::library()}}};
        try {
            // Of an earlier attempt; first, so that none stands beside a finished stage whenever this is killed.
            std::error_code ignored;
            fs::remove(ledger_.folder(id) / "failed.txt", ignored);
            stages::execute(plan_.stages.at(id), host);
        } catch (core::Stopped const&) { throw; } catch (std::exception const& error) {
            // One bad stage must not take the others with it: its error stays with it.
            std::string const message = core::failure_of(error).message;
            ledger_.mark_failed(id, message);
            core::log_error(id + ": " + message);
        }
    }

    [[nodiscard]] bool nothing_left() const {
        return std::ranges::all_of(plan_.stages, [&](auto const& stage) {
            return ledger_.status(stage.first) == StageStatus::done || !ledger_.failed_cause(stage.first).empty();
        });
    }
    // Claims of processes that were killed between a stage's manifest and the claim's end.
    void sweep_up() const {
        Claim::clear(out_);
        Claim::clear(out_ / "stages");
        clear_stop_files();
        for (auto const& [id, spec] : plan_.stages) {
            fs::path const claim = ledger_.claim_folder(id);
            if (fs::exists(claim)) { static_cast<void>(Claim::take(claim)); }
            std::error_code ignored;
            if (ledger_.status(id) == StageStatus::done) { fs::remove(ledger_.folder(id) / "failed.txt", ignored); }
        }
    }

    // Stop files of jobs that were killed before they removed them. One of a living job must stay: its ranks read it.
    void clear_stop_files() const {
        std::error_code error;
        for (fs::path const& file : entries_of(out_, error)) {
            bool const is_stop = file.filename().string().starts_with(stop_prefix);
            if (is_stop && file != stop_file() && owner_is_gone(file)) { fs::remove(file, error); }
        }
    }

    // Rank 0 rewrites sweep.h5 as stages finish, at most 2 % of the time. Of several jobs one holds the index.
    void keep_index(bool last) {
        if (comm_.rank() != 0) { return; }
        if (!last && seconds_since(indexed_) < 50.0 * index_seconds_ + 1.0) { return; }
        if (!index_claim_) {
            if (auto claim = Claim::take(out_ / "sweep.lock")) { index_claim_.emplace(std::move(*claim)); }
        }
        if (!index_claim_) { return; }
        index_claim_->beat(0.0);
        auto const begin = Clock::now();
        try {
            write_index(out_, plan_, ledger_);
        } catch (core::Error const& error) {
            if (last) { throw; }
            core::log_warning(error.what());  // the stage that runs now goes on
        }
        index_seconds_ = seconds_since(begin);
        indexed_ = Clock::now();
    }

    Plan const& plan_;
    fs::path out_;
    Comm const& comm_;
    std::string attempt_;
    Ledger ledger_;
    Progress progress_;
    std::optional<Claim> index_claim_;
    Clock::time_point indexed_ = Clock::now(), looked_ = Clock::now();
    double index_seconds_ = 0.0;
    bool stop_seen_ = false;
};

// What a folder holds of stages in another arithmetic than the plan's, which are not used; empty: none.
std::string other_arithmetic(Plan const& plan, fs::path const& out) {
    auto const of = [](std::string const& identity) {
        std::string const line = "\narithmetic=";
        std::size_t const at = identity.find(line);
        if (at == std::string::npos) { return std::string("an earlier program's"); }
        return identity.substr(at + line.size(), identity.find('\n', at + 1) - at - line.size());
    };
    std::set<std::string> own;
    for (auto const& [id, spec] : plan.stages) { own.insert(of(spec.identity)); }
    std::map<std::string, int> others;
    std::error_code ignored;
    for (auto const& entry : fs::directory_iterator(out / "stages", ignored)) {
        if (plan.stages.contains(entry.path().filename().string())) { continue; }
        try {
            auto const manifest = store::read_manifest(entry.path());
            if (!manifest || !manifest->facts.contains("identity")) { continue; }
            std::string const found = of(manifest->facts.at("identity"));
            if (!own.contains(found)) { ++others[found]; }
        } catch (core::IoError const&) {}  // no stage of this plan: verify names it
    }
    std::string told;
    for (auto const& [arithmetic, stages] : others) {
        told += core::concat(told.empty() ? "" : ", ", stages, stages == 1 ? " stage" : " stages", " in ", arithmetic,
                             " arithmetic");
    }
    return told;
}

// What a user should know of the finished stages before more are built on them.
void tell_what_stands(Plan const& plan, Ledger const& ledger, fs::path const& out) {
    constexpr std::size_t most = 10;
    auto const broken = ledger.with_status(StageStatus::broken);
    for (std::size_t i = 0; i < std::min(broken.size(), most); ++i) { core::log_error(ledger.error_of(broken[i])); }
    if (broken.size() > most) {
        core::log_error(core::concat(broken.size() - most, " more broken stages: `alignsweep verify '", out.string(),
                                     "'` names them"));
    }
    if (std::string const others = other_arithmetic(plan, out); !others.empty()) {
        core::log_warning(core::concat(out.string(), ": holds ", others, ", which this sweep does not use"));
    }
    std::string const differences = describe_differences(plan, ledger, stages::run_facts());
    if (!differences.empty()) {
        core::log_warning(core::concat("stages of another program or machine are used again: ", differences,
                                       " (--strict refuses them)"));
    }
}

extern "C" void note_signal(int /*signal*/) { signal_seen = 1; }

}  // namespace

void install_signal_handlers() {
    for (int const signal : {SIGUSR1, SIGTERM, SIGINT}) { std::signal(signal, note_signal); }
}

void check_writable(fs::path const& out) {
    std::error_code error;
    fs::create_directories(out / "stages", error);
    if (error) { throw core::IoError(out.string(), ": can't be made: ", error.message()); }
    for (auto const& folder : {out, out / "stages"}) {
        if (access(folder.c_str(), W_OK | X_OK) != 0) {
            throw core::IoError(folder.string(), ": can't be written: ", std::strerror(errno));
        }
    }
}

void refuse_mixed(Plan const& plan, fs::path const& out) {
    if (std::string const others = other_arithmetic(plan, out); !others.empty()) {
        throw core::IoError(out.string(), ": holds ", others,
                            "; --strict refuses to mix them (another --out starts afresh)");
    }
    std::string const differences = describe_differences(plan, Ledger(plan, out / "stages", ""), stages::run_facts());
    if (!differences.empty()) {
        throw core::IoError(out.string(), ": holds stages of another program or machine: ", differences,
                            "; --strict refuses to mix them (another --out starts afresh)");
    }
}

RunResult run_plan(Plan const& plan, std::span<config::Entry const> entries, fs::path const& out, Comm const& comm) {
    if (comm.rank() == 0) {
        write_sweep_ini(out, entries);
        tell_what_stands(plan, Ledger(plan, out / "stages", ""), out);
    }
    auto const now = std::chrono::system_clock::now().time_since_epoch();
    std::string const attempt =
        std::to_string(comm.broadcast(std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
    RunResult result = Worker(plan, out, comm, attempt).run();
    std::error_code ignored;
    if (comm.rank() == 0) { fs::remove(out / (stop_prefix + attempt), ignored); }
    return result;
}

}  // namespace alignsweep::sweep
