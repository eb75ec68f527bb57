// SPDX-License-Identifier: Apache-2.0
// Rows of a table by index: the token embedding, and the rows of the hidden states that a loss names.
#pragma once

#include "kernels/types.hpp"

namespace alignsweep::kernels {

// out[n, d] = table[index[n], d].
template <class ExecSpace, class Scalar>
void gather_rows(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> table, Arg<Indices<ExecSpace>> index,
                 Matrix<ExecSpace, Scalar> out);

// Which rows hold which token, so that the backward pass sums each token's rows in order, without atomics:
// rows_of(unique[u]) = rows[starts[u] .. starts[u + 1]).
template <class ExecSpace>
struct RowsByToken {
    Indices<ExecSpace> unique, starts, rows;
};

// dtable[t, d] += sum over the rows n of token t of dout[n, d].
template <class ExecSpace, class Scalar>
void embedding_backward(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> dout,
                        RowsByToken<ExecSpace> const& by_token, Matrix<ExecSpace, Scalar> dtable);

// out[index[n], d] += in[n, d]; the indices are all different.
template <class ExecSpace, class Scalar>
void scatter_add_rows(ExecSpace const& space, Arg<ConstMatrix<ExecSpace, Scalar>> in, Arg<Indices<ExecSpace>> index,
                      Matrix<ExecSpace, Scalar> out);

}  // namespace alignsweep::kernels
