# The Debian packages of each set (Debian 12, Debian 13, Raspberry Pi OS). Sourced by ./dev; uses nothing.
# shellcheck shell=bash disable=SC2034

# To build everything and to run the demo.
packages_base=(
  bazel-bootstrap bazel-rules-java bazel-rules-proto g++ git pkgconf python3
  libavcodec-dev libavformat-dev libavutil-dev libswscale-dev libdav1d-dev libva-dev libdrm-dev libpng-dev libhwy-dev catch2
  libfuse3-dev libseccomp-dev
  libvulkan-dev libvulkan-volk-dev glslang-tools spirv-tools
  ffmpeg vainfo
)

# The stock programs that tests start through the driver or the V4L2 node, and a GPU in software.
packages_test=(
  mpv gstreamer1.0-tools gstreamer1.0-libav gstreamer1.0-vaapi
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad
  vlc-bin vlc-plugin-base vlc-plugin-video-output
  v4l-utils
  mesa-vulkan-drivers vulkan-validationlayers
)

# The virtual machine (test/vm) and what the tests start in it.
packages_vm=(qemu-system-x86 busybox-static zstd xz-utils debian-archive-keyring v4l-utils)

# Style and static checks.
packages_lint=(clang-format clang-tidy shellcheck)

# Cross-compilation for the Raspberry Pi 5, and its emulator. The arm64 libraries are the base set's, once more;
# of Vulkan, which is opened at run time, only headers are needed, and those are the same for all.
packages_pi5=(
  g++-aarch64-linux-gnu qemu-user
  libavcodec-dev:arm64 libavformat-dev:arm64 libavutil-dev:arm64 libswscale-dev:arm64 libdav1d-dev:arm64 libva-dev:arm64
  libdrm-dev:arm64 libpng-dev:arm64 libhwy-dev:arm64 libfuse3-dev:arm64 libseccomp-dev:arm64
)

# Beyond these sets, for ./dev test --full and the benchmarks: clang with its run-time libraries, callgrind, and
# what builds another Debian's root.
packages_full=(clang lld libclang-rt-dev valgrind mmdebstrap)
