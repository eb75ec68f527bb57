// SPDX-License-Identifier: Apache-2.0
// One row of a matrix as the unit of work: a thread with SIMD loops on a host, a team of lanes on a device.
#pragma once

#include "kernels/types.hpp"

#include <algorithm>
#include <string>

namespace alignsweep::kernels {

// Sums over a row: lane l takes elements l, l + 32, ... in order; then the lanes are added pairwise, 16 apart, 8, 4,
// 2, 1. So a sum has the same bits in registers of any width and in a team of lanes.
inline constexpr int sum_lanes = 32;

// Loops over a row on a host.
struct HostRow {
    template <class Body>
    KOKKOS_FORCEINLINE_FUNCTION void each(int n, Body const& body) const {
#pragma GCC ivdep
        for (int i = 0; i < n; ++i) { body(i); }
    }
    template <class Scalar, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Scalar sum(int n, Term const& term) const {
        Scalar part[sum_lanes] = {};
        int i = 0;
        for (; i + sum_lanes <= n; i += sum_lanes) {
#pragma GCC ivdep
            for (int l = 0; l < sum_lanes; ++l) { part[l] += term(i + l); }
        }
        for (int l = 0; l < n - i; ++l) { part[l] += term(i + l); }
        return joined(part);
    }
    // The sums of weight(i), and of weight(i) term(i).
    template <class Scalar, class Weight, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Kokkos::pair<Scalar, Scalar> weighted_sums(int n, Weight const& weight,
                                                                           Term const& term) const {
        Scalar weights[sum_lanes] = {}, part[sum_lanes] = {};
        auto const add = [&](int l, int at) {
            Scalar const w = weight(at);
            weights[l] += w;
            part[l] += w * term(at);
        };
        int i = 0;
        for (; i + sum_lanes <= n; i += sum_lanes) {
#pragma GCC ivdep
            for (int l = 0; l < sum_lanes; ++l) { add(l, i + l); }
        }
        for (int l = 0; l < n - i; ++l) { add(l, i + l); }
        return {joined(weights), joined(part)};
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
    // Runs once for the row; all lanes wait for it.
    template <class Body>
    KOKKOS_FORCEINLINE_FUNCTION void once(Body const& body) const {
        body();
    }
    // body(numbers), sum_lanes of them, which all lanes share; no sums within.
    template <class Scalar, class Body>
    KOKKOS_FORCEINLINE_FUNCTION void with_shared(Body const& body) const {
        Scalar numbers[sum_lanes];
        body(numbers);
    }

private:
    template <class Scalar>
    KOKKOS_FORCEINLINE_FUNCTION static Scalar joined(Scalar* part) {
#pragma GCC unroll 8
        for (int apart = sum_lanes / 2; apart > 0; apart /= 2) {
            for (int l = 0; l < apart; ++l) { part[l] += part[l + apart]; }
        }
        return part[0];
    }
};

// The same over the vector lanes of a team's thread, which has sum_lanes numbers of scratch memory.
template <class Member>
struct TeamRow {
    Member const& member;
    double* scratch;

    template <class Body>
    KOKKOS_FORCEINLINE_FUNCTION void each(int n, Body const& body) const {
        Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, n), body);
    }
    template <class Scalar, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Scalar sum(int n, Term const& term) const {
        auto* const part = reinterpret_cast<Scalar*>(scratch);
        Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, sum_lanes), [&](int l) {
            Scalar total = 0;
            for (int i = l; i < n; i += sum_lanes) { total += term(i); }
            part[l] = total;
        });
        for (int apart = sum_lanes / 2; apart > 0; apart /= 2) {
            Kokkos::parallel_for(Kokkos::ThreadVectorRange(member, apart), [&](int l) { part[l] += part[l + apart]; });
        }
        Scalar total = 0;
        Kokkos::single(
            Kokkos::PerThread(member), [&](Scalar& first) { first = part[0]; }, total);
        return total;
    }
    template <class Scalar, class Weight, class Term>
    KOKKOS_FORCEINLINE_FUNCTION Kokkos::pair<Scalar, Scalar> weighted_sums(int n, Weight const& weight,
                                                                           Term const& term) const {
        return {sum<Scalar>(n, weight), sum<Scalar>(n, [&](int i) { return weight(i) * term(i); })};
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
    template <class Scalar, class Body>
    KOKKOS_FORCEINLINE_FUNCTION void with_shared(Body const& body) const {
        body(reinterpret_cast<Scalar*>(scratch));
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
    static constexpr int scratch_bytes = sum_lanes * static_cast<int>(sizeof(double));
    Body body;
    int rows;
    KOKKOS_FUNCTION void operator()(TeamMember<ExecSpace> const& member) const {
        int const row = member.league_rank() * member.team_size() + member.team_rank();
        auto* const scratch = static_cast<double*>(member.thread_scratch(0).get_shmem(int{scratch_bytes}));
        if (row < rows) { body(Row<ExecSpace>{member, scratch}, row); }
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
        using Team = OnTeam<ExecSpace, Body>;
        int const rows_per_team = team_size(space, 4);
        int const teams = (rows + rows_per_team - 1) / rows_per_team;
        Kokkos::TeamPolicy<ExecSpace> policy(space, teams, rows_per_team, sum_lanes);
        policy.set_scratch_size(0, Kokkos::PerThread(Team::scratch_bytes));
        Kokkos::parallel_for(label, policy, Team{body, rows});
    }
}

}  // namespace alignsweep::kernels
