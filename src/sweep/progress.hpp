// SPDX-License-Identifier: Apache-2.0
// How far a sweep is: a bar with the time left on a terminal, plain lines elsewhere.
#pragma once

#include "sweep/index.hpp"

#include <chrono>

namespace alignsweep::sweep {

class Progress {
public:
    // Only one rank shows it.
    Progress(Plan const& plan, bool shown);

    // `running` is this rank's stage with its share done; those of other ranks are read from their claims.
    void update(Ledger const& ledger, std::string const& running, double share);
    void finish(Ledger const& ledger);

private:
    [[nodiscard]] double done_work(Ledger const& ledger, std::string const& running, double share) const;

    Plan const& plan_;
    bool shown_, terminal_;
    double total_work_ = 0.0, first_work_ = -1.0;
    std::chrono::steady_clock::time_point begin_, printed_;
};

[[nodiscard]] double seconds_since(std::chrono::steady_clock::time_point begin);
// "3 min 20 s"
[[nodiscard]] std::string format_seconds(double seconds);

}  // namespace alignsweep::sweep
