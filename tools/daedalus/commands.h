// The subcommands. Each takes what follows its name and returns the exit status: 0 well, 1 the work
// failed, 2 wrong usage.
#ifndef DAEDALUS_TOOLS_DAEDALUS_COMMANDS_H_
#define DAEDALUS_TOOLS_DAEDALUS_COMMANDS_H_

#include <string>
#include <vector>

namespace daedalus::tool {

using Arguments = std::vector<std::string>;

int run_info(Arguments arguments);
int run_doctor(Arguments arguments);
int run_decode(Arguments arguments);
int run_replay(Arguments arguments);
int run_run(Arguments arguments);
int run_stats(Arguments arguments);
int run_gpu(Arguments arguments);

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_COMMANDS_H_
