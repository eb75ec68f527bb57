// SPDX-License-Identifier: Apache-2.0
// The only unit that includes spdlog (it costs seconds of compile time and does not pass nvcc).
#include "core/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace alignsweep::core {

namespace {

spdlog::logger& logger() {
    static spdlog::logger instance = [] {
        auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        sink->set_pattern("alignsweep: %v");
        sink->set_level(spdlog::level::info);
        spdlog::logger made("alignsweep", sink);
        made.set_level(spdlog::level::debug);
        return made;
    }();
    return instance;
}

}  // namespace

void set_log_prefix(std::string const& prefix) {
    logger().sinks().front()->set_pattern("alignsweep: " + prefix + "%v");
}

void log_info(std::string const& message) { logger().info(message); }
void log_warning(std::string const& message) { logger().warn("warning: " + message); }
void log_error(std::string const& message) { logger().error("error: " + message); }
void log_detail(std::string const& message) { logger().debug(message); }

LogFile::LogFile(std::filesystem::path const& file) {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    sink->set_pattern("%Y-%m-%dT%H:%M:%S%z %v");
    logger().sinks().push_back(sink);
}

LogFile::~LogFile() {
    logger().flush();
    logger().sinks().pop_back();
}

}  // namespace alignsweep::core
