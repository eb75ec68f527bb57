// SPDX-License-Identifier: Apache-2.0
#include "core/error.hpp"

#include "core/text.hpp"

#include <filesystem>
#include <new>

namespace alignsweep::core {

Error::Error(ExitCode code, std::string const& message) : std::runtime_error(message_line(message)), code_(code) {}

Failure failure_of(std::exception const& error) {
    if (auto const* own = dynamic_cast<Error const*>(&error)) { return {own->code(), own->what()}; }
    // The library's own text begins "filesystem error: cannot ...": only path and reason are worth telling.
    if (auto const* files = dynamic_cast<std::filesystem::filesystem_error const*>(&error)) {
        std::string const path = files->path1().string();
        return {ExitCode::io, message_line(concat(path.empty() ? "" : path + ": ", files->code().message()))};
    }
    if (dynamic_cast<std::bad_alloc const*>(&error) != nullptr) {
        return {ExitCode::io, "not enough memory on this machine"};
    }
    return {ExitCode::trial_failed, message_line(error.what())};
}

}  // namespace alignsweep::core
