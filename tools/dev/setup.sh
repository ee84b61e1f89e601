# Brings the Debian packages that a subcommand needs, once. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154  # the caller sets `tree` and the targets

# shellcheck source=tools/dev/packages.sh
. "$tree/tools/dev/packages.sh"

packages_of() {
  local -n list=packages_$1
  printf '%s\n' "${list[@]}"
}

# On an arm64 machine the "cross" compiler and libraries are the native ones.
needed_packages() {
  if [ "$1" = pi5 ] && [ "$(dpkg --print-architecture)" = arm64 ]; then
    echo g++
  else
    packages_of "$1"
  fi
}

missing_packages() {
  local name
  needed_packages "$1" | while read -r name; do
    dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q 'ok installed' || echo "$name"
  done
}

# A set that was once found complete is not looked at again while its list and the system stay the same.
stamp_of() {
  local key
  key=$({ needed_packages "$1"; cat /etc/os-release; dpkg --print-architecture; } | sha256sum | cut -c1-16)
  echo "$(dev_folder)/setup-$1-$key"
}

# Prints what must stand before a command that changes the system; fails where nothing may.
privilege() {
  if [ "$(id -u)" = 0 ]; then
    echo env
  elif sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ] && command -v sudo >/dev/null; }; then
    echo sudo
  else
    return 1
  fi
}

known_to_apt() {
  local candidate
  candidate=$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')
  [ -n "$candidate" ] && [ "$candidate" != "(none)" ]
}

install_packages() {
  local set=$1 sudo log name wanted=() unknown=()
  shift
  sudo=$(privilege) || {
    say "These packages are missing and this user may not install them (neither root nor sudo):"
    say "  $*"
    say "Ask an administrator for: ./dev setup$([ "$set" = base ] || echo " --$set"), or apt-get install them."
    return 1
  }
  log=$(dev_folder)/apt-$set.log
  if [ "$sudo" = sudo ]; then sudo true || return 1; fi # asks for the password before the progress line starts
  if [ "$set" = pi5 ] && [ "$(dpkg --print-architecture)" != arm64 ]; then
    "$sudo" dpkg --add-architecture arm64 || return 1
  fi
  with_progress "refreshing package lists" "$log" \
    "$sudo" apt-get update -q -o DPkg::Lock::Timeout=300 || say "going on with the old package lists"
  for name in "$@"; do
    if known_to_apt "$name"; then wanted+=("$name"); else unknown+=("$name"); fi
  done
  if [ ${#unknown[@]} -gt 0 ]; then
    say "not available on this system: ${unknown[*]}"
    if [ "$set" = base ] || [ "$set" = pi5 ]; then return 1; fi
  fi
  [ ${#wanted[@]} -gt 0 ] || return 0
  with_progress "installing ${#wanted[@]} packages ($set)" "$log" \
    "$sudo" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "${wanted[@]}"
}

# setup_set SET: succeeds once the set's packages are there (as far as this system has them).
setup_set() {
  local set=$1 stamp missing=()
  command -v dpkg-query >/dev/null ||
    die "only Debian 12 and 13 and Raspberry Pi OS are set up by this script; tools/dev/packages.sh says what to bring"
  stamp=$(stamp_of "$set")
  [ -e "$stamp" ] && return 0
  mapfile -t missing < <(missing_packages "$set")
  if [ ${#missing[@]} -gt 0 ]; then
    install_packages "$set" "${missing[@]}" || return 1
    # System libraries are looked at when Bazel starts; new ones need a new look.
    if command -v bazel >/dev/null; then run_bazel sync --configure >/dev/null 2>&1 || true; fi
  fi
  touch "$stamp"
}

need() {
  local set
  for set in "$@"; do setup_set "$set" || die "cannot go on without the $set packages"; done
}

# Sets whose absence only makes tests skip.
want() {
  local set
  for set in "$@"; do setup_set "$set" || say "going on without the $set packages"; done
}

setup_main() {
  local set sets=(base test vm lint)
  while [ $# -gt 0 ]; do
    case $1 in
      --base) sets=(base) ;;
      --test | --vm | --lint | --pi5) sets+=("${1#--}") ;;
      --full | --all) sets=(base test vm lint pi5 full) ;;
      *) die "setup: unknown option $1 (--base, --test, --vm, --lint, --pi5, --full)" ;;
    esac
    shift
  done
  for set in "${sets[@]}"; do
    rm -f "$(stamp_of "$set")" # who asks for it wants a look, not a memory
    setup_set "$set" || die "set-up of the $set packages failed"
    say "$set: ready"
  done
}
