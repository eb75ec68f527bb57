// SPDX-License-Identifier: Apache-2.0
// What a result came from, beside its configuration.
#include "core/error.hpp"
#include "core/version.hpp"
#include "model/runtime.hpp"
#include "stages/stage.hpp"

#include <sys/utsname.h>

#include <fstream>

namespace alignsweep::stages {

namespace {

// The model's name as Linux gives it, or the architecture.
std::string processor() {
    std::ifstream in("/proc/cpuinfo");
    for (std::string line; std::getline(in, line);) {
        auto const colon = line.find(": ");
        if (line.starts_with("model name") && colon != std::string::npos) { return line.substr(colon + 2); }
    }
    utsname machine{};
    return ::uname(&machine) == 0 ? machine.machine : "unknown";
}

}  // namespace

std::map<std::string, std::string> run_facts() {
    static std::string const processor_name = processor();
    return {{"backend", model::backend_name()},   {"scalar", model::scalar_name()}, {"blas", model::blas_name()},
            {"kokkos", model::kokkos_version()},  {"compiler", __VERSION__},        {"git_commit", core::git_commit()},
            {"softwareVersion", core::version()}, {"processor", processor_name}};
}

}  // namespace alignsweep::stages
