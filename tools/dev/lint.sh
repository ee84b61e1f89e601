# Style and static checks. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154  # the caller sets `tree` and the targets

lint_failures=0

# lint_step NAME COMMAND...
lint_step() {
  local name=$1
  shift
  say "== $name"
  ("$@") || {
    say "== $name: FAILED"
    lint_failures=$((lint_failures + 1))
  }
}

# Files of the tree, tracked or new, that match PATTERNs.
tree_files() {
  local file
  cd "$tree" || return
  git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
    if [ -f "$file" ]; then echo "$file"; fi
  done
}

# The shell scripts without an ending are found by their first line.
shell_files() {
  tree_files '*.sh'
  tree_files | grep -v '\.[a-z0-9]*$' | while read -r file; do
    if head -c 64 "$tree/$file" 2>/dev/null | head -n 1 | grep -qE '^#!.*\b(ba)?sh$'; then echo "$file"; fi
  done
}

# One line for each file that clang-format would change.
check_format() {
  local file status=0
  cd "$tree" || return
  for file in "$@"; do
    if ! clang-format --dry-run -Werror "$file" >/dev/null 2>&1; then
      say "$file: not formatted; clang-format -i $file"
      status=1
    fi
  done
  return "$status"
}

check_shell() { (cd "$tree" && shell_files | xargs -r shellcheck -x -P "$tree"); }

check_python() {
  (cd "$tree" && tree_files '*.py' | xargs -r python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)')
}

make_compile_commands() {
  local info
  info=$(run_bazel info execution_root 2>/dev/null)
  run_bazel aquery 'mnemonic("CppCompile", //...)' --keep_going --output=jsonproto 2>/dev/null |
    python3 "$tree/tools/build/compile_commands.py" "$info" "$(run_bazel info output_base 2>/dev/null)"
}

# clang-tidy on the files that Bazel compiles; all of them, or those named.
check_tidy() {
  local status=0
  make_compile_commands || {
    say "compile_commands.json lacks what cannot be built"
    status=1
  }
  python3 "$tree/tools/dev/run_clang_tidy.py" "$@" || status=1
  return "$status"
}

lint_main() {
  local files=() named=("$@")
  if [ $# -gt 0 ]; then
    mapfile -t files < <(printf '%s\n' "$@" | grep -E '\.(cc|h|c)$')
  else
    mapfile -t files < <(tree_files '*.cc' '*.h' '*.c')
  fi
  lint_step "clang-format" check_format "${files[@]}"
  if [ ${#named[@]} -eq 0 ]; then
    lint_step "shellcheck" check_shell
    lint_step "python syntax" check_python
    lint_step "warnings are errors" run_bazel build --config=lint -k --noshow_loading_progress //...
  fi
  lint_step "clang-tidy" check_tidy "${named[@]}"
  [ "$lint_failures" = 0 ] || die "lint: $lint_failures checks failed"
  say "lint: clean"
}
