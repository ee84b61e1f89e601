#include "cuse_device/cuse/readiness.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/log.h"

namespace daedalus::cuse {
namespace {

// The status of the process that was started: 0 once the daemon is ready, else the daemon's own.
[[noreturn]] void wait_as_parent(UniqueFd ready, pid_t daemon) {
  char byte = 0;
  if (::read(ready.get(), &byte, 1) == 1) ::_exit(EXIT_SUCCESS);
  int status = 0;
  ::waitpid(daemon, &status, 0);
  if (WIFSIGNALED(status)) {
    log(LogLevel::kError, "daedalusd: ended by signal %d (%s)", WTERMSIG(status),
        ::strsignal(WTERMSIG(status)));
  }
  ::_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_FAILURE);
}

// systemd's protocol (sd_notify): datagrams to a local socket; a leading @ is an abstract name.
UniqueFd connect_to_systemd() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, path, std::strlen(path) + 1);
  if (path[0] == '@') address.sun_path[0] = '\0';
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return {};
  return fd;
}

}  // namespace

Result<Readiness> Readiness::create(bool background) {
  Readiness readiness;
  readiness.systemd_ = connect_to_systemd();
  if (!background) return readiness;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe");
  UniqueFd reading(ends[0]), writing(ends[1]);
  const pid_t daemon = ::fork();
  if (daemon < 0) return system_error("fork");
  if (daemon > 0) {
    writing.reset();
    wait_as_parent(std::move(reading), daemon);
  }
  ::setsid();
  readiness.parent_ = std::move(writing);
  return readiness;
}

void Readiness::ready() {
  if (parent_) {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    ::dup3(null.get(), STDIN_FILENO, 0);
    ::dup3(null.get(), STDOUT_FILENO, 0);
    [[maybe_unused]] const ssize_t written = ::write(parent_.get(), "", 1);
    parent_.reset();
  }
  static constexpr char kReady[] = "READY=1";
  if (systemd_) ::send(systemd_.get(), kReady, sizeof kReady - 1, MSG_NOSIGNAL);
  systemd_.reset();
}

}  // namespace daedalus::cuse
