// SPDX-License-Identifier: Apache-2.0
// Chooses the shared object with the best instructions that this processor has, or the one that ALIGNSWEEP_INSTRUCTIONS
// names, and runs the program in it. Each stands beside the launcher, and all give the same bits.
#include "cli/entry.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"

#include <dlfcn.h>
#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
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

Elf64_Ehdr header_of(std::filesystem::path const& file) {
    Elf64_Ehdr header{};
    std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(&header), sizeof header);
    return header;
}

// Of a file for another architecture dlopen says that it is not there, and half a file ends in a signal.
void check_object(std::filesystem::path const& file, std::filesystem::path const& launcher) {
    std::error_code missing;
    auto const size = std::filesystem::file_size(file, missing);
    if (missing) { throw core::IoError(file.string(), ": is missing; a build puts it beside the launcher"); }
    Elf64_Ehdr const header = header_of(file);
    // A whole file ends with its section headers, or later.
    auto const end =
        std::max(std::uint64_t{sizeof header}, header.e_shoff + std::uint64_t{header.e_shnum} * header.e_shentsize);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_machine != header_of(launcher).e_machine ||
        end > size) {
        throw core::IoError(file.string(), ": cut short, or of another architecture than the launcher; ",
                            "the file of the same build is allowed");
    }
}

Entry load(Level const& level) {
    auto const launcher = std::filesystem::read_symlink("/proc/self/exe");
    std::string const file = launcher.parent_path() / core::concat("libalignsweep-", level.name, ".so");
    check_object(file, launcher);
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
