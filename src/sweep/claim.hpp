// SPDX-License-Identifier: Apache-2.0
// Claims on stages: a folder made by one atomic mkdir, with a heartbeat, so that ranks and whole jobs may work on one
// results folder without a server.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace alignsweep::sweep {

namespace fs = std::filesystem;

// This process among all: host, number, start.
[[nodiscard]] std::string process_name();
// Whether the process whose name a file holds is gone; that of another host counts as gone when the file is an hour
// old.
[[nodiscard]] bool owner_is_gone(fs::path const& file);
// What stands in a folder, in no order; `error`: why it can't be listed.
[[nodiscard]] std::vector<fs::path> entries_of(fs::path const& folder, std::error_code& error);

class Claim {
public:
    // Takes the claim, or nothing if a living process holds it. A claim is dead if its process is gone (same host) or
    // its heartbeat is older than `stale_seconds` (another host). Of several that find a dead claim one takes it over.
    static std::optional<Claim> take(fs::path const& folder);
    // Share done that the claim's living holder reported last; nothing where there is none.
    static std::optional<double> progress(fs::path const& folder);
    // Removes from `parent` what is left of claims whose holders were killed while they gave them back.
    static void clear(fs::path const& parent);

    Claim(Claim&& other) noexcept;
    Claim& operator=(Claim&&) = delete;
    ~Claim();

    // Reports the share done. The heartbeat itself beats in the background, however long the holder is silent.
    void beat(double share_done) const;

    static constexpr double stale_seconds = 60.0, beat_seconds = 10.0;

private:
    class Heart;
    Claim(fs::path const& folder, int term);
    fs::path folder_;
    int term_ = 0;
    std::unique_ptr<Heart> heart_;  // null: moved from
};

}  // namespace alignsweep::sweep
