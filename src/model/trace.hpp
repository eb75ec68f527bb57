// SPDX-License-Identifier: Apache-2.0
// On request, a digest of what each launch of a model leaves behind, line by line: where two runs part, the first line
// that differs names the kernel.
#pragma once

#include <filesystem>

namespace alignsweep::model {

// Writes the launches of this process to a file while it lives; one at a time. Throws IoError.
class Trace {
public:
    explicit Trace(std::filesystem::path const& file);
    ~Trace();
    Trace(Trace const&) = delete;
    Trace& operator=(Trace const&) = delete;
};

}  // namespace alignsweep::model
