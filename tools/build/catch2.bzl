"""Catch2 as @catch2//:catch2: the single header of version 2 (Debian 12) or the library of version 3 (Debian 13).

Tests never include it themselves: test/catch.h hides the difference.
"""

_BUILD = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "catch2",
    linkopts = {linkopts},
)
"""

def _catch2_impl(ctx):
    # Both versions install under /usr/include, where compilers look by themselves.
    is_version_3 = ctx.path("/usr/include/catch2/catch_all.hpp").exists
    ctx.file("BUILD.bazel", _BUILD.format(linkopts = ["-lCatch2"] if is_version_3 else []))

catch2 = repository_rule(
    implementation = _catch2_impl,
    local = True,
    configure = True,
)
