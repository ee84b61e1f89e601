#!/usr/bin/env bash
# run.sh PROGRAM ARGS...: an arm64 program under the emulator of a Cortex-A76 (on an arm64 machine as it is), anything
# else (a test written in shell or Python) directly. Such a test starts our programs through DAEDALUS_RUN_UNDER, which
# is this script.
set -eu

emulator=(/usr/bin/qemu-aarch64 -cpu cortex-a76)
if [ "$(uname -m)" = aarch64 ]; then emulator=(); fi
DAEDALUS_RUN_UNDER=$(readlink -f "$0")
export DAEDALUS_RUN_UNDER

# Byte 18 of an ELF header is the low byte of e_machine; 0xb7 is EM_AARCH64.
machine=$(od -An -tx1 -j18 -N1 "$1" | tr -d ' ')
magic=$(od -An -tx1 -N4 "$1" | tr -d ' ')
if [ "$magic" = 7f454c46 ] && [ "$machine" = b7 ]; then
  exec ${emulator[@]+"${emulator[@]}"} "$@"
fi
exec "$@"
