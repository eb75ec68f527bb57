// SPDX-License-Identifier: Apache-2.0
// What a chunk of growing answers keeps on the device between two tokens.
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

// Row n holds the answer in slot[n], whose prompt is named row_id[n]. Its last token, token[n], stands at position[n]
// of the cache; made[n] tokens came before it. All [rows].
template <class ExecSpace>
struct DecodeRows {
    Vector<ExecSpace, std::int32_t> slot, row_id, position, made, token;
};

// The answers so far: tokens and their log-probabilities, [slots, most tokens] each; length and whether the end token
// came, [slots] each.
template <class ExecSpace, class Scalar>
struct Answers {
    Matrix<ExecSpace, std::int32_t> tokens;
    Matrix<ExecSpace, Scalar> logprobs;
    Vector<ExecSpace, std::int32_t> length, ended;
};

// Appends each row's token and its log-probability, logprob[n], to the row's answer. Rows whose token is not the end go
// on, in order: the first rows of `next` become theirs, one position and one token further. Waits, and returns how
// many.
template <class ExecSpace, class Scalar>
int append_tokens(ExecSpace const& space, std::int32_t end_token, DecodeRows<ExecSpace> const& rows,
                  Arg<ConstVector<ExecSpace, Scalar>> logprob, Answers<ExecSpace, Scalar> const& answers,
                  DecodeRows<ExecSpace> const& next);

}  // namespace alignsweep::kernels
