#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Compiler launcher of what sees no Kokkos, in a build for a GPU: drops the flags that compile for devices, and under
# CUDA calls the host compiler instead of nvcc_wrapper. (nvcc_wrapper's own --host-only passes -D"TEXT=\"...\"" on with
# its backslashes.)
compiler=$1
if [[ ${compiler##*/} == nvcc_wrapper ]]; then compiler=${NVCC_WRAPPER_DEFAULT_COMPILER:-g++}; fi
shift
arguments=()
while (($#)); do
    case $1 in
        -arch=* | -gencode=* | -fmad=* | -extended-lambda | --extended-lambda | -Wext-lambda-captures-this | -expt-* | --expt-* | --host-only) ;;
        -xhip | --offload-arch=* | -fno-gpu-rdc | -DR123_CUDA_DEVICE=*) ;;
        -Xcudafe) shift ;;
        *) arguments+=("$1") ;;
    esac
    shift
done
launcher=()
if command -v ccache >/dev/null 2>&1; then launcher=(ccache); fi
exec "${launcher[@]}" "$compiler" "${arguments[@]}"
