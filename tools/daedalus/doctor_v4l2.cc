// daedalus doctor: will programs find the V4L2 decoder.
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tools/daedalus/doctor_report.h"
#include "tools/daedalus/preload_library.h"

namespace daedalus::tool {
namespace {

namespace fs = std::filesystem;

struct VideoNode {
  std::string path;
  int error = 0;      // errno of open(2)
  bool ours = false;  // VIDIOC_QUERYCAP says so
};

std::vector<VideoNode> find_video_nodes() {
  std::vector<VideoNode> nodes;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/dev", error)) {
    if (!entry.path().filename().string().starts_with("video")) continue;
    VideoNode node{entry.path().string(), 0, false};
    const UniqueFd fd(::open(node.path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    v4l2_capability capability{};
    if (!fd) {
      node.error = errno;
    } else if (::ioctl(fd.get(), VIDIOC_QUERYCAP, &capability) == 0) {
      node.ours = std::strcmp(reinterpret_cast<const char*>(capability.driver), "daedalus") == 0;
    }
    nodes.push_back(std::move(node));
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const VideoNode& a, const VideoNode& b) { return a.path < b.path; });
  return nodes;
}

bool answers(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof address.sun_path) return false;
  std::copy(socket_path.begin(), socket_path.end(), address.sun_path);
  const UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  return fd &&
         ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void check_node(Report& report, const VideoNode& node) {
  const char* transport = std::getenv("DAEDALUS_TRANSPORT");  // set by daedalus run
  if (transport != nullptr && std::strcmp(transport, "in-process") == 0) {
    report.good(node.path + ": inside this process");
    return;
  }
  const std::string socket_path =
      "/run/daedalus/" + fs::path(node.path).filename().string() + ".socket";
  if (answers(socket_path)) {
    report.good(node.path + ": daedalusd serves it, and answers on " + socket_path);
  } else {
    report.bad(node.path + ": daedalusd serves it, but does not answer on " + socket_path +
                   ", so that mmap fails",
               "sudo systemctl restart daedalus");
  }
}

// There is none of ours: not wrong, since `daedalus run` needs neither CUSE nor a daemon.
void explain_missing_node(Report& report, const std::vector<VideoNode>& nodes) {
  const bool refused = std::any_of(nodes.begin(), nodes.end(),
                                   [](const VideoNode& node) { return node.error == EACCES; });
  if (refused) {
    report.bad("this user may not open every /dev/video*",
               "sudo usermod -aG video $USER   (then log in again)");
  } else if (::access("/dev/cuse", F_OK) != 0) {
    report.note("no /dev/cuse, so no node for all programs; `sudo modprobe cuse` brings it, and");
    report.note("`sudo systemctl enable --now daedalus` the node");
  } else {
    report.note("daedalusd does not run, so there is no node for all programs;");
    report.note("`sudo systemctl enable --now daedalus` starts it");
  }
}

}  // namespace

void check_v4l2(Report& report) {
  const std::string library = find_preload_library();
  if (library.empty()) {
    report.bad(std::string("daedalus run finds no ") + kPreloadLibrary, "./dev install");
  } else {
    report.good("daedalus run -- COMMAND gives a command its own V4L2 decoder (" + library + ")");
  }
  const auto nodes = find_video_nodes();
  bool found = false;
  for (const VideoNode& node : nodes) {
    if (node.ours) check_node(report, node);
    found = found || node.ours;
  }
  if (!found) explain_missing_node(report, nodes);
}

}  // namespace daedalus::tool
