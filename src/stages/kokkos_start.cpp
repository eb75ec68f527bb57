// SPDX-License-Identifier: Apache-2.0
// Kokkos' start. Of what it can't use it writes pages and aborts; here that becomes one line and an exit code.
#include "config/text.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "stages/stage.hpp"

#include <Kokkos_Core.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace alignsweep::stages {

namespace {

constexpr std::int64_t most_threads = 4096;

void check_count(std::string const& name, std::string const& value, std::int64_t low, std::int64_t high) {
    auto const number = config::parse_integer(value);
    if (!number || *number < low || *number > high) {
        throw core::ConfigError(
            core::concat(name, "=", core::excerpt(value), ": an integer from ", low, " to ", high, " is allowed"));
    }
}

void check_variable(char const* name, std::int64_t low, std::int64_t high) {
    char const* const value = std::getenv(name);
    if (value != nullptr) { check_count(name, value, low, high); }
}

// OpenMP's own list, one number a level of nesting: "4" or "4,2".
void check_omp_threads() {
    char const* const value = std::getenv("OMP_NUM_THREADS");
    if (value == nullptr) { return; }
    for (std::string const& item : config::split_list(value)) { check_count("OMP_NUM_THREADS", item, 1, most_threads); }
    if (config::split_list(value).empty()) { check_count("OMP_NUM_THREADS", value, 1, most_threads); }
}

void check_flags(int argc, char** argv) {
    constexpr std::array<std::string_view, 11> known{
        "help",        "disable-warnings", "print-configuration", "tune-internals", "num-threads", "device-id",
        "num-devices", "map-device-id-by", "tools-libs",          "tools-library",  "tools-args"};
    constexpr std::string_view prefix = "--kokkos-";
    for (int i = 1; i < argc; ++i) {
        std::string_view const flag = argv[i];
        if (!flag.starts_with(prefix)) { continue; }
        std::string_view const name = flag.substr(prefix.size(), flag.find('=') - prefix.size());
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            std::string allowed;
            for (auto const& one : known) { allowed += core::concat(" --kokkos-", one); }
            throw core::ConfigError(core::concat(core::excerpt(flag), ": no such flag of Kokkos; there are:", allowed));
        }
        std::string_view const value = flag.find('=') == flag.npos ? "" : flag.substr(flag.find('=') + 1);
        if (name == "num-threads") { check_count("--kokkos-num-threads", std::string(value), 1, most_threads); }
        if (name == "device-id") { check_count("--kokkos-device-id", std::string(value), 0, most_threads); }
    }
}

// Standard error goes to a memory file while Kokkos starts. Where it aborts, the first line of what it wrote is told as
// ours, and the process leaves with the code for wrong usage; otherwise all of it is passed on.
class Net {
public:
    Net() {
        saved_ = ::dup(STDERR_FILENO);
        file_ = ::memfd_create("kokkos", MFD_CLOEXEC);
        if (saved_ < 0 || file_ < 0) { return; }
        ::dup2(file_, STDERR_FILENO);
        before_ = std::signal(SIGABRT, tell_and_leave);
    }
    ~Net() {
        if (saved_ < 0 || file_ < 0) { return; }
        std::signal(SIGABRT, before_);
        ::dup2(saved_, STDERR_FILENO);
        std::array<char, 4096> block{};
        ::lseek(file_, 0, SEEK_SET);
        for (ssize_t got = 0; (got = ::read(file_, block.data(), block.size())) > 0;) {
            if (::write(STDERR_FILENO, block.data(), static_cast<std::size_t>(got)) < 0) { break; }
        }
        ::close(saved_);
        ::close(file_);
        saved_ = file_ = -1;
    }
    Net(Net const&) = delete;
    Net& operator=(Net const&) = delete;

private:
    // In a signal handler: nothing but system calls.
    static void tell_and_leave(int /*signal*/) {
        constexpr std::string_view begin = "alignsweep: error: Kokkos can't start: ";
        std::array<char, 400> text{};
        ssize_t const got = ::pread(file_, text.data(), text.size(), 0);
        auto const end = std::find(text.begin(), text.begin() + std::max<ssize_t>(got, 0), '\n');
        ssize_t done = ::write(saved_, begin.data(), begin.size());
        done += ::write(saved_, text.data(), static_cast<std::size_t>(end - text.begin()));
        done += ::write(saved_, "\n", 1);
        ::_exit(done > 0 ? static_cast<int>(core::ExitCode::usage) : static_cast<int>(core::ExitCode::io));
    }

    static inline int saved_ = -1, file_ = -1;
    void (*before_)(int) = SIG_DFL;
};

}  // namespace

Runtime::Runtime(int& argc, char** argv, int threads) {
    check_count("--threads", std::to_string(threads), 0, most_threads);
    check_variable("KOKKOS_NUM_THREADS", 1, most_threads);
    check_variable("KOKKOS_DEVICE_ID", 0, most_threads);
    check_omp_threads();
    check_flags(argc, argv);
    // Kokkos reads this when it starts; OMP_NUM_THREADS would be too late, OpenMP's runtime has read it already.
    if (threads > 0) { setenv("KOKKOS_NUM_THREADS", std::to_string(threads).c_str(), 1); }
    setenv("KOKKOS_DISABLE_WARNINGS", "1", 0);  // binding is left to the launcher on purpose
    try {
        Net const net;
        Kokkos::initialize(argc, argv);  // takes --kokkos-* flags out of argv
    } catch (std::runtime_error const& error) {
        throw core::ConfigError(core::concat("Kokkos can't start: ", error.what()));
    }
}

Runtime::~Runtime() { Kokkos::finalize(); }

}  // namespace alignsweep::stages
