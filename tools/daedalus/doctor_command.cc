// daedalus doctor: will programs here find the driver, and what mends it if not.
#include <drm.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "decode_core/core.h"
#include "decode_core/memory/surface_memory.h"
#include "tools/daedalus/commands.h"
#include "tools/daedalus/doctor_report.h"
#include "tools/daedalus/options.h"

namespace daedalus::tool {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDriverFile = "daedalus_drv_video.so";

struct RenderNode {
  std::string path;
  std::string kernel_driver;  // empty: it could not be opened or asked
  int error = 0;
};

std::string kernel_driver_of(int fd) {
  std::array<char, 64> name{};
  drm_version version{};
  version.name = name.data();
  version.name_len = name.size() - 1;
  return ::ioctl(fd, DRM_IOCTL_VERSION, &version) == 0 ? name.data() : "";
}

std::vector<RenderNode> find_render_nodes() {
  std::vector<RenderNode> nodes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev/dri", error)) {
    RenderNode node{entry.path().string(), "", 0};
    if (!entry.path().filename().string().starts_with("renderD")) continue;
    const UniqueFd fd(::open(node.path.c_str(), O_RDWR | O_CLOEXEC));
    if (fd) {
      node.kernel_driver = kernel_driver_of(fd.get());
    } else {
      node.error = errno;
    }
    nodes.push_back(std::move(node));
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const RenderNode& a, const RenderNode& b) { return a.path < b.path; });
  return nodes;
}

std::vector<fs::path> driver_folders() {
  std::vector<fs::path> folders;
  if (const char* paths = std::getenv("LIBVA_DRIVERS_PATH")) {
    std::istringstream stream(paths);
    for (std::string folder; std::getline(stream, folder, ':');) folders.emplace_back(folder);
  } else {
    folders.push_back(fs::path(system_driver_folder()));
  }
  return folders;
}

// The driver file that libva loads by this name; empty: none.
fs::path find_driver(const std::string& name) {
  std::error_code error;
  for (const fs::path& folder : driver_folders()) {
    const fs::path path = folder / (name + "_drv_video.so");
    if (fs::exists(path, error)) return path;
  }
  return {};
}

bool is_ours(const fs::path& path) {
  std::error_code error;
  return fs::canonical(path, error).filename() == kDriverFile;
}

// libva takes LIBVA_DRIVER_NAME, else names of its own for the kernel's driver.
std::vector<std::string> driver_names(const RenderNode& node) {
  if (const char* name = std::getenv("LIBVA_DRIVER_NAME")) return {name};
  return {node.kernel_driver};
}

void check_driver(Report& report) {
  const fs::path driver = find_driver("daedalus");
  if (driver.empty()) {
    report.bad("the driver is not where libva looks (" + driver_folders().front().string() + ")",
               "./dev install");
  } else {
    report.good("driver " + driver.string());
  }
}

void check_node(Report& report, const RenderNode& node) {
  if (node.error != 0) {
    const std::string what = node.path + ": " + std::strerror(node.error);
    const char* user = std::getenv("USER");
    report.bad(what, node.error == EACCES ? "sudo usermod -aG render " +
                                                std::string(user != nullptr ? user : "$USER") +
                                                "   (then log in again)"
                                          : "look at " + node.path);
    return;
  }
  if (node.kernel_driver.empty()) {
    report.note(node.path + ": not a DRM device that says its name");
    return;
  }
  for (const std::string& name : driver_names(node)) {
    const fs::path driver = find_driver(name);
    if (!driver.empty() && is_ours(driver)) {
      report.good(node.path + " (" + node.kernel_driver + "): libva loads " + driver.string());
    } else if (!driver.empty()) {
      report.note(node.path + " (" + node.kernel_driver + "): libva loads " + driver.string() +
                  ", which is not Daedalus; LIBVA_DRIVER_NAME=daedalus chooses it");
    } else {
      report.bad(
          node.path + " (" + node.kernel_driver + "): libva finds no " + name + "_drv_video.so",
          "./dev install   (or set LIBVA_DRIVER_NAME=daedalus)");
    }
  }
}

void check_nodes(Report& report) {
  const auto nodes = find_render_nodes();
  if (nodes.empty()) {
    report.bad("there is no render node in /dev/dri: programs have no VA display",
               "sudo modprobe v3d   (on a Raspberry Pi: dtoverlay=vc4-kms-v3d in config.txt)");
  }
  for (const RenderNode& node : nodes) check_node(report, node);
}

void check_memory(Report& report) {
  constexpr size_t kProbe = 1 << 16;
  const auto memory = core::MemoryAllocator::create()->allocate(kProbe, true);
  if (memory) {
    report.good("surfaces are exported as dma-bufs from " + std::string((*memory)->provider()));
  } else {
    report.bad("Firefox and Chromium need dma-bufs: " + memory.error().message,
               "sudo usermod -aG video,render $USER   (then log in again)");
  }
}

bool installed(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream stream(path != nullptr ? path : "");
  for (std::string folder; std::getline(stream, folder, ':');) {
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// How each program comes to decode through VA-API.
struct Program {
  const char* name;
  const char* how;
};
constexpr std::array<Program, 7> kPrograms = {{
    {"mpv", "with --hwdec=vaapi-copy, or hwdec=auto-copy in mpv.conf"},
    {"ffmpeg",
     "with -hwaccel vaapi before -i, or under daedalus run with -c:v h264_v4l2m2m and its kin"},
    {"vlc", "by itself (Input / Codecs: hardware-accelerated decoding, VA-API)"},
    {"gst-launch-1.0",
     "with vah264dec and its kin; GST_VA_ALL_DRIVERS=1 on GStreamer 1.24 and newer"},
    {"firefox", "where dma-bufs work (above); about:support shows HARDWARE_VIDEO_DECODING"},
    {"chromium", "where it is built with VA-API; else in software"},
    {"kodi", "in software: whether it decodes through the V4L2 node has not been tried"},
}};

void list_programs() {
  std::puts("\nprograms on this machine, and when they decode through Daedalus:");
  for (const Program& program : kPrograms) {
    if (installed(program.name)) std::printf("  %-15s %s\n", program.name, program.how);
  }
}

}  // namespace

int run_doctor(Arguments arguments) {
  Options options(std::move(arguments));
  if (options.flag("help")) {
    return std::fputs(
               "usage: daedalus doctor\n"
               "Checks the VA driver, render node, memory, hardware decoders, V4L2 nodes and "
               "permissions as this "
               "user.\n",
               stdout) < 0;
  }
  const auto operands = options.operands();
  if (!operands) return fail(operands.error().message, 2);
  if (!operands->empty()) return fail("doctor takes no operand", 2);
  Report report;
  std::puts("VA-API, from program to pixels:");
  check_driver(report);
  check_nodes(report);
  check_memory(report);
  std::puts("\nhardware decoders:");
  check_hardware(report);
  std::puts("\nV4L2:");
  check_v4l2(report);
  list_programs();
  return report.finish();
}

}  // namespace daedalus::tool
