"""pkg_config: a system library as the Bazel target @name//:name, by way of pkg-config.

A library that is not installed yields a target whose build fails with what to do about it; targets that do not
depend on it are not affected. Only library *names* are linked and only include directories outside the compilers'
own search path are exposed, so one repository serves the native and the cross configuration.
"""

_BUILD = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "{name}",
    hdrs = glob(["include/**"], allow_empty = True),
    includes = {includes},
    defines = {defines},
    linkopts = {linkopts},
)
"""

_MISSING_BUILD = """
package(default_visibility = ["//visibility:public"])

cc_library(
    name = "{name}",
    srcs = [":missing"],
)

genrule(
    name = "missing",
    outs = ["{name}_is_missing.cc"],
    cmd = "echo '{message}' >&2; exit 1",
)
"""

def _is_compiler_path(directory):
    """/usr/include and /usr/include/<multiarch triplet> need no flag, nor do they fit a cross compiler."""
    if directory == "/usr/include":
        return True
    if not directory.startswith("/usr/include/"):
        return False
    return directory.endswith("-linux-gnu") and directory.count("/") == 3

def _query(ctx, tool, option):
    result = ctx.execute([tool, option, ctx.attr.pc])
    if result.return_code != 0:
        return None
    return [flag for flag in result.stdout.replace("\n", " ").split(" ") if flag]

def _missing(ctx, reason):
    ctx.file("BUILD.bazel", _MISSING_BUILD.format(
        name = ctx.name,
        message = "{}: install {} or run ./dev setup, then: bazel sync --configure".format(
            reason,
            ctx.attr.package,
        ),
    ))

def _pkg_config_impl(ctx):
    tool = ctx.which("pkg-config")
    if not tool:
        _missing(ctx, "pkg-config is not installed")
        return
    cflags = _query(ctx, tool, "--cflags")
    libs = _query(ctx, tool, "--libs")
    if cflags == None or libs == None:
        _missing(ctx, "pkg-config does not know " + ctx.attr.pc)
        return

    includes = []
    defines = []
    for flag in cflags:
        if flag.startswith("-I") and not _is_compiler_path(flag[2:]):
            link = "include/{}".format(len(includes))
            ctx.symlink(flag[2:], link)
            includes.append(link)
        elif flag.startswith("-D"):
            defines.append(flag[2:])
    ctx.file("BUILD.bazel", _BUILD.format(
        name = ctx.name,
        includes = repr(includes),
        defines = repr(defines),
        linkopts = repr([flag for flag in libs if not flag.startswith("-L/usr/lib")]),
    ))

pkg_config = repository_rule(
    implementation = _pkg_config_impl,
    attrs = {
        "pc": attr.string(mandatory = True, doc = "The name that pkg-config knows."),
        "package": attr.string(mandatory = True, doc = "The Debian package that brings it."),
    },
    environ = [
        "PATH",
        "PKG_CONFIG_PATH",
    ],
    local = True,
    configure = True,
)
