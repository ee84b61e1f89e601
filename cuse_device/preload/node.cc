#include "cuse_device/preload/node.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "cuse_device/preload/cuse_file.h"
#include "cuse_device/preload/real_calls.h"

namespace daedalus::preload {
namespace {

// Where Raspberry Pi software looks for its decoder.
constexpr unsigned kFirstVideoNode = 10;
constexpr unsigned kVideoMajor = 81;
// The kernel gives media nodes a major number of those that it has left, from 511 downwards.
constexpr unsigned kMediaMajor = 450;
constexpr unsigned kMinors = 256;
constexpr mode_t kMode = S_IFCHR | 0666;
// Inode numbers that no node of a devtmpfs reaches.
constexpr ino_t kFirstInode = ino_t{1} << 40;

bool exists(const std::string& path) {
  struct stat ignored;
  return real.lstat(path.c_str(), &ignored) == 0;
}

std::string sysfs_folder(dev_t number) {
  return "/sys/dev/char/" + std::to_string(major(number)) + ":" + std::to_string(minor(number));
}

// The first number from `first` on that the kernel has no node of.
Node make_node(NodeRole role, const std::string& prefix, unsigned major, unsigned first) {
  unsigned number = first;
  while (number < kMinors && exists("/dev/" + prefix + std::to_string(number))) ++number;
  unsigned minor = number;
  while (minor < kMinors && exists(sysfs_folder(makedev(major, minor)))) ++minor;
  const std::string name = prefix + std::to_string(number);
  return {role, name, "/dev/" + name, makedev(major, minor)};
}

std::vector<Node> make_nodes() {
  if (uses_daemon()) return {};  // the kernel has them
  const Node stateful = make_node(NodeRole::kStateful, "video", kVideoMajor, kFirstVideoNode);
  const auto after = static_cast<unsigned>(std::stoul(stateful.name.substr(5))) + 1;
  return {stateful, make_node(NodeRole::kStateless, "video", kVideoMajor, after),
          make_node(NodeRole::kMedia, "media", kMediaMajor, 0)};
}

const char* last_component(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

bool same_directory(const struct stat& a) {
  struct stat dev;
  return real.stat("/dev", &dev) == 0 && a.st_dev == dev.st_dev && a.st_ino == dev.st_ino;
}

ino_t inode_of(const Node& node) {
  return kFirstInode + static_cast<ino_t>(&node - nodes().data());
}

}  // namespace

std::span<const Node> nodes() {
  static const auto& all = *new std::vector<Node>(make_nodes());
  return all;
}

const Node* node_at(int directory, const char* path) {
  if (path == nullptr) return nullptr;
  const char* const name = last_component(path);
  if (std::strncmp(name, "video", 5) != 0 && std::strncmp(name, "media", 5) != 0) return nullptr;
  const auto all = nodes();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Node& node) { return node.name == name; });
  if (found == all.end()) return nullptr;
  if (found->path == path) return &*found;
  const std::string folder(path, name);
  struct stat status;
  const bool known = !folder.empty() ? real.fstatat(directory, folder.c_str(), &status, 0) == 0
                     : directory == AT_FDCWD ? real.stat(".", &status) == 0
                                             : real.fstat(directory, &status) == 0;
  return known && same_directory(status) ? &*found : nullptr;
}

bool is_dev_directory(int directory) {
  struct stat status;
  return real.fstat(directory, &status) == 0 && same_directory(status);
}

void describe(const Node& node, struct stat* to) {
  struct stat dev {};
  real.stat("/dev", &dev);
  *to = {};
  to->st_dev = dev.st_dev;
  to->st_ino = inode_of(node);
  to->st_mode = kMode;
  to->st_nlink = 1;
  to->st_rdev = node.number;
  to->st_blksize = 4096;
  to->st_atim = to->st_mtim = to->st_ctim = dev.st_ctim;
}

void describe(const Node& node, struct statx* to) {
  struct stat status;
  describe(node, &status);
  *to = {};
  to->stx_mask = STATX_BASIC_STATS;
  to->stx_blksize = 4096;
  to->stx_nlink = 1;
  to->stx_mode = kMode;
  to->stx_ino = status.st_ino;
  to->stx_dev_major = major(status.st_dev);
  to->stx_dev_minor = minor(status.st_dev);
  to->stx_rdev_major = major(node.number);
  to->stx_rdev_minor = minor(node.number);
  to->stx_atime.tv_sec = to->stx_mtime.tv_sec = to->stx_ctime.tv_sec = status.st_ctim.tv_sec;
}

void describe(const Node& node, dirent* to) {
  *to = {};
  to->d_ino = inode_of(node);
  to->d_reclen = sizeof *to;
  to->d_type = DT_CHR;
  std::memcpy(to->d_name, node.name.c_str(), node.name.size() + 1);
}

std::string uevent_at(const char* path) {
  constexpr std::string_view kPrefix = "/sys/dev/char/";
  if (path == nullptr || std::strncmp(path, kPrefix.data(), kPrefix.size()) != 0) return "";
  for (const Node& node : nodes()) {
    if (path != sysfs_folder(node.number) + "/uevent") continue;
    return "MAJOR=" + std::to_string(major(node.number)) +
           "\nMINOR=" + std::to_string(minor(node.number)) + "\nDEVNAME=" + node.name + "\n";
  }
  return "";
}

}  // namespace daedalus::preload
