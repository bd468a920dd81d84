#!/bin/sh
# sbatch slurm.sh; when all tasks are done: cc big.*.o -o big
#SBATCH --array=1-64
#SBATCH --cpus-per-task=4
set -eu
part=$SLURM_ARRAY_TASK_ID
clifc build -O2 -j "${SLURM_CPUS_PER_TASK:-1}" --shard "$part/$SLURM_ARRAY_TASK_COUNT" \
    -o "big.$part.o" big.clif
