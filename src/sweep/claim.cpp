// SPDX-License-Identifier: Apache-2.0
#include "sweep/claim.hpp"

#include "core/error.hpp"

#include <unistd.h>
#include <csignal>
#include <fstream>
#include <system_error>

namespace alignsweep::sweep {

namespace fs = std::filesystem;

namespace {

std::string host_name() {
    char name[256] = {};
    gethostname(name, sizeof(name) - 1);
    return name;
}

double seconds_since_change(fs::path const& file) {
    std::error_code error;
    auto const time = fs::last_write_time(file, error);
    if (error) { return 0.0; }  // it is going away at this moment: not stale
    return std::chrono::duration<double>(fs::file_time_type::clock::now() - time).count();
}

bool is_dead(fs::path const& folder) {
    std::ifstream owner(folder / "owner");
    std::string host;
    long process = 0;
    if (!(owner >> host >> process)) {
        // Between mkdir and the first write, or killed just there.
        return seconds_since_change(folder) > Claim::stale_seconds;
    }
    if (host == host_name()) { return kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH; }
    return seconds_since_change(folder / "heartbeat") > Claim::stale_seconds;
}

// Of several processes that find a dead claim only one can rename it away.
void bury(fs::path const& folder) {
    fs::path const grave = folder.string() + core::concat(".dead.", host_name(), ".", getpid());
    std::error_code error;
    fs::rename(folder, grave, error);
    if (!error) { fs::remove_all(grave, error); }
}

}  // namespace

std::optional<Claim> Claim::take(fs::path const& folder) {
    std::error_code error;
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (fs::create_directory(folder, error)) {
            Claim claim(folder);
            std::ofstream(folder / "owner") << host_name() << ' ' << getpid() << '\n';
            claim.beat(0.0);
            return claim;
        }
        if (error && error != std::errc::file_exists) {
            throw core::IoError(core::concat(folder.string(), ": can't be made: ", error.message()));
        }
        if (!is_dead(folder)) { return std::nullopt; }
        bury(folder);
    }
    return std::nullopt;
}

std::optional<double> Claim::progress(fs::path const& folder) {
    std::ifstream in(folder / "heartbeat");
    double share = 0.0;
    if (in >> share) { return share; }
    return std::nullopt;
}

Claim::Claim(Claim&& other) noexcept : folder_(std::move(other.folder_)) { other.folder_.clear(); }

Claim::~Claim() {
    if (folder_.empty()) { return; }
    std::error_code error;
    fs::remove_all(folder_, error);
}

void Claim::beat(double share_done) const { std::ofstream(folder_ / "heartbeat") << share_done << '\n'; }

}  // namespace alignsweep::sweep
