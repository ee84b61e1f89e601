# Installing and removing the driver and the command. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154  # the caller sets `tree` and the targets

# libva asks for a driver by the name of the kernel's: these are the Raspberry Pi's.
kernel_driver_names=(v3d vc4)

# Sets bin_folder and driver_folder. Without --prefix the driver goes where libva looks by itself.
read_install_options() {
  local prefix=
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix)
        prefix=${2:?--prefix needs a folder}
        shift
        ;;
      --prefix=*) prefix=${1#--prefix=} ;;
      *) die "unknown option $1 (--prefix P)" ;;
    esac
    shift
  done
  libva_folder=$(pkg-config --variable=driverdir libva 2>/dev/null) ||
    libva_folder=/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)/dri
  driver_folder=${prefix:+$prefix/lib/dri}
  driver_folder=${driver_folder:-$libva_folder}
  bin_folder=${prefix:-/usr/local}/bin
  as_root=
  if ! mkdir -p "$driver_folder" "$bin_folder" 2>/dev/null || ! [ -w "$driver_folder" ] || ! [ -w "$bin_folder" ]; then
    as_root=$(privilege) ||
      die "may not write to $driver_folder and $bin_folder: run as root or with sudo, or choose --prefix"
  fi
}

# Is FILE a link of ours to the driver?
is_our_link() { [ -L "$1" ] && [ "$(readlink "$1")" = daedalus_drv_video.so ]; }

install_main() {
  local name link
  need base
  read_install_options "$@"
  build_for default "$driver" "$command_line"
  $as_root install -d "$driver_folder" "$bin_folder"
  $as_root install -m 644 "$DAEDALUS_BIN/va_driver/daedalus_drv_video.so" "$driver_folder/"
  $as_root install -m 755 "$DAEDALUS_BIN/tools/daedalus/daedalus" "$bin_folder/"
  say "installed $driver_folder/daedalus_drv_video.so and $bin_folder/daedalus"
  for name in "${kernel_driver_names[@]}"; do
    link=$driver_folder/${name}_drv_video.so
    if [ -e "$link" ] || [ -L "$link" ]; then
      if ! is_our_link "$link"; then
        say "left alone: $link is somebody else's driver, which programs on $name use unless LIBVA_DRIVER_NAME=daedalus"
        continue
      fi
    fi
    $as_root ln -sf daedalus_drv_video.so "$link"
    say "linked $link: programs on a $name GPU find the driver without configuration"
  done
  if [ "$driver_folder" != "$libva_folder" ]; then
    say "libva does not look in $driver_folder by itself: export LIBVA_DRIVERS_PATH=$driver_folder"
  fi
}

uninstall_main() {
  local name file
  read_install_options "$@"
  for name in "${kernel_driver_names[@]}"; do
    file=$driver_folder/${name}_drv_video.so
    if is_our_link "$file"; then $as_root rm -f "$file"; fi
  done
  $as_root rm -f "$driver_folder/daedalus_drv_video.so" "$bin_folder/daedalus"
  say "removed the driver from $driver_folder and daedalus from $bin_folder"
}
