// SPDX-License-Identifier: Apache-2.0
// Messages for people. Standard error only: standard output belongs to a command's result.
#pragma once

#include <filesystem>
#include <string>

namespace alignsweep::core {

// Prefix of every line ("[rank 1] "), set once at start; empty for a single process.
void set_log_prefix(std::string const& prefix);

void log_info(std::string const& message);
void log_warning(std::string const& message);
void log_error(std::string const& message);
// To the stage's log alone (below), not to standard error: what has been said there before.
void log_detail(std::string const& message);

// While it lives, every message of this process also goes to `file` (a stage's log.txt), with the time.
class LogFile {
public:
    explicit LogFile(std::filesystem::path const& file);
    ~LogFile();
    LogFile(LogFile const&) = delete;
    LogFile& operator=(LogFile const&) = delete;
};

}  // namespace alignsweep::core
