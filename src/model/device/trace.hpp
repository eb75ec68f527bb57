// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/digest.hpp"

#include <Kokkos_Core.hpp>

namespace alignsweep::model::device {

// Whether a model::Trace lives; and a line of it: the label of the last launch, and the digest.
[[nodiscard]] bool tracing();
void write_trace(core::Digest const& digest);

// Adds the views among a launch's arguments, as they are after it.
template <class Argument>
void add_to_trace(core::Digest& digest, Argument const& argument) {
    if constexpr (Kokkos::is_view_v<Argument>) {
        auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), argument);
        if (host.span_is_contiguous()) { digest.update(host.data(), host.size() * sizeof(*host.data())); }
    }
}
template <class Exec, class... Arguments>
void trace(Exec const& space, Arguments const&... arguments) {
    if (!tracing()) { return; }
    space.fence("alignsweep::model::trace: what a launch left behind goes to the host");
    core::Digest digest;
    (add_to_trace(digest, arguments), ...);
    write_trace(digest);
}

}  // namespace alignsweep::model::device
