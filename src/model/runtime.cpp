// SPDX-License-Identifier: Apache-2.0
// Most of it: what the user asks of Kokkos and OpenMP, checked before they start: they end the process with a
// backtrace.
#include "model/runtime.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/instructions.hpp"

#include <Kokkos_Core.hpp>

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace alignsweep::model {

namespace {

constexpr int most_threads = 512;  // OpenMP's runtime fails at 1,024 without a word

enum class Kind { threads, device, mapping, truth, libraries, any };

// A setting is the variable KOKKOS_<name>, and the flag --kokkos-<name> in small letters with dashes.
struct Setting {
    char const* name;
    Kind kind;
};
constexpr std::array settings{
    Setting{"NUM_THREADS", Kind::threads},
    Setting{"DEVICE_ID", Kind::device},
    Setting{"MAP_DEVICE_ID_BY", Kind::mapping},
    Setting{"DISABLE_WARNINGS", Kind::truth},
    Setting{"PRINT_CONFIGURATION", Kind::truth},
    Setting{"TUNE_INTERNALS", Kind::truth},
    Setting{"TOOLS_LIBS", Kind::libraries},
    Setting{"TOOLS_ARGS", Kind::any},
    Setting{"HELP", Kind::truth},
    Setting{"TOOLS_HELP", Kind::truth},
};
// Those that earlier versions had: Kokkos warns about them, or ends.
constexpr std::array outdated{"PROFILE_LIBRARY", "NUMA",          "NUM_DEVICES", "SKIP_DEVICE", "RAND_DEVICES",
                              "THREADS",         "TOOLS_LIBRARY", "DEVICE",      "NDEVICES"};

std::string lower(std::string_view text, char dash = '_') {
    std::string small(text);
    for (char& c : small) { c = c == '_' ? dash : static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
    return small;
}
std::string flag_of(std::string_view name) { return "--kokkos-" + lower(name, '-'); }

bool is_one_of(std::initializer_list<std::string_view> allowed, std::string_view word) {
    return std::find(allowed.begin(), allowed.end(), word) != allowed.end();
}

std::optional<int> integer(std::string_view text) {
    int value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// What is allowed, where the value is not.
std::string defect_of(Kind kind, std::string const& value) {
    auto const number = integer(value);
    switch (kind) {
        case Kind::threads:
            if (number && *number >= 1 && *number <= most_threads) { return {}; }
            return core::concat("an integer from 1 to ", most_threads, " is allowed");
        case Kind::device: {
            int const devices = Kokkos::num_devices();  // -1: this build knows none, and Kokkos reads no further
            if (number && *number >= 0 && (devices < 0 || *number < devices)) { return {}; }
            return devices < 0 ? "the number of a GPU, from 0, is allowed"
                               : core::concat("the number of a GPU is allowed, of which this process sees ", devices,
                                              ", counted from 0");
        }
        case Kind::mapping:
            return is_one_of({"random", "mpi_rank"}, value) ? "" : "random or mpi_rank is allowed";
        case Kind::truth:
            return is_one_of({"true", "yes", "1", "false", "no", "0"}, lower(value)) ? "" : "true or false is allowed";
        case Kind::libraries:
            for (std::size_t start = 0; start < value.size();) {
                std::size_t const end = std::min(value.find(';', start), value.size());
                std::string const library = value.substr(start, end - start);
                // Stays open, as Kokkos opens it next.
                if (!library.empty() && dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
                    return core::concat("can't be loaded (", dlerror(),
                                        "); the libraries of tools, separated by semicolons, are allowed");
                }
                start = end + 1;
            }
            return {};
        case Kind::any:
            break;
    }
    return {};
}

void check_setting(std::string const& shown_name, Kind kind, std::string const& value) {
    if (std::string const defect = defect_of(kind, value); !defect.empty()) {
        throw core::ConfigError(shown_name, "=", core::excerpt(value), ": ", defect);
    }
}

void check_flag(std::string const& word) {
    std::size_t const equals = std::min(word.find('='), word.size());
    std::string const flag = word.substr(0, equals);
    auto const setting = std::find_if(settings.begin(), settings.end(),
                                      [&](Setting const& known) { return flag_of(known.name) == flag; });
    if (setting == settings.end()) {
        std::string allowed;
        for (Setting const& known : settings) { allowed += ' ' + flag_of(known.name); }
        throw core::ConfigError("unknown flag ", core::excerpt(flag), " (allowed:", allowed, ")");
    }
    bool const bare = equals == word.size(), empty = equals + 1 >= word.size();
    if (empty && setting->kind != Kind::truth) {
        throw core::ConfigError(flag, ": has no value; ", flag, "=VALUE is allowed");
    }
    if (!bare) { check_setting(flag, setting->kind, word.substr(equals + 1)); }
}

// libgomp passes over what it does not understand, and so runs on other threads than those asked for.
void check_openmp() {
    auto const each = [](char const* name, char const* allowed, auto const& good) {
        char const* const text = std::getenv(name);
        if (text == nullptr || *text == '\0') { return; }
        std::string_view rest = text;
        while (true) {
            std::size_t const comma = std::min(rest.find(','), rest.size());
            std::string_view item = rest.substr(0, comma);
            while (item.starts_with(' ')) { item.remove_prefix(1); }
            while (item.ends_with(' ')) { item.remove_suffix(1); }
            if (!good(item)) { throw core::ConfigError(name, "=", core::excerpt(text), ": ", allowed, " is allowed"); }
            if (comma == rest.size()) { return; }
            rest.remove_prefix(comma + 1);
        }
    };
    each("OMP_NUM_THREADS", "an integer from 1 to 512 (or several, a level each, separated by commas)",
         [](std::string_view item) { return defect_of(Kind::threads, std::string(item)).empty(); });
    each("OMP_PROC_BIND", "true, false, primary, master, close or spread", [](std::string_view item) {
        return is_one_of({"true", "false", "primary", "master", "close", "spread"}, lower(item));
    });
}

}  // namespace

void check_runtime(int argc, char const* const* argv, int threads) {
    if (threads < 0 || threads > most_threads) {
        throw core::ConfigError("--threads ", threads, ": an integer from 1 to ", most_threads,
                                " is allowed, or 0 for the default");
    }
    check_openmp();
    for (Setting const& setting : settings) {
        std::string const name = std::string("KOKKOS_") + setting.name;
        if (char const* const value = std::getenv(name.c_str())) { check_setting(name, setting.kind, value); }
    }
    for (char const* old : outdated) {
        std::string const name = std::string("KOKKOS_") + old;
        if (std::getenv(name.c_str()) != nullptr) {
            throw core::ConfigError(name +
                                    ": Kokkos has no such setting any more; KOKKOS_NUM_THREADS, "
                                    "KOKKOS_DEVICE_ID, KOKKOS_MAP_DEVICE_ID_BY and KOKKOS_TOOLS_LIBS are");
        }
    }
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]).starts_with("--kokkos-")) { check_flag(argv[i]); }
    }
    if (Kokkos::num_devices() == 0) {
        throw core::ConfigError("this program was built for ", backend_name(), ", and this process sees no GPU");
    }
}

Runtime::Runtime(int& argc, char** argv, int threads) {
    check_runtime(argc, argv, threads);
    // Kokkos reads this when it starts; OMP_NUM_THREADS would be too late, OpenMP's runtime has read it already.
    if (threads > 0) { setenv("KOKKOS_NUM_THREADS", std::to_string(threads).c_str(), 1); }
    setenv("KOKKOS_DISABLE_WARNINGS", "1", 0);  // binding is left to the launcher on purpose
    Kokkos::initialize(argc, argv);             // takes --kokkos-* flags out of argv
}

Runtime::~Runtime() { Kokkos::finalize(); }

std::string backend_name() { return lower(Kokkos::DefaultExecutionSpace::name()); }

std::string scalar_name() { return "float32"; }

namespace {

// One for the process, as the backend and its threads are: it is chosen once, before anything runs.
std::atomic<core::Arithmetic> chosen_arithmetic{core::Arithmetic::portable};

}  // namespace

void use_arithmetic(core::Arithmetic arithmetic) {
    if (arithmetic == core::Arithmetic::fast && kernels::vendor_library().empty()) {
        throw core::ConfigError(
            "run.arithmetic = fast: this program was built without OpenBLAS, cuBLAS or the like; portable is allowed");
    }
    chosen_arithmetic = arithmetic;
}

core::Arithmetic arithmetic() { return chosen_arithmetic; }

std::string blas_name() { return arithmetic() == core::Arithmetic::portable ? "portable" : kernels::vendor_library(); }

std::string kokkos_version() {
    return core::concat(KOKKOS_VERSION / 10000, ".", KOKKOS_VERSION / 100 % 100, ".", KOKKOS_VERSION % 100);
}

std::string instruction_set() { return kernels::instruction_set(); }

int concurrency() { return Kokkos::DefaultExecutionSpace().concurrency(); }

}  // namespace alignsweep::model
