// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: the input becomes a file, and a reader may take it or refuse it with a core::Error of
// one short line that names the file. Everything else (another exception, a signal, a sanitizer's report) ends the run.
#pragma once

#include "core/error.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace alignsweep::fuzz {

// Most bytes of an error's text: core::message_line promises about 1,000.
inline constexpr std::size_t longest_message = 1100;

[[noreturn]] inline void finding(std::string const& what) {
    std::fprintf(stderr, "finding: %s\n", what.c_str());
    std::abort();
}

inline void require(bool condition, char const* what) {
    if (!condition) { finding(what); }
}

// A folder of this process alone, removed at its end; its name holds a space and a letter beyond ASCII.
inline std::filesystem::path const& scratch() {
    struct Folder {
        std::filesystem::path path;
        Folder() {
            std::error_code error;
            bool const memory = std::filesystem::is_directory("/dev/shm", error) && ::access("/dev/shm", W_OK) == 0;
            auto const parent = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
            char const* given = std::getenv("ALIGNSWEEP_FUZZ_SCRATCH");
            std::string pattern = ((given != nullptr ? given : parent) / "fuzz \xC3\xA9 XXXXXX").string();
            if (::mkdtemp(pattern.data()) == nullptr) { finding("no folder for the inputs: " + pattern); }
            path = pattern;
        }
        ~Folder() {
            std::error_code ignored;
            std::filesystem::remove_all(path, ignored);
        }
    };
    static Folder const folder;
    return folder.path;
}

inline std::string_view text_of(std::uint8_t const* data, std::size_t size) {
    return {reinterpret_cast<char const*>(data), size};
}

// `bytes` as a file of the scratch folder.
inline std::filesystem::path write_file(char const* name, std::string_view bytes) {
    auto const file = scratch() / name;
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) { finding("can't write " + file.string()); }
    return file;
}

// The promise of every error: one short line for a person, with an exit code of bad input. `name` stands in it where it
// is an IoError; empty: any text.
inline void check_error(core::Error const& error, std::string const& name) {
    std::string const text = error.what();
    bool const hidden = std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    });
    if (text.empty() || hidden) { finding("an error's text is not one line: " + text); }
    if (text.size() > longest_message) { finding("an error's text is too long: " + text); }
    if (error.code() == core::ExitCode::stopped) { finding("bad input is told as a stop: " + text); }
    if (error.code() == core::ExitCode::io && text.find(name) == std::string::npos) {
        finding("an error does not name its file '" + name + "': " + text);
    }
}

// Whether `call` takes the input; an error that it throws must be as check_error says. What it returns is dropped.
template <class Call>
bool accepts(std::string const& name, Call&& call) {
    try {
        static_cast<void>(call());
        return true;
    } catch (core::Error const& error) {
        check_error(error, name);
        return false;
    }
}

}  // namespace alignsweep::fuzz
