#!/usr/bin/env bash
# debian13.sh root            makes the cached Debian 13 root (once; about 1.5 GB) and prints its folder
# debian13.sh run COMMAND...  runs COMMAND in it, in this tree, which is mounted read-only at its own path
# debian13.sh cache           prints the one folder that COMMAND may write to and that is the same outside
#
# Debian 13 is what Raspberry Pi OS ships: FFmpeg 7.1, libva 2.22, g++ 14, Catch2 3. Needs root, for chroot.
set -euo pipefail

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tools/dev/common.sh
. "$tree/tools/dev/common.sh"
# shellcheck source=tools/dev/packages.sh
. "$tree/tools/dev/packages.sh"

suite=trixie
packages=("${packages_base[@]}" "${packages_test[@]}" procps util-linux)

# The mirror of this machine's own sources, so that a local mirror is used here too.
mirror() {
  local found
  found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    sed -nE 's/^URIs:[[:space:]]*([^[:space:]]*\/debian)\/?[[:space:]]*$/\1/p;
             s/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]*\/debian)\/?[[:space:]].*/\2/p' | head -n 1)
  echo "${found:-http://deb.debian.org/debian}"
}

# With security updates, as users have them: VLC before 3.0.24 decodes nothing through VA with FFmpeg 7.
sources() {
  local uri
  uri=$(mirror)
  printf 'deb %s %s main\n' "$uri" "$suite" "$uri" "$suite-updates" "${uri%/debian}/debian-security" "$suite-security"
}

list_hash=$(printf '%s\n' "$(sources)" "${packages[@]}" | sha256sum | cut -c1-12)
root=$(cache_folder)/debian13-$list_hash
# Of this tree alone: Bazel mixes up two trees with one output base.
output=$(cache_folder)/debian13-output/$(printf '%s' "$tree" | sha256sum | cut -c1-12)

make_root() {
  [ -e "$root/.complete" ] && return
  command -v mmdebstrap >/dev/null || die "mmdebstrap is missing; ./dev setup --full installs it"
  local wished lines partial=$root.partial
  mapfile -t lines < <(sources)
  rm -rf --one-file-system "$partial"
  mkdir -p "$(dirname "$root")"
  wished=$(IFS=,; echo "${packages[*]}")
  with_progress "making a Debian 13 root in $root" "$(dev_folder)/debian13.log" \
    mmdebstrap --mode=root --variant=apt --include="$wished" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt='path-exclude=/usr/share/doc/*' \
    "$suite" "$partial" "${lines[@]}"
  touch "$partial/.complete"
  mv "$partial" "$root"
}

# Runs in a mount namespace of its own, so that nothing stays mounted whatever happens.
run_in_root() {
  export DEBIAN13_ROOT=$root DEBIAN13_TREE=$tree DEBIAN13_OUTPUT=$output
  # shellcheck disable=SC2016  # expanded inside
  exec unshare --mount --pid --fork --kill-child -- bash -euc '
    mount --make-rprivate /
    mount --rbind "$DEBIAN13_ROOT" "$DEBIAN13_ROOT"  # the tests make namespaces: their root must be a mount point
    mount --rbind /dev "$DEBIAN13_ROOT/dev"
    mount -t proc proc "$DEBIAN13_ROOT/proc"
    mount -t sysfs sysfs "$DEBIAN13_ROOT/sys"
    mount -t tmpfs tmpfs "$DEBIAN13_ROOT/tmp"
    bind() {
      mkdir -p "$DEBIAN13_ROOT$2"
      mount --bind -o "$1" "$2" "$DEBIAN13_ROOT$2"
    }
    bind rw "$DEBIAN13_OUTPUT"
    bind ro "$DEBIAN13_TREE"
    if [ -n "${DAEDALUS_CORPUS:-}" ]; then bind ro "$DAEDALUS_CORPUS"; fi
    exec chroot "$DEBIAN13_ROOT" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
      ${DAEDALUS_CORPUS:+DAEDALUS_CORPUS="$DAEDALUS_CORPUS"} \
      bash -c "cd \"\$0\" && exec \"\$@\"" "$DEBIAN13_TREE" "$@"
  ' debian13 "$@"
}

[ "$(id -u)" = 0 ] || die "the Debian 13 root needs root (chroot): run it with sudo, or as root"
mkdir -p "$output"
case ${1:-} in
  cache) echo "$output" ;;
  root)
    make_root
    echo "$root"
    ;;
  run)
    shift
    make_root >&2
    run_in_root "$@"
    ;;
  *) die "usage: debian13.sh root | run COMMAND... | cache" ;;
esac
