// SPDX-License-Identifier: Apache-2.0
// What a result came from, beside its configuration.
#include "core/error.hpp"
#include "core/version.hpp"
#include "kernels/gemm/gemm.hpp"
#include "stages/stage.hpp"

#include <Kokkos_Core.hpp>

#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
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

std::string backend_name() {
    std::string name = Kokkos::DefaultExecutionSpace::name();
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name;
}

std::string scalar_name() { return "float32"; }

std::map<std::string, std::string> run_facts() {
    static std::string const processor_name = processor();
    return {
        {"backend", backend_name()},
        {"scalar", scalar_name()},
        {"blas", kernels::gemm_library()},
        {"kokkos", core::concat(KOKKOS_VERSION / 10000, ".", KOKKOS_VERSION / 100 % 100, ".", KOKKOS_VERSION % 100)},
        {"compiler", __VERSION__},
        {"git_commit", core::git_commit()},
        {"softwareVersion", core::version()},
        {"processor", processor_name}};
}

}  // namespace alignsweep::stages
