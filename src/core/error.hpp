// SPDX-License-Identifier: Apache-2.0
// Errors: one clear line (what, where, what is allowed) and the exit code that goes with it.
#pragma once

#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>

namespace alignsweep::core {

// Joins its arguments as text: concat("row ", 3, " of ", n).
template <class... Parts>
[[nodiscard]] std::string concat(Parts const&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return out.str();
}

// Exit codes of the program (README, "Exit codes").
enum class ExitCode : int { ok = 0, trial_failed = 1, usage = 2, io = 3, stopped = 75 };

// Base of all errors that end with one line for the user: whatever the message quotes, it is made one short line.
class Error : public std::runtime_error {
public:
    Error(ExitCode code, std::string const& message);
    [[nodiscard]] ExitCode code() const { return code_; }

private:
    ExitCode code_;
};

// Below, each takes the parts of its message, as concat does.

// Wrong usage or configuration: names file, line, key and what is allowed.
struct ConfigError : Error {
    template <class... Parts>
    explicit ConfigError(Parts const&... parts) : Error(ExitCode::usage, concat(parts...)) {}
};

// A file that is missing, malformed, foreign, or can't be written.
struct IoError : Error {
    template <class... Parts>
    explicit IoError(Parts const&... parts) : Error(ExitCode::io, concat(parts...)) {}
};

// A trial that can't go on (NaN in a loss, say); other trials are not touched.
struct TrialError : Error {
    template <class... Parts>
    explicit TrialError(Parts const&... parts) : Error(ExitCode::trial_failed, concat(parts...)) {}
};

// A signal asked for a stop; everything computed so far is on disk.
struct Stopped : Error {
    Stopped() : Error(ExitCode::stopped, "stopped on a signal; run the same command again to go on") {}
};

// What an exception means to the user, whoever threw it: its exit code and one line.
struct Failure {
    ExitCode code;
    std::string message;
};
[[nodiscard]] Failure failure_of(std::exception const& error);

// A violated precondition inside the program (a bug, not bad input): always on.
template <class... Parts>
void check(bool condition, Parts const&... parts) {
    if (!condition) { throw std::logic_error(concat("internal error: ", parts...)); }
}

}  // namespace alignsweep::core
