// SPDX-License-Identifier: Apache-2.0
// Claims on stages: a folder made by one atomic mkdir, with a heartbeat, so that ranks and whole jobs may work on one
// results folder without a server.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace alignsweep::sweep {

class Claim {
public:
    // Takes the claim, or nothing if a living process holds it. A claim is dead if its process is gone (same host) or
    // its heartbeat is older than `stale_seconds` (another host).
    static std::optional<Claim> take(std::filesystem::path const& folder);
    // Share done that the claim's holder reported last; nothing where there is no claim.
    static std::optional<double> progress(std::filesystem::path const& folder);

    Claim(Claim&& other) noexcept;
    Claim& operator=(Claim&&) = delete;
    ~Claim();

    // Writes the heartbeat: called from time to time by the holder.
    void beat(double share_done) const;

    static constexpr double stale_seconds = 60.0;

private:
    explicit Claim(std::filesystem::path folder) : folder_(std::move(folder)) {}
    std::filesystem::path folder_;  // empty: moved from
};

}  // namespace alignsweep::sweep
