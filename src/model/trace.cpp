// SPDX-License-Identifier: Apache-2.0
#include "model/trace.hpp"

#include "core/error.hpp"
#include "model/device/trace.hpp"

#include <fstream>
#include <memory>
#include <string>

namespace alignsweep::model {

namespace {

struct Writer {
    std::ofstream file;
    std::string label;
};
std::unique_ptr<Writer> writer;

void note_label(char const* name, std::uint32_t /*device*/, std::uint64_t* /*kernel*/) {
    if (writer) { writer->label = name; }
}

}  // namespace

Trace::Trace(std::filesystem::path const& file) {
    core::check(!writer, "two traces at a time");
    writer = std::make_unique<Writer>(Writer{std::ofstream(file), {}});
    if (!writer->file) {
        writer.reset();
        throw core::IoError(file.string(), ": can't be written");
    }
    Kokkos::Tools::Experimental::set_begin_parallel_for_callback(note_label);
    Kokkos::Tools::Experimental::set_begin_parallel_reduce_callback(note_label);
}

Trace::~Trace() {
    Kokkos::Tools::Experimental::set_begin_parallel_for_callback(nullptr);
    Kokkos::Tools::Experimental::set_begin_parallel_reduce_callback(nullptr);
    writer.reset();
}

namespace device {

bool tracing() { return writer != nullptr; }

void write_trace(core::Digest const& digest) { writer->file << writer->label << ' ' << digest.hex() << '\n'; }

}  // namespace device

}  // namespace alignsweep::model
