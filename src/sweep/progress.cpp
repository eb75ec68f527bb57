// SPDX-License-Identifier: Apache-2.0
#include "sweep/progress.hpp"
#include "kinds/kinds.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "sweep/claim.hpp"

#include <unistd.h>
#include <algorithm>
#include <cstdio>

namespace alignsweep::sweep {

namespace {

using Clock = std::chrono::steady_clock;
constexpr double bar_every = 0.2, line_every = 10.0;  // seconds

// Stages of little arithmetic take time, too (files, text): no weight is zero.
double weight(stages::StageSpec const& spec) { return kinds::estimate(spec).work + 2e9; }

}  // namespace

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

std::string format_seconds(double seconds) {
    auto const whole = static_cast<long>(std::max(0.0, seconds) + 0.5);
    if (whole < 60) { return core::concat(whole, " s"); }
    if (whole < 3600) { return core::concat(whole / 60, " min ", whole % 60, " s"); }
    return core::concat(whole / 3600, " h ", whole % 3600 / 60, " min");
}

Progress::Progress(Plan const& plan, bool shown)
    : plan_(plan), shown_(shown), terminal_(isatty(STDERR_FILENO) == 1), begin_(Clock::now()), printed_(Clock::now()) {
    for (auto const& [id, spec] : plan.stages) { total_work_ += weight(spec); }
}

double Progress::done_work(Ledger const& ledger, std::string const& running, double share) const {
    double work = 0.0;
    for (auto const& [id, spec] : plan_.stages) {
        auto const status = ledger.status(id);
        double const part = id == running                    ? share
                            : status == StageStatus::done    ? 1.0
                            : status == StageStatus::running ? Claim::progress(ledger.claim_folder(id)).value_or(0.0)
                                                             : 0.0;
        work += part * weight(spec);
    }
    return work;
}

void Progress::update(Ledger const& ledger, std::string const& running, double share) {
    if (!shown_) { return; }
    double const work = done_work(ledger, running, share);
    if (first_work_ < 0.0) { first_work_ = work; }  // what an earlier run has done says nothing about this one's speed
    if (seconds_since(printed_) < (terminal_ ? bar_every : line_every)) { return; }
    printed_ = Clock::now();
    double const rate = (work - first_work_) / seconds_since(begin_);
    std::string const left = rate > 0.0 ? format_seconds((total_work_ - work) / rate) + " left" : "";
    int const percent = static_cast<int>(100.0 * work / total_work_);
    std::string const text = core::concat(percent, " %, ", ledger.with_status(StageStatus::done).size(), " of ",
                                          plan_.stages.size(), " stages, ", left);
    if (terminal_) {
        std::string bar(40, ' ');
        std::fill_n(bar.begin(), 40 * percent / 100, '=');
        std::fprintf(stderr, "\r\033[K[%s] %s", bar.c_str(), text.c_str());
        std::fflush(stderr);
    } else {
        core::log_info(text);
    }
}

void Progress::finish(Ledger const& ledger) {
    if (!shown_) { return; }
    std::size_t const failed = ledger.with_status(StageStatus::failed).size();
    if (terminal_) { std::fprintf(stderr, "\r\033[K"); }
    core::log_info(core::concat(ledger.with_status(StageStatus::done).size(), " of ", plan_.stages.size(),
                                " stages done", failed > 0 ? core::concat(", ", failed, " failed") : "", ", ",
                                format_seconds(seconds_since(begin_))));
}

}  // namespace alignsweep::sweep
