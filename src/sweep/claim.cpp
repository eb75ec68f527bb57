// SPDX-License-Identifier: Apache-2.0
#include "sweep/claim.hpp"

#include "core/error.hpp"
#include "core/machine.hpp"

#include <unistd.h>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <thread>

namespace alignsweep::sweep {

namespace {

// When a process began, in clock ticks after boot: its number may come again, in a container at once. 0: it is gone.
long long start_of(long process) {
    std::ifstream in(core::concat("/proc/", process, "/stat"));
    std::string text;
    // Fields 3 (state) and 22 (start); field 2 is a name in brackets that may hold anything.
    if (!std::getline(in, text) || text.rfind(')') == std::string::npos) { return 0; }
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string state, skipped;
    fields >> state;
    if (state == "Z" || state == "X") { return 0; }
    for (int field = 4; field < 22; ++field) { fields >> skipped; }
    long long start = 0;
    fields >> start;
    return start;
}

bool is_alive(long process, long long start) {
    if (kill(static_cast<pid_t>(process), 0) != 0 && errno == ESRCH) { return false; }
    return !fs::exists("/proc/self/stat") || start_of(process) == start;
}

double seconds_since_change(fs::path const& file) {
    std::error_code error;
    auto const time = fs::last_write_time(file, error);
    if (error) { return 0.0; }  // it is being removed just now: not stale
    return std::chrono::duration<double>(fs::file_time_type::clock::now() - time).count();
}

// A claim that is given back is first renamed to this, and then removed.
constexpr char const* grave_mark = ".gone.";

std::string owner_file(int term) { return core::concat("owner.", term); }

// The owners of a claim are files owner.0, owner.1, ..., each taking over from the one before; the last one counts.
// -1: none yet.
int last_term(fs::path const& folder) {
    int term = -1;
    while (fs::exists(folder / owner_file(term + 1))) { ++term; }
    return term;
}

// What a file with a process's name says.
struct Owner {
    bool is_named, is_here, is_alive;  // is_alive: of a process of this host
};

Owner owner_in(fs::path const& file) {
    std::ifstream in(file);
    std::string host;
    long process = 0;
    long long start = 0;
    bool const named = static_cast<bool>(in >> host >> process >> start), here = named && host == core::host_name();
    return {named, here, here && is_alive(process, start)};
}

bool is_dead(fs::path const& folder, int term) {
    Owner const owner = owner_in(folder / owner_file(term));
    if (owner.is_here) { return !owner.is_alive; }
    // Without a name it is between mkdir and the owner's name, or was killed just there.
    return seconds_since_change(owner.is_named ? folder / "heartbeat" : folder) > Claim::stale_seconds;
}

// Becomes the owner after `term`: of several that try only one succeeds. The name appears whole.
bool succeed(fs::path const& folder, int term) {
    fs::path const draft = folder / core::concat("draft.", core::host_name(), '.', getpid());
    std::ofstream(draft) << process_name() << '\n';
    std::error_code failed, ignored;
    fs::create_hard_link(draft, folder / owner_file(term + 1), failed);
    fs::remove(draft, ignored);
    return !failed;
}

}  // namespace

std::string process_name() { return core::concat(core::host_name(), ' ', getpid(), ' ', start_of(getpid())); }

bool owner_is_gone(fs::path const& file) {
    constexpr double hour = 3600.0;
    Owner const owner = owner_in(file);
    return owner.is_here ? !owner.is_alive : seconds_since_change(file) > hour;
}

std::vector<fs::path> entries_of(fs::path const& folder, std::error_code& error) {
    std::vector<fs::path> entries;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        entries.push_back(entry->path());
    }
    return entries;
}

// Writes the heartbeat from a thread of its own: a long pass over a large model must not look like a death.
class Claim::Heart {
public:
    explicit Heart(fs::path const& folder) : file_(folder / "heartbeat") {
        write();
        thread_ = std::jthread([this](std::stop_token const& stop) { run(stop); });
    }

    void report(double share_done) {
        std::lock_guard const lock(mutex_);
        share_ = share_done;
        write();
    }

private:
    void run(std::stop_token const& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            wake_.wait_for(lock, stop, std::chrono::duration<double>(beat_seconds), [] { return false; });
            write();
        }
    }
    void write() const { std::ofstream(file_) << share_ << '\n'; }

    fs::path file_;
    double share_ = 0.0;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;  // stopped and joined before the rest goes
};

std::optional<Claim> Claim::take(fs::path const& folder) {
    std::error_code error;
    bool const made = fs::create_directory(folder, error);
    if (error && error != std::errc::file_exists) {
        throw core::IoError(folder.string(), ": can't be made: ", error.message());
    }
    if (!made && fs::exists(folder) && !fs::is_directory(folder)) {
        throw core::IoError(folder.string(), ": is not a folder, so no stage can be claimed there: remove it");
    }
    int const term = last_term(folder);
    if (!made && !is_dead(folder, term)) { return std::nullopt; }
    if (!succeed(folder, term)) { return std::nullopt; }
    return Claim(folder, term + 1);
}

std::optional<double> Claim::progress(fs::path const& folder) {
    std::ifstream in(folder / "heartbeat");
    double share = 0.0;
    if (!(in >> share) || is_dead(folder, last_term(folder))) { return std::nullopt; }
    return share;
}

void Claim::clear(fs::path const& parent) {
    std::error_code error;
    for (fs::path const& entry : entries_of(parent, error)) {
        bool const is_grave = entry.filename().string().find(grave_mark) != std::string::npos;
        if (is_grave) { fs::remove_all(entry, error); }  // its holder may be doing the same
    }
}

Claim::Claim(fs::path const& folder, int term)
    : folder_(folder), term_(term), heart_(std::make_unique<Heart>(folder)) {}

Claim::Claim(Claim&& other) noexcept = default;

Claim::~Claim() {
    if (!heart_) { return; }
    heart_.reset();
    if (last_term(folder_) != term_) { return; }  // it was taken for dead, and has another owner
    // Away in one step: a folder that is half removed would look like a claim.
    fs::path const grave = folder_.string() + core::concat(grave_mark, core::host_name(), '.', getpid());
    std::error_code error;
    fs::rename(folder_, grave, error);
    fs::remove_all(grave, error);
}

void Claim::beat(double share_done) const { heart_->report(share_done); }

}  // namespace alignsweep::sweep
