/* static.c - what the file says of itself, before any of its code runs. */
#include "check/constructors.h"
#include "check/internal.h"
#include "plugin/elf.h"

#include <sys/stat.h>

static bool read_image(trial *t, image *m) {
    err e = {""};
    if (image_open(t->file, t->memory, m, &e))
        return true;
    wrong("%s", e.text);
    return false;
}

void check_file(trial *t) {
    err e = {""};
    struct stat s;
    if (!elf_check(t->file, &e))
        wrong("%s", e.text);
    if (stat(t->o->file, &s) == 0 && (s.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        warning("its file can be written by group or others, and a hub refuses such: chmod go-w %s",
                t->o->file);
}

/* --- symbols ------------------------------------------------------------------------------------- */

/* Of linkers and sanitizers, not of the author. */
static bool is_linkers(const char *name) {
    static const char *const whole[] = {"_init",   "_fini",      "__bss_start",   "_edata",      "_end",
                                        "__end__", "_bss_end__", "__bss_start__", "__bss_end__", NULL};
    for (size_t i = 0; whole[i] != NULL; i++)
        if (strcmp(name, whole[i]) == 0)
            return true;
    return strncmp(name, "__odr_asan", 10) == 0 || strncmp(name, "__asan_", 7) == 0 ||
           strncmp(name, "__sancov", 8) == 0 || strncmp(name, "__start_", 8) == 0 ||
           strncmp(name, "__stop_", 7) == 0;
}

static bool is_exported(const Elf64_Sym *s) {
    unsigned bind = ELF64_ST_BIND(s->st_info), visibility = ELF64_ST_VISIBILITY(s->st_other);
    return s->st_shndx != SHN_UNDEF && bind != STB_LOCAL &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

void check_exports(trial *t) {
    image m;
    bool entry = false;
    if (!read_image(t, &m))
        return;
    for (size_t i = 0; i < m.symbol_count; i++) {
        const Elf64_Sym *s = &m.symbols[i];
        const char *name = image_name(&m, s->st_name);
        if (!is_exported(s))
            continue;
        if (ELF64_ST_BIND(s->st_info) == STB_GNU_UNIQUE)
            wrong(
                "the symbol \"%s\" is GNU_UNIQUE: two builds of this connector would share it; compile with "
                "-fno-gnu-unique",
                name);
        if (strcmp(name, "busbar_entry") == 0)
            entry = true;
        else if (!is_linkers(name))
            wrong("it exports \"%s\", which may clash with another connector's: make it static, or compile "
                  "with "
                  "-fvisibility=hidden",
                  name);
    }
    if (!entry)
        wrong("it exports no busbar_entry: is BUSBAR_PLUGIN(...) missing?");
}

/* --- linking ------------------------------------------------------------------------------------- */

static void check_segments(const image *m) {
    bool stack = false;
    for (unsigned i = 0; i < m->header.e_phnum; i++) {
        Elf64_Phdr p = image_segment(m, i);
        if (p.p_type == PT_GNU_STACK) {
            stack = true;
            if ((p.p_flags & PF_X) != 0)
                wrong("it asks for an executable stack, which would be the whole hub's: look for nested "
                      "functions, or "
                      "assembly without .note.GNU-stack; link with -Wl,-z,noexecstack");
        }
        if (p.p_type == PT_LOAD && (p.p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
            wrong(
                "a segment is both writable and executable: link it without -N and without a linker script");
    }
    if (!stack)
        wrong("it does not say that its stack need not be executable: link with -Wl,-z,noexecstack");
}

void check_linking(trial *t) {
    image m;
    uint64_t value = 0, flags = 0;
    if (!read_image(t, &m))
        return;
    image_dynamic(&m, DT_FLAGS, &flags);
    if (image_dynamic(&m, DT_TEXTREL, &value) || (flags & DF_TEXTREL) != 0)
        wrong("it has relocations in its code (TEXTREL): compile everything with -fPIC");
    if ((flags & DF_STATIC_TLS) != 0)
        wrong("it needs static thread-local storage (STATIC_TLS), of which a running process has little "
              "left: compile "
              "without -ftls-model=initial-exec");
    check_segments(&m);
}

/* --- libraries ----------------------------------------------------------------------------------- */

static bool begins_with_one(const char *name, const char *const *list) {
    for (size_t i = 0; list[i] != NULL; i++)
        if (strncmp(name, list[i], strlen(list[i])) == 0)
            return true;
    return false;
}

/* Before anything of it is loaded: it names the extension. */
static bool has_sessions(const trial *t) {
    return memmem(t->file.ptr, t->file.len, BB_EXT_SESSION, sizeof BB_EXT_SESSION) != NULL;
}

void check_libraries(trial *t) {
    static const char *const forbidden[] = {"libcurl", "libssl", "libcrypto", "libgnutls", "libuv.", NULL};
    static const char *const usual[] = {"libc.so",       "libm.so",   "libgcc_s.so",  "ld-linux",
                                        "libpthread.so", "libdl.so",  "librt.so",     "libasan.",
                                        "libtsan.",      "libubsan.", "libstdc++.so", "liblsan.",
                                        "libc++.so",     "libc++abi", "libatomic.so", NULL};
    image m;
    if (!read_image(t, &m))
        return;
    for (size_t i = 0; i < m.dynamic_count && m.dynamic[i].d_tag != DT_NULL; i++) {
        if (m.dynamic[i].d_tag != DT_NEEDED)
            continue;
        const char *name = image_name(&m, (uint32_t)m.dynamic[i].d_un.d_val);
        if (begins_with_one(name, forbidden))
            wrong("it links %s: two copies of it in one process crash, and its requests would pass by the "
                  "hub's limits and "
                  "credentials; use host->http and host->crypto, and drop it from the linker's line",
                  name);
        else if (!begins_with_one(name, usual) &&
                 !has_sessions(t)) /* a client library is what those are for */
            warning("it links %s, which has to be installed wherever the hub runs", name);
    }
}

/* --- imports ------------------------------------------------------------------------------------- */

#define ENDS "ends or replaces the whole hub: report an error with bb_fail or host->reject"
#define SIGNALS "changes how the whole hub takes signals: drop it"
#define FORKS "starts a process from within a hub of many threads: drop it"
#define SHARED "changes what all connectors and the hub share: keep your own copy of the state instead"
#define LOADS "loads code that the hub cannot check: link it statically"

static const struct {
    const char *name, *why;
    bool warn;
} unwanted[] = {
    {"exit", ENDS, false},
    {"_exit", ENDS, false},
    {"_Exit", ENDS, false},
    {"quick_exit", ENDS, false},
    {"pthread_exit", ENDS, false},
    {"execve", ENDS, false},
    {"execv", ENDS, false},
    {"execvp", ENDS, false},
    {"execl", ENDS, false},
    {"execlp", ENDS, false},
    {"kill", ENDS, false},
    {"raise", ENDS, false},
    {"abort", ENDS, true},
    {"__assert_fail", "aborts the whole hub: build with -DNDEBUG", true},
    {"signal", SIGNALS, false},
    {"__sysv_signal", SIGNALS, false},
    {"bsd_signal", SIGNALS, false},
    {"sigaction", SIGNALS, false},
    {"sigprocmask", SIGNALS, false},
    {"pthread_sigmask", SIGNALS, false},
    {"sigaltstack", SIGNALS, false},
    {"alarm", SIGNALS, false},
    {"setitimer", SIGNALS, false},
    {"fork", FORKS, false},
    {"vfork", FORKS, false},
    {"posix_spawn", FORKS, false},
    {"posix_spawnp", FORKS, false},
    {"system", FORKS, false},
    {"popen", FORKS, false},
    {"daemon", FORKS, false},
    {"setenv", SHARED, false},
    {"putenv", SHARED, false},
    {"unsetenv", SHARED, false},
    {"clearenv", SHARED, false},
    {"setlocale", SHARED, false},
    {"chdir", SHARED, false},
    {"fchdir", SHARED, false},
    {"chroot", SHARED, false},
    {"umask", SHARED, false},
    {"setuid", SHARED, false},
    {"setgid", SHARED, false},
    {"seteuid", SHARED, false},
    {"setegid", SHARED, false},
    {"setrlimit", SHARED, false},
    {"setrlimit64", SHARED, false},
    {"prctl", SHARED, false},
    {"mlockall", SHARED, false},
    {"srand", SHARED, false},
    {"srandom", SHARED, false},
    {"strtok", SHARED, true},
    {"closefrom", SHARED, false},
    {"atexit", "runs code when the hub ends: free things in destroy", false},
    {"on_exit", "runs code when the hub ends: free things in destroy", false},
    {"pthread_atfork", SHARED, false},
    {"dlopen", LOADS, false},
    {"dlmopen", LOADS, false},
    {"pthread_create", "starts threads of its own: steps do without, and destroy has to join them", true},
    {"thrd_create", "starts threads of its own: steps do without, and destroy has to join them", true},
    {"sleep", "blocks an event loop where a step calls it", true},
    {"usleep", "blocks an event loop where a step calls it", true},
    {"nanosleep", "blocks an event loop where a step calls it", true},
    {"socket", "opens connections past the hub: its limits, credentials and cancel do not reach them", true},
    {"connect", "opens connections past the hub: its limits, credentials and cancel do not reach them", true},
    {"getaddrinfo", "blocks on name servers where a step calls it; the hub resolves names itself", true},
};

/* What would block an event loop: a session has a thread of its own for it. */
static bool is_for_sessions(const trial *t, const char *name) {
    static const char *const names[] = {"sleep",   "usleep",      "nanosleep", "socket",
                                        "connect", "getaddrinfo", NULL};
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return has_sessions(t);
    return false;
}

void check_imports(trial *t) {
    image m;
    if (!read_image(t, &m))
        return;
    for (size_t i = 0; i < m.symbol_count; i++) {
        if (m.symbols[i].st_shndx != SHN_UNDEF || ELF64_ST_BIND(m.symbols[i].st_info) == STB_LOCAL)
            continue;
        const char *name = image_name(&m, m.symbols[i].st_name);
        for (size_t k = 0; k < sizeof unwanted / sizeof unwanted[0]; k++) {
            if (strcmp(name, unwanted[k].name) != 0 || is_for_sessions(t, name))
                continue;
            if (unwanted[k].warn)
                warning("it calls %s, which %s", name, unwanted[k].why);
            else
                wrong("it calls %s, which %s", name, unwanted[k].why);
        }
    }
}

void check_constructors(trial *t) {
    image m;
    bb_str names[8];
    if (!read_image(t, &m))
        return;
    err e = {""};
    if (!image_relocate(&m, &e)) {
        wrong("%s", e.text);
        return;
    }
    size_t n = constructors_find(&m, t->memory, names, 8);
    for (size_t i = 0; i < n && i < 8; i++)
        warning("\"%.*s\" runs as soon as the file is loaded, before the hub has looked at it: move it into "
                "create",
                STR_FMT(names[i]));
}
