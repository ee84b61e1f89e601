// daedalusd: the decoder's nodes over CUSE.
#include <grp.h>
#include <malloc.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/statistics.h"
#include "base/unique_fd.h"
#include "cuse_device/cuse/cuse_node.h"
#include "cuse_device/cuse/options.h"
#include "cuse_device/cuse/readiness.h"
#include "cuse_device/cuse/request_handle.h"
#include "cuse_device/cuse/sandbox.h"
#include "cuse_device/cuse/server.h"
#include "cuse_device/v4l2/nodes.h"
#include "decode_core/core.h"

namespace daedalus::cuse {
namespace {

// Where Raspberry Pi software has looked for its decoder since the Pi 4.
constexpr int kFirstVideoNumber = 10;
constexpr mode_t kNodeMode = 0660;

int fail(const Error& error) {
  log(LogLevel::kError, "daedalusd: %s", error.message.c_str());
  return 1;
}

// As the distributions' udev rules for video devices: root and the group `video`.
void set_owner(const std::string& path) {
  const group* video = ::getgrnam("video");
  const gid_t owner = video != nullptr ? video->gr_gid : 0;
  if (::chown(path.c_str(), 0, owner) != 0 || ::chmod(path.c_str(), kNodeMode) != 0) {
    log(LogLevel::kWarning, "%s stays as it is: its owner and mode cannot be set", path.c_str());
  }
}

// A node and what its device is called in the bundle.
Status add_node(const std::string& wished, const char* prefix, int first, std::string* name,
                std::vector<std::unique_ptr<CuseNode>>* nodes) {
  *name = wished.empty() ? free_name(prefix, first) : wished;
  auto node = CuseNode::create(*name);
  if (!node.ok()) return node.error();
  set_owner((*node)->path());
  nodes->push_back(std::move(node).value());
  return {};
}

std::unique_ptr<Statistics> statistics_of(const std::string& node, const core::Settings& settings) {
  Statistics::Identity identity;
  identity.front = "cuse";
  identity.profile = node;
  return std::make_unique<Statistics>(settings.statistics_folder, identity,
                                      settings.sweep_statistics);
}

// The devices are made by the user that serves them, with what that user may open.
Status attach_devices(const v4l2::NodesOptions& options, const std::string& requests,
                      Companions* companions, Server* server) {
  // A node never decodes with nodes: it might find itself.
  core::Settings settings = core::Settings::from_environment();
  settings.backend = "software";
  const auto core = core::Core::create(std::move(settings));
  auto devices = v4l2::make_nodes(core, options);
  devices.push_back(std::make_unique<RequestDevice>(requests));
  for (size_t i = 0; i < server->node_count(); ++i) {
    CuseNode& node = server->node(i);
    bool found = false;
    for (auto& device : devices) {
      if (!device || node.path() != "/dev/" + device->name()) continue;
      found = true;
      device->set_device_number(major(node.number()), minor(node.number()));
      node.attach({std::move(device), server->waker(i), options.user_pointers, companions,
                   statistics_of(node.path(), core->settings())});
    }
    if (!found) return Error{ErrorCode::kInternal, "no device for " + node.path()};
  }
  return {};
}

// SIGTERM and SIGINT, blocked in all threads.
UniqueFd take_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  ::sigprocmask(SIG_BLOCK, &ending, nullptr);
  return UniqueFd(::signalfd(-1, &ending, SFD_CLOEXEC));
}

// That of request handles is nobody's to open but the companions'.
std::string paths_of(const v4l2::NodesOptions& names) {
  return "/dev/" + names.stateful_name + ", /dev/" + names.stateless_name + ", /dev/" +
         names.media_name;
}

// Until a signal ends it (0) or the kernel lets go of a node (1).
int serve(Server& server, const UniqueFd& signals) {
  pollfd wait[] = {{signals.get(), POLLIN, 0}, {server.ended_fd(), POLLIN, 0}};
  while (::poll(wait, 2, -1) < 0) {
  }
  if (wait[0].revents != 0) return 0;
  return fail({ErrorCode::kSystem, "the kernel has let go of a node"});
}

// The threads of decoders come and go, and the allocator would keep for each arena what the largest
// of them once had.
void keep_little_memory() {
  ::mallopt(M_ARENA_MAX, 4);
  ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

int run(const Options& options) {
  keep_little_memory();
  const UniqueFd signals = take_signals();
  auto readiness = Readiness::create(options.background);
  if (!readiness.ok()) return fail(readiness.error());

  v4l2::NodesOptions names;
  names.user_pointers = options.user_pointers;
  names.direct_qbuf = options.direct_qbuf;
  names.av1 = options.av1;
  std::vector<std::unique_ptr<CuseNode>> nodes;
  Status status =
      add_node(options.stateful, "video", kFirstVideoNumber, &names.stateful_name, &nodes);
  if (status.ok()) {
    status = add_node(options.stateless, "video", kFirstVideoNumber, &names.stateless_name, &nodes);
  }
  if (status.ok()) status = add_node(options.media, "media", 0, &names.media_name, &nodes);
  std::string requests;
  if (status.ok()) status = add_node(options.requests, kRequestPrefix, 0, &requests, &nodes);
  if (!status.ok()) return fail(status.error());

  // Beside the nodes, for what CUSE cannot carry; without it the nodes work all the same.
  std::unique_ptr<Companions> companions;
  const std::string socket = "/run/daedalus/" + names.stateful_name + ".socket";
  if (auto listening = Companions::listen(socket); listening.ok()) {
    companions =
        std::make_unique<Companions>(std::move(listening).value(), socket, "/dev/" + requests);
  } else {
    log(LogLevel::kWarning, "no companion socket: %s", listening.error().message.c_str());
  }

  if (status = enter_sandbox(options.sandbox); !status.ok()) return fail(status.error());
  auto server = Server::create(std::move(nodes));
  if (!server.ok()) return fail(server.error());
  if (status = attach_devices(names, requests, companions.get(), server->get()); !status.ok()) {
    return fail(status.error());
  }
  if (companions) companions->start();
  (*server)->start();
  std::fprintf(stderr, "daedalusd: serving %s\n", paths_of(names).c_str());
  readiness->ready();
  return serve(**server, signals);
}

}  // namespace
}  // namespace daedalus::cuse

int main(int argc, char** argv) try {
  const auto options = daedalus::cuse::parse_options(argc, argv);
  if (!options.ok()) {
    std::fprintf(stderr, "daedalusd: %s\n", options.error().message.c_str());
    return 2;
  }
  if (options->help) {
    std::fputs(daedalus::cuse::kUsage, stdout);
    return 0;
  }
  return daedalus::cuse::run(*options);
} catch (const std::exception& error) {  // no memory, no thread
  std::fprintf(stderr, "daedalusd: %s\n", error.what());
  return 1;
}
