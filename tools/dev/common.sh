# What every part of ./dev uses. Sourced; the caller has set `tree` to the root of the checkout.
# shellcheck shell=bash disable=SC2154  # the caller sets `tree` and the targets

say() { printf '%s\n' "$*" >&2; }

die() {
  say "dev: $*"
  exit 1
}

# Where ./dev keeps stamps and logs; ignored by git.
dev_folder() {
  mkdir -p "$tree/.dev"
  echo "$tree/.dev"
}

# Where what is dear to make (another Debian's root) outlives the checkout.
cache_folder() {
  local folder=${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/daedalus
  mkdir -p "$folder" 2>/dev/null || folder=/var/tmp/daedalus
  mkdir -p "$folder"
  echo "$folder"
}

# with_progress WHAT LOG COMMAND...: runs COMMAND with its output in LOG and says that it is alive; on failure the
# log's end is shown. Returns COMMAND's status.
with_progress() {
  local what=$1 log=$2 started=$SECONDS status=0 waited=0 job
  shift 2
  "$@" </dev/null >"$log" 2>&1 &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    if [ -t 2 ]; then
      printf '\r%s … %d s' "$what" $((SECONDS - started)) >&2
    elif [ $((waited % 20)) = 2 ]; then
      say "$what … $((SECONDS - started)) s"
    fi
    sleep 1
    waited=$((waited + 1))
  done
  wait "$job" || status=$?
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
  if [ "$status" = 0 ]; then
    say "$what: done in $((SECONDS - started)) s"
  else
    say "$what: FAILED after $((SECONDS - started)) s; the end of $log:"
    tail -n 20 "$log" >&2
  fi
  return "$status"
}

# Bazel in this tree. DEV_BAZEL_STARTUP and DEV_BAZEL_FLAGS add options, for somebody who builds beside others.
run_bazel() {
  local command=$1
  shift
  # shellcheck disable=SC2086  # both hold several words
  (cd "$tree" && bazel ${DEV_BAZEL_STARTUP:-} "$command" ${DEV_BAZEL_FLAGS:-} "$@")
}

# Sets DAEDALUS_V3D, a compiler for the Raspberry Pi 5's GPU, where it lies beside the checkout.
find_v3d_compiler() {
  if [ -z "${DAEDALUS_V3D:-}" ] && [ -x "$tree/../shared/v3d/v3d-env" ]; then
    DAEDALUS_V3D=$(cd "$tree/../shared/v3d" && pwd)
    export DAEDALUS_V3D
  fi
}
