// SPDX-License-Identifier: Apache-2.0
#include "core/machine.hpp"

#include <sys/utsname.h>

#include <array>
#include <ctime>
#include <fstream>

namespace alignsweep::core {

std::string utc_now() {
    std::time_t const time = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&time, &utc);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text.data();
}

std::string host_name() {
    utsname machine{};
    return ::uname(&machine) == 0 ? machine.nodename : "unknown";
}

std::string const& processor() {
    static std::string const found = [] {
        std::ifstream in("/proc/cpuinfo");
        for (std::string line; std::getline(in, line);) {
            auto const colon = line.find(": ");
            if (line.starts_with("model name") && colon != std::string::npos) { return line.substr(colon + 2); }
        }
        utsname machine{};
        return std::string(::uname(&machine) == 0 ? machine.machine : "unknown");
    }();
    return found;
}

}  // namespace alignsweep::core
