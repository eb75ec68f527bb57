#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiler launcher of the modules that see no Kokkos, in a CUDA build: drops nvcc_wrapper and the flags that only nvcc
# knows, and calls the host compiler. (nvcc_wrapper's own --host-only passes -D"TEXT=\"...\"" on with its backslashes.)
shift
arguments=()
while (($#)); do
    case $1 in
        -arch=* | -gencode=* | -extended-lambda | --extended-lambda | -Wext-lambda-captures-this | -expt-* | --expt-* | --host-only) ;;
        -Xcudafe) shift ;;
        *) arguments+=("$1") ;;
    esac
    shift
done
launcher=()
if command -v ccache >/dev/null 2>&1; then launcher=(ccache); fi
exec "${launcher[@]}" "${NVCC_WRAPPER_DEFAULT_COMPILER:-g++}" "${arguments[@]}"
