// A plug-in of QEMU's user-mode emulator that counts the guest's instructions, in all and by
// function of the program, and prints the numbers when it ends:
//   qemu-aarch64 -plugin instruction_count_1.so -d plugin PROGRAM…
//   instructions: ALL
//   instructions of FUNCTION: MANY      (mangled; "elsewhere" is code of shared libraries)
// With the argument marks=PREFIX (instruction_count_1.so,marks=PREFIX) it prints, each time that a
// function of that prefix is called, how many there have been before; such functions have no loops
// and no calls:
//   FUNCTION at MANY
//
// Debian ships no header of the plug-in interface (QEMU, docs/devel/tcg-plugins), so what is used
// of it is declared here: calls that its versions 1 (QEMU 7.2) to 4 (QEMU 10) have alike.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

extern "C" {

using PluginId = uint64_t;
struct qemu_plugin_tb;    // a block of instructions, translated
struct qemu_plugin_insn;  // one of them
struct qemu_info_t;
enum qemu_plugin_cb_flags { kNoRegisters = 0 };

size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb* block);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb* block, size_t index);
const char* qemu_plugin_insn_symbol(const qemu_plugin_insn* instruction);
void qemu_plugin_register_vcpu_tb_trans_cb(PluginId id,
                                           void (*translated)(PluginId, qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb* block, void (*executed)(unsigned, void*),
                                          qemu_plugin_cb_flags flags, void* user_data);
void qemu_plugin_register_atexit_cb(PluginId id, void (*ended)(PluginId, void*), void* user_data);
void qemu_plugin_outs(const char* text);

__attribute__((visibility("default"))) extern const int qemu_plugin_version;
const int qemu_plugin_version = INSTRUCTION_COUNT_PLUGIN_VERSION;

__attribute__((visibility("default"))) int qemu_plugin_install(PluginId id, const qemu_info_t* info,
                                                               int argc, char** argv);
}

namespace {

using Counter = std::atomic<uint64_t>;

// What executing a block adds to.
struct Block {
  const std::string& function;
  Counter& counter;
  size_t instructions;
};

// All live until the process ends: other threads of the guest may still run then.
struct Counts {
  std::mutex mutex;
  std::map<std::string, Counter> by_function;
  std::deque<Block> blocks;
  std::string marks;  // their functions' prefix; empty: none

  uint64_t sum() const {
    uint64_t sum = 0;
    for (const auto& [function, count] : by_function) sum += count;
    return sum;
  }
};
Counts& counts() {
  static auto& counts = *new Counts;
  return counts;
}

void executed(unsigned /*cpu*/, void* data) {
  const auto& block = *static_cast<const Block*>(data);
  block.counter.fetch_add(block.instructions, std::memory_order_relaxed);
}

void reached_mark(unsigned /*cpu*/, void* data) {
  const auto& block = *static_cast<const Block*>(data);
  Counts& all = counts();
  std::lock_guard lock(all.mutex);
  qemu_plugin_outs((block.function + " at " + std::to_string(all.sum()) + "\n").c_str());
}

void translated(PluginId /*id*/, qemu_plugin_tb* block) {
  const char* symbol = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(block, 0));
  Counts& all = counts();
  std::lock_guard lock(all.mutex);
  const auto entry = all.by_function.try_emplace(symbol != nullptr ? symbol : "elsewhere").first;
  Block& kept =
      all.blocks.emplace_back(Block{entry->first, entry->second, qemu_plugin_tb_n_insns(block)});
  if (!all.marks.empty() && entry->first.starts_with(all.marks)) {
    qemu_plugin_register_vcpu_tb_exec_cb(block, reached_mark, kNoRegisters, &kept);
  }
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, kNoRegisters, &kept);
}

void ended(PluginId /*id*/, void* /*user_data*/) {
  Counts& all = counts();
  std::lock_guard lock(all.mutex);
  for (const auto& [function, count] : all.by_function) {
    qemu_plugin_outs(("instructions of " + function + ": " + std::to_string(count) + "\n").c_str());
  }
  qemu_plugin_outs(("instructions: " + std::to_string(all.sum()) + "\n").c_str());
}

}  // namespace

int qemu_plugin_install(PluginId id, const qemu_info_t* /*info*/, int argc, char** argv) {
  constexpr std::string_view kMarks = "marks=";
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kMarks)) return 1;
    counts().marks = argument.substr(kMarks.size());
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, nullptr);
  return 0;
}
