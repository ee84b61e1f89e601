# Installing and removing the driver, the command and the libraries of `daedalus run`. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154  # the caller sets `tree` and the targets

# libva asks for a driver by the name of the kernel's: these are the Raspberry Pi's.
kernel_driver_names=(v3d vc4)

# What `daedalus run` loads into programs.
preload_files=(libdaedalus_v4l2_preload.so daedalus_v4l2_device.so)

# Sets bin_folder, driver_folder and library_folder. Without --prefix the driver goes where libva looks by itself.
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
  library_folder=${prefix:-/usr/local}/lib/daedalus
  as_root=
  local folder
  for folder in "$driver_folder" "$bin_folder" "$library_folder"; do
    if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then continue; fi
    as_root=$(privilege) || die "may not write to $folder: run as root or with sudo, or choose --prefix"
  done
}

# Is FILE a link of ours to the driver?
is_our_link() { [ -L "$1" ] && [ "$(readlink "$1")" = daedalus_drv_video.so ]; }

install_main() {
  local name link
  need base
  read_install_options "$@"
  build_for default "$driver" "$command_line" "$preload_libraries"
  $as_root install -d "$driver_folder" "$bin_folder" "$library_folder"
  $as_root install -m 644 "$DAEDALUS_BIN/va_driver/daedalus_drv_video.so" "$driver_folder/"
  $as_root install -m 755 "$DAEDALUS_BIN/tools/daedalus/daedalus" "$bin_folder/"
  for name in "${preload_files[@]}"; do
    $as_root install -m 644 "$DAEDALUS_BIN/cuse_device/preload/$name" "$library_folder/"
  done
  say "installed $driver_folder/daedalus_drv_video.so, $bin_folder/daedalus and $library_folder"
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
  for name in "${preload_files[@]}"; do $as_root rm -f "$library_folder/$name"; done
  $as_root rmdir "$library_folder" 2>/dev/null || true
  say "removed the driver from $driver_folder, daedalus from $bin_folder and $library_folder"
}
