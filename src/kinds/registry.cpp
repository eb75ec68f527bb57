// SPDX-License-Identifier: Apache-2.0
// The list of kinds as code, and nothing else: a program with another list compiles this file for itself.
#include "kinds/kinds.hpp"

#ifndef ALIGNSWEEP_KINDS
#define ALIGNSWEEP_KINDS "kinds/list.inc"
#endif

namespace alignsweep::kinds {

#define KIND(name) stages::Descriptor describe_##name();
#include ALIGNSWEEP_KINDS
#undef KIND

std::vector<stages::Descriptor> const& all() {
    static std::vector<stages::Descriptor> const kinds{
#define KIND(name) describe_##name(),
#include ALIGNSWEEP_KINDS
#undef KIND
    };
    return kinds;
}

}  // namespace alignsweep::kinds
