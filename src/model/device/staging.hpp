// SPDX-License-Identifier: Apache-2.0
// A buffer of the host through which numbers go to the device and come back, one copy at a time.
#pragma once

#include "kernels/types.hpp"

#include <algorithm>
#include <cstddef>

namespace alignsweep::model::device {

// Memory that the device copies from and to without a detour, where the backend has such.
#ifdef KOKKOS_HAS_SHARED_HOST_PINNED_SPACE
using StagingSpace = Kokkos::SharedHostPinnedSpace;
#else
using StagingSpace = Kokkos::HostSpace;
#endif

template <class ExecSpace, class T>
class Staging {
public:
    explicit Staging(ExecSpace const& space) : space_(space) {}

    // Room for `size` numbers on the host, until the next call of any function here.
    T* host(std::size_t size) {
        if (pending_) { space_.fence("alignsweep::model: the last upload has left the host"); }
        pending_ = false;
        if (size > buffer_.extent(0)) {
            buffer_ = Buffer(Kokkos::view_alloc(Kokkos::WithoutInitializing, "alignsweep::model::staging"), size);
        }
        return buffer_.data();
    }
    // Sends the first numbers of `host` to a vector of that many. Returns at once: launches on the instance wait for
    // it.
    void upload(kernels::Vector<ExecSpace, T> const& to) {
        Kokkos::deep_copy(space_, to, first(to.extent(0)));
        pending_ = true;
    }
    // Brings a vector to the host, and waits. The numbers stay until the next call of any function here.
    T const* download(kernels::Vector<ExecSpace, T> const& from) {
        T const* const numbers = host(from.extent(0));
        Kokkos::deep_copy(space_, first(from.extent(0)), from);
        space_.fence("alignsweep::model: numbers go to the host");
        return numbers;
    }

private:
    using Buffer = Kokkos::View<T*, Kokkos::LayoutRight, StagingSpace>;
    [[nodiscard]] Buffer first(std::size_t size) const { return Buffer(buffer_.data(), size); }

    ExecSpace space_;
    Buffer buffer_;
    bool pending_ = false;
};

}  // namespace alignsweep::model::device
