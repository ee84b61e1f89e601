#include "decode_core/session.h"

#include <utility>

#include "decode_core/picture.h"

namespace daedalus::core {

std::shared_ptr<Session> session_for(const DecodeJob& job, std::shared_ptr<Session> current) {
  // A context stays with the chain that it has begun or adopted.
  if (current != nullptr && current->codec() == job.codec()) return current;
  for (const auto& reference : job.references) {
    if (reference == nullptr) continue;
    auto session = reference->session();
    if (session != nullptr && session->codec() == job.codec()) return session;
  }
  return nullptr;
}

}  // namespace daedalus::core
