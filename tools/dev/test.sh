# ./dev test. Sourced by ./dev; tools/dev/run_tests.py does the counting.
# shellcheck shell=bash disable=SC2154  # the caller sets `tree` and the targets

test_main() {
  local mode=normal arguments=()
  while [ $# -gt 0 ]; do
    case $1 in
      --quick | --full) mode=${1#--} ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
  need base
  if [ "$mode" != quick ]; then want test vm pi5; fi
  if [ "$mode" = full ]; then want full; fi
  # Found beside the checkout where it is; elsewhere the tests that need it skip.
  if [ -z "${DAEDALUS_CORPUS:-}" ] && [ -e "$tree/../shared/corpus/MANIFEST.tsv" ]; then
    DAEDALUS_CORPUS=$(cd "$tree/../shared/corpus" && pwd)
    export DAEDALUS_CORPUS
  fi
  if [ -z "${DAEDALUS_CLIPS:-}" ] && [ -d "$tree/../shared/clips" ]; then
    DAEDALUS_CLIPS=$(cd "$tree/../shared/clips" && pwd)
    export DAEDALUS_CLIPS
  fi
  find_v3d_compiler
  cd "$tree" || return
  exec python3 tools/dev/run_tests.py --mode "$mode" ${arguments[@]+"${arguments[@]}"}
}
