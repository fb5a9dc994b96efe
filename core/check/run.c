/* run.c - each check in a process of its own: what crashes, hangs or exits there is a line in the report. */
#include "check/internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK_LIMIT_MS 60000u          /* a whole check, */
#define OPERATION_LIMIT_MS 2000u       /* and so much more for each operation */
#define MEMORY_LIMIT ((rlim_t)2 << 30) /* bytes of address space: answers are 1 MB, a call 64 MB */
#define OUTPUT_LIMIT ((rlim_t)16 << 20)
#define FILE_LIMIT ((uint64_t)256 << 20) /* as the hub's own */

/* --- the check's process ------------------------------------------------------------------------- */

static void confine(void) {
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPIPE, SIGTERM, SIGINT, SIGHUP};
    setpgid(0, 0); /* what it starts ends with it */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){1024, 1024});
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){OUTPUT_LIMIT, OUTPUT_LIMIT});
    if (!SANITIZED) /* their shadow memory is terabytes of address space */
        setrlimit(RLIMIT_AS, &(struct rlimit){MEMORY_LIMIT, MEMORY_LIMIT});
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        signal(crashes[i], SIG_DFL);
}

static _Noreturn void child_main(const check_def *def, trial *t, int output) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(3);
    close(null);
    if (output > 2)
        close(output);
    confine();
    def->run(t);
    atomic_store(&board->finished, 1);
    _exit(0);
}

/* --- waiting for it ------------------------------------------------------------------------------ */

typedef enum { ENDED, STUCK_CALL, STUCK_CHECK } ending;

static uint64_t check_limit_ms(void) {
    uint64_t operations = atomic_load(&board->operations);
    return (CHECK_LIMIT_MS + (operations < 100000 ? operations : 100000) * OPERATION_LIMIT_MS) * CHECK_SLOWER;
}

static ending watch(pid_t pid) {
    uint64_t began = clock_ns();
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid)
            return ENDED;
        uint64_t now = clock_ns(), since = atomic_load(&board->since_ns);
        if (since != 0 && now > since && now - since > atomic_load(&board->limit_ns))
            return STUCK_CALL;
        if ((now - began) / 1000000u > check_limit_ms())
            return STUCK_CHECK;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static ending wait_for(pid_t pid, int *status) {
    ending how = watch(pid);
    kill(pid, SIGKILL);
    kill(-pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    return how;
}

/* The last line that it wrote, as the C library and sanitizers do on their way out. */
static void last_words(int output, char *out, size_t size) {
    char text[4096];
    off_t end = lseek(output, 0, SEEK_END);
    off_t from = end > (off_t)sizeof text ? end - (off_t)sizeof text : 0;
    ssize_t n = end > 0 ? pread(output, text, sizeof text, from) : 0;
    bb_str rest = str_of(text, n > 0 ? (size_t)n : 0), line, last = {NULL, 0};
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (memmem(line.ptr, line.len, "ERROR: ", 7) != NULL ||
            memmem(line.ptr, line.len, "SUMMARY", 7) != NULL) {
            last = line;
            break;
        }
        if (line.len > 0)
            last = line;
    }
    snprintf(out, size, "%s%.*s%s", last.len > 0 ? " It wrote: \"" : "",
             (int)(last.len < 240 ? last.len : 240), last.ptr != NULL ? last.ptr : "",
             last.len > 0 ? "\"" : "");
    for (char *c = out; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

static const char *signal_means(int number) {
    switch (number) {
    case SIGSEGV: return "it reads or writes memory that is not its own (NULL, past a buffer's end, freed)";
    case SIGBUS: return "it accesses memory that is not there";
    case SIGFPE: return "it divides by zero, or overflows";
    case SIGABRT: return "it aborts, or has damaged the heap; report an error with bb_fail instead";
    case SIGILL: return "it runs an instruction that does not exist, as __builtin_trap does";
    case SIGXCPU: return "it computes without end";
    case SIGKILL: return "it was killed, as the system does to who takes too much memory";
    case SIGXFSZ: return "it writes more to standard output than anyone will read";
    default: return "a connector must not end the process";
    }
}

/* What to do about a function that does not return. */
static const char *remedy_for_stuck(void) {
    if (strcmp(board->doing, "run") == 0)
        return "a session operation comes back when its time is over (time_left_ms), nobody waits any more "
               "(cancelled), or interrupt was called";
    if (atomic_load(&board->limit_ns) > (uint64_t)STEP_LIMIT_MS * CHECK_SLOWER * 1000000u)
        return "the hub waits for it that long and no longer; leave slow work to the steps";
    return "a step must never block or loop without end; what waits for the service is BB_SEND, and long "
           "computations look at host->call->cancelled";
}

static void say_ending(ending how, int status, int output) {
    char words[320], doing[sizeof board->doing + 32];
    bool inside = atomic_load(&board->since_ns) != 0;
    snprintf(doing, sizeof doing, "%s%s", inside ? "in " : "outside of its functions",
             inside ? board->doing : "");
    last_words(output, words, sizeof words);
    if (how == STUCK_CALL)
        wrong("%s did not return within %u ms: %s", board->doing,
              (unsigned)(atomic_load(&board->limit_ns) / 1000000u), remedy_for_stuck());
    else if (how == STUCK_CHECK)
        wrong("the check did not end within %u s: the connector's functions return, but too slowly or too "
              "often",
              (unsigned)(check_limit_ms() / 1000));
    else if (WIFSIGNALED(status))
        wrong("it crashed (SIG%s) %s: %s.%s", sigabbrev_np(WTERMSIG(status)), doing,
              signal_means(WTERMSIG(status)), words);
    else if (atomic_load(&board->finished) == 0)
        wrong("it ended the process (exit code %d) %s: a connector must never call exit; report an error "
              "with bb_fail "
              "or host->reject.%s",
              WEXITSTATUS(status), doing, words);
}

/* --- results ------------------------------------------------------------------------------------- */

static void collect(check_result *r) {
    unsigned count = atomic_load(&board->count);
    r->count = count < CHECK_FINDINGS_MAX ? count : CHECK_FINDINGS_MAX;
    r->dropped = atomic_load(&board->dropped);
    memcpy(r->findings, board->findings, sizeof r->findings);
    memcpy(r->note, board->note, sizeof r->note);
    r->note[sizeof r->note - 1] = '\0';
    r->status = CHECK_PASSED;
    for (size_t i = 0; i < r->count; i++) {
        r->findings[i].where[sizeof r->findings[i].where - 1] = '\0';
        r->findings[i].text[sizeof r->findings[i].text - 1] = '\0';
        if (!r->findings[i].warning)
            r->status = CHECK_FAILED;
        else if (r->status == CHECK_PASSED)
            r->status = CHECK_WARNED;
    }
}

static void run_one(const check_def *def, trial *t, check_result *r) {
    uint64_t began = clock_ns();
    int status = 0, output = memfd_create("busbar-check", MFD_CLOEXEC);
    memset(board, 0, sizeof *board);
    fflush(NULL);
    pid_t pid = output >= 0 ? fork() : -1;
    if (pid == 0)
        child_main(def, t, output);
    if (pid < 0)
        wrong("no process could be started for it: %s", strerror(errno));
    if (pid > 0) {
        ending how = wait_for(pid, &status);
        say_ending(how, status, output);
    }
    if (output >= 0)
        close(output);
    collect(r);
    r->ms = (clock_ns() - began) / 1000000u;
}

static bool is_wanted(const check_options *o, const char *name) {
    bb_str rest = str_from(o->only), word;
    if (o->only == NULL)
        return true;
    while (str_split(&rest, ',', &word))
        if (str_eq(str_trim(word), str_from(name)))
            return true;
    return false;
}

/* What a check needs has been looked at before it, wanted or not. */
static void run_all(trial *t, check_report *r) {
    const check_result *file = NULL, *load = NULL, *descriptor = NULL;
    check_result unwanted[3];
    size_t n = 0;
    for (const check_def *def = check_list; def->name != NULL; def++) {
        bool is_base = def->run == check_file || def->run == check_load || def->run == check_descriptor;
        bool wanted = is_wanted(t->o, def->name);
        if (!wanted && !is_base)
            continue;
        check_result *slot = wanted ? &r->results[r->count++] : &unwanted[n++];
        *slot = (check_result){.name = def->name, .about = def->about, .status = CHECK_SKIPPED};
        const check_result *bad = def->needs >= NEEDS_FILE && file->status >= CHECK_FAILED   ? file
                                  : def->needs == NEEDS_LOAD && load->status >= CHECK_FAILED ? load
                                  : def->needs == NEEDS_LOAD && descriptor->status >= CHECK_FAILED
                                      ? descriptor
                                      : NULL;
        if (bad == NULL)
            run_one(def, t, slot);
        else
            snprintf(slot->note, sizeof slot->note, "not run, since the check \"%s\" fails%s%.100s",
                     bad->name, t->o->only != NULL ? ": " : "",
                     t->o->only != NULL && bad->count > 0 ? bad->findings[0].text : "");
        file = def->run == check_file ? slot : file;
        load = def->run == check_load ? slot : load;
        descriptor = def->run == check_descriptor ? slot : descriptor;
    }
    /* --only must not pass because what it needs failed unseen. */
    for (size_t i = 0; i < r->count; i++)
        if (t->o->only != NULL && r->results[i].status == CHECK_SKIPPED) {
            r->results[i].status = CHECK_FAILED;
            r->results[i].count = 1;
            r->results[i].findings[0] = (check_finding){.warning = false};
            memcpy(r->results[i].findings[0].text, r->results[i].note, sizeof r->results[i].note);
        }
}

/* --- the file ------------------------------------------------------------------------------------ */

static bool read_file(const char *path, arena *a, bb_str *out, err *e) {
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &s) != 0 || !S_ISREG(s.st_mode)) {
        err_set(e, "%s: %s", path, fd < 0 ? strerror(errno) : "it is not a regular file");
        if (fd >= 0)
            close(fd);
        return false;
    }
    uint64_t size = (uint64_t)s.st_size;
    char *bytes = size <= FILE_LIMIT ? arena_alloc(a, size + 1) : NULL;
    size_t have = 0;
    ssize_t n = 1;
    while (bytes != NULL && have < size && n > 0) {
        n = read(fd, bytes + have, size - have);
        have += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    *out = str_of(bytes, have);
    return bytes != NULL ? true : err_set(e, "%s: no memory for it, or over 256 MiB", path);
}

bool check_run(arena *a, const check_options *o, check_report *r, err *e) {
    size_t n = 0;
    while (check_list[n].name != NULL)
        n++;
    char *path = realpath(o->file, NULL);
    trial t = {.o = o, .memory = a, .id = module_id_of(o->file)};
    *r = (check_report){.file = o->file, .id = t.id, .seed = o->seed};
    if (path == NULL)
        return err_set(e, "%s: %s", o->file, strerror(errno));
    check_options absolute = *o;
    absolute.file = arena_strdup(a, str_from(path));
    free(path);
    t.o = &absolute;
    r->results = arena_zalloc(a, n * sizeof *r->results);
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r->results == NULL || absolute.file == NULL || board == MAP_FAILED)
        return err_set(e, "no memory");
    bool ok = read_file(o->file, a, &t.file, e);
    if (ok)
        run_all(&t, r);
    munmap(board, sizeof *board);
    return ok;
}
