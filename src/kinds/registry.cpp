// SPDX-License-Identifier: Apache-2.0
// The list of kinds as code, and nothing else: a program with other kinds links another such file.
#include "kinds/kinds.hpp"

namespace alignsweep::kinds {

namespace describe {
#define KIND(name) stages::Descriptor name();
#include "kinds/list.inc"
#undef KIND
}  // namespace describe

std::vector<stages::Descriptor> describe_all() {
    return {
#define KIND(name) describe::name(),
#include "kinds/list.inc"
#undef KIND
    };
}

}  // namespace alignsweep::kinds
