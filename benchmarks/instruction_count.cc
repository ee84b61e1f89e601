// A plug-in of QEMU's user-mode emulator that counts the guest's instructions and prints their
// number when the program ends: qemu-aarch64 -plugin libinstruction_count.so PROGRAM…
//
// Debian ships no header of the plug-in interface (QEMU, docs/devel/tcg-plugins), so what is used
// of it is declared here. Calls that versions 1 (QEMU 7.2) to 4 (QEMU 10) have alike.
#include <atomic>
#include <cstdint>
#include <cstdio>

extern "C" {

using PluginId = uint64_t;
struct qemu_plugin_tb;
struct qemu_info_t;
enum qemu_plugin_cb_flags { kNoRegisters = 0 };

size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb* block);
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

std::atomic<uint64_t> executed_instructions{0};

void executed(unsigned /*cpu*/, void* instructions) {
  executed_instructions.fetch_add(reinterpret_cast<uintptr_t>(instructions),
                                  std::memory_order_relaxed);
}

void translated(PluginId /*id*/, qemu_plugin_tb* block) {
  qemu_plugin_register_vcpu_tb_exec_cb(block, executed, kNoRegisters,
                                       reinterpret_cast<void*>(qemu_plugin_tb_n_insns(block)));
}

void ended(PluginId /*id*/, void* /*user_data*/) {
  char text[64];
  std::snprintf(text, sizeof(text), "instructions: %llu\n",
                static_cast<unsigned long long>(executed_instructions.load()));
  qemu_plugin_outs(text);
}

}  // namespace

int qemu_plugin_install(PluginId id, const qemu_info_t* /*info*/, int /*argc*/, char** /*argv*/) {
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, nullptr);
  return 0;
}
