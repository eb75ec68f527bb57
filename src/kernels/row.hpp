// SPDX-License-Identifier: Apache-2.0
// One row of a matrix as the unit of work: a thread with SIMD loops on a host, a team of lanes on a device.
#pragma once

#include "kernels/math.hpp"
#include "kernels/types.hpp"

#include <algorithm>
#include <string>

namespace alignsweep::kernels {

// Loops over a row on a host. Sums are split over SIMD lanes in a way that the compiler fixes once for the binary.
struct HostRow {
    template <class Body>
    KOKKOS_FORCEINLINE_FUNCTION void each(int n, Body const& body) const {
#pragma GCC ivdep
        for (int i = 0; i < n; ++i) { body(i); }
    }
    template <class Scalar, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Scalar sum(int n, Term const& term) const {
        Scalar total = 0;
#pragma omp simd reduction(+ : total)
        for (int i = 0; i < n; ++i) { total += term(i); }
        return total;
    }
    template <class Scalar, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Scalar max(int n, Term const& term) const {
        Scalar largest = term(0);
#pragma omp simd reduction(max : largest)
        for (int i = 1; i < n; ++i) {
            Scalar const value = term(i);
            largest = value > largest ? value : largest;
        }
        return largest;
    }
    // Runs once for the row.
    template <class Body>
    KOKKOS_FORCEINLINE_FUNCTION void once(Body const& body) const {
        body();
    }
};

// The same over the vector lanes of a team's thread.
template <class Member>
struct TeamRow {
    Member const& member;

    template <class Body>
    KOKKOS_FORCEINLINE_FUNCTION void each(int n, Body const& body) const {
        Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, n), body);
    }
    template <class Scalar, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Scalar sum(int n, Term const& term) const {
        Scalar total = 0;
        Kokkos::parallel_reduce(
            Kokkos::ThreadVectorRange(member, n), [&](int i, Scalar& part) { part += term(i); }, total);
        return total;
    }
    template <class Scalar, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Scalar max(int n, Term const& term) const {
        Scalar largest = term(0);
        Kokkos::parallel_reduce(
            Kokkos::ThreadVectorRange(member, n),
            [&](int i, Scalar& part) {
                Scalar const value = term(i);
                part = value > part ? value : part;
            },
            Kokkos::Max<Scalar>(largest));
        return largest;
    }
    template <class Body>
    KOKKOS_FORCEINLINE_FUNCTION void once(Body const& body) const {
        Kokkos::single(Kokkos::PerThread(member), body);
    }
};

// Threads of a team: as many as wanted, or all that a host has which runs the device's paths.
template <class ExecSpace>
int team_size(ExecSpace const& space, int wanted) {
    return std::min(wanted, static_cast<int>(space.concurrency()));
}

template <class ExecSpace>
using TeamMember = typename Kokkos::TeamPolicy<ExecSpace>::member_type;
template <class ExecSpace>
using Row = std::conditional_t<is_host<ExecSpace>, HostRow, TeamRow<TeamMember<ExecSpace>>>;

// Turns a functor of (Row, row index) into one of a team member.
template <class ExecSpace, class Body>
struct OnTeam {
    Body body;
    int rows;
    KOKKOS_FUNCTION void operator()(TeamMember<ExecSpace> const& member) const {
        int const row = member.league_rank() * member.team_size() + member.team_rank();
        if (row < rows) { body(Row<ExecSpace>{member}, row); }
    }
};
template <class Body>
struct OnHost {
    Body body;
    KOKKOS_FUNCTION void operator()(int row) const { body(HostRow{}, row); }
};

// Runs body(row, index) for each of `rows` rows.
template <class ExecSpace, class Body>
void for_each_row(ExecSpace const& space, std::string const& label, int rows, Body const& body) {
    if (rows == 0) { return; }
    if constexpr (is_host<ExecSpace>) {
        Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecSpace>(space, 0, rows), OnHost<Body>{body});
    } else {
        constexpr int width = 32;
        int const rows_per_team = team_size(space, 4);
        int const teams = (rows + rows_per_team - 1) / rows_per_team;
        Kokkos::parallel_for(label, Kokkos::TeamPolicy<ExecSpace>(space, teams, rows_per_team, width),
                             OnTeam<ExecSpace, Body>{body, rows});
    }
}

}  // namespace alignsweep::kernels
