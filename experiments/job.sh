# SPDX-License-Identifier: Apache-2.0
# Sourced by the job scripts of Slurm, which run in the repository's root: run_sweep INI FOLDER [argument...].
# One rank a core, one thread a rank: a sweep of small models needs no more. Asked to stop, the ranks save their work
# and end with 75; the job, or this one task of an array, then goes back into the queue to go on where it stood.
# shellcheck shell=bash
run_sweep() {
    local program=${ALIGNSWEEP:-build/openmp/alignsweep} step code
    local id=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
    id=${id:-$SLURM_JOB_ID}
    if [[ ! -x $program ]]; then
        echo "job $id: there is no program $program: make -f Makefile.hpc build, or ALIGNSWEEP=another" >&2
        exit 2
    fi
    export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
    srun "$program" sweep "$1" --out "$2" "${@:3}" &
    step=$!
    # Signals to this shell alone (scancel --batch, --signal=B:USR1) are passed on; each ends `wait` early.
    trap 'kill -USR1 "$step" 2>/dev/null' USR1
    wait "$step"
    code=$?
    while kill -0 "$step" 2>/dev/null; do
        wait "$step"
        code=$?
    done
    if ((code == 75)); then
        scontrol requeue "$id" || echo "job $id: stopped, and not requeued: submit it again to go on" >&2
    fi
    exit "$code"
}
