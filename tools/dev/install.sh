# Installing and removing the driver, the command, the libraries of `daedalus run`, and the daemon. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154  # the caller sets `tree` and the targets

# libva asks for a driver by the name of the kernel's: these are the Raspberry Pi's.
kernel_driver_names=(v3d vc4)

# What `daedalus run` loads into programs.
preload_files=(libdaedalus_v4l2_preload.so daedalus_v4l2_device.so)

# Where the daemon's unit, rule and user go, unless --prefix says that nothing of the system is meant: SOURCE TARGET.
service_files=(
  daedalus.service /etc/systemd/system/daedalus.service
  60-daedalus.rules /etc/udev/rules.d/60-daedalus.rules
  daedalus.sysusers /etc/sysusers.d/daedalus.conf
)

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
  with_service=
  if [ -z "$prefix" ] && [ -d /etc/systemd/system ] && [ -d /etc/udev ]; then with_service=yes; fi
  as_root=
  local folder
  for folder in "$driver_folder" "$bin_folder" "$library_folder" ${with_service:+/etc/systemd/system}; do
    if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then continue; fi
    as_root=$(privilege) || die "may not write to $folder: run as root or with sudo, or choose --prefix"
  done
}

# Is FILE a link of ours to the driver?
is_our_link() { [ -L "$1" ] && [ "$(readlink "$1")" = daedalus_drv_video.so ]; }

# systemd and udev look again, where they run.
reload_service() {
  [ -d /run/systemd/system ] || return 0
  $as_root systemctl daemon-reload
  $as_root udevadm control --reload
}

install_service() {
  local i source target
  for ((i = 0; i < ${#service_files[@]}; i += 2)); do
    source=$tree/cuse_device/cuse/${service_files[i]} target=${service_files[i + 1]}
    sed "s#@bin@#$bin_folder#" "$source" | $as_root install -D -m 644 /dev/stdin "$target"
  done
  if command -v systemd-sysusers >/dev/null; then
    $as_root systemd-sysusers /etc/sysusers.d/daedalus.conf
  fi
  reload_service
  say "installed daedalus.service; to have the V4L2 nodes now and at every start: systemctl enable --now daedalus"
}

uninstall_service() {
  local i
  if [ -d /run/systemd/system ]; then $as_root systemctl disable --now daedalus 2>/dev/null || true; fi
  for ((i = 0; i < ${#service_files[@]}; i += 2)); do $as_root rm -f "${service_files[i + 1]}"; done
  reload_service
}

install_main() {
  local name link
  need base
  read_install_options "$@"
  build_for default "$driver" "$command_line" "$preload_libraries" "$daemon"
  $as_root install -d "$driver_folder" "$bin_folder" "$library_folder"
  $as_root install -m 644 "$DAEDALUS_BIN/va_driver/daedalus_drv_video.so" "$driver_folder/"
  $as_root install -m 755 "$DAEDALUS_BIN/tools/daedalus/daedalus" "$bin_folder/"
  $as_root install -m 755 "$DAEDALUS_BIN/cuse_device/cuse/daedalusd" "$bin_folder/"
  for name in "${preload_files[@]}"; do
    $as_root install -m 644 "$DAEDALUS_BIN/cuse_device/preload/$name" "$library_folder/"
  done
  say "installed $driver_folder/daedalus_drv_video.so, $bin_folder/daedalus, $bin_folder/daedalusd and $library_folder"
  if [ -n "$with_service" ]; then install_service; fi
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
  if [ -n "$with_service" ]; then uninstall_service; fi
  $as_root rm -f "$driver_folder/daedalus_drv_video.so" "$bin_folder/daedalus" "$bin_folder/daedalusd"
  for name in "${preload_files[@]}"; do $as_root rm -f "$library_folder/$name"; done
  $as_root rmdir "$library_folder" 2>/dev/null || true
  say "removed the driver from $driver_folder, daedalus from $bin_folder and $library_folder"
}
