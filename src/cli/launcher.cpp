// SPDX-License-Identifier: Apache-2.0
// Chooses the shared object with the best instructions that this processor has, or the one that ALIGNSWEEP_INSTRUCTIONS
// names, and runs the program in it. Each stands beside the launcher, and all give the same bits.
#include "cli/entry.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>

namespace {

namespace core = alignsweep::core;

struct Level {
    char const* name;  // as in the x86-64 psABI, but for the plain one
    char const* needs;
    bool (*available)();
};

// The best last.
Level const levels[] = {
    {"plain", "nothing", [] { return true; }},
    {"v3", "AVX2, FMA and BMI2",
     [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"); }},
    {"v4", "AVX-512 (F, CD, BW, DQ, VL)",
     [] {
         return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512vl");
     }},
};

Level const& choose() {
    if (char const* const wanted = std::getenv("ALIGNSWEEP_INSTRUCTIONS"); wanted != nullptr && *wanted != '\0') {
        for (Level const& level : levels) {
            if (level.name != std::string(wanted)) { continue; }
            if (!level.available()) {
                throw core::ConfigError(core::concat("ALIGNSWEEP_INSTRUCTIONS=", wanted, ": needs ", level.needs,
                                                     ", which this processor lacks"));
            }
            return level;
        }
        throw core::ConfigError(
            core::concat("ALIGNSWEEP_INSTRUCTIONS=", core::excerpt(wanted), ": plain, v3 or v4 is allowed"));
    }
    for (auto level = std::rbegin(levels); level != std::rend(levels); ++level) {
        if (level->available()) { return *level; }
    }
    return levels[0];
}

using Entry = decltype(&alignsweep_main);

Entry load(Level const& level) {
    std::string const file = std::filesystem::read_symlink("/proc/self/exe").parent_path() /
                             core::concat("libalignsweep-", level.name, ".so");
    // Global: MPI's own plug-ins look for its symbols.
    void* const object = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (object == nullptr) { throw core::IoError(file, ": can't be loaded: ", dlerror()); }
    void* const entry = dlsym(object, "alignsweep_main");
    if (entry == nullptr) { throw core::IoError(file, ": is not a part of alignsweep"); }
    return reinterpret_cast<Entry>(entry);
}

}  // namespace

int main(int argc, char** argv) {
    Entry entry = nullptr;
    try {
        __builtin_cpu_init();
        Level const& level = choose();
        entry = load(level);
        if (!__builtin_cpu_supports("fma")) {
            core::log_warning(
                "this processor has no fused multiply-add: results are the same, but take many times longer");
        }
    } catch (std::exception const& error) {
        auto const failure = core::failure_of(error);
        core::log_error(failure.message);
        return static_cast<int>(failure.code);
    }
    return entry(argc, argv);
}
