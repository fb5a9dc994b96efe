#include "cli/cli.h"

#include "hub/hub.h"

#include <stdarg.h>
#include <stdio.h>

const char *const command_names[] = {"serve",    "call",     "ls",     "inspect",    "test",       "auth",
                                     "reload",   "secret",   "key",    "audit",      "executions", "limits",
                                     "purge",    "transfer", "plugin", "new-plugin", "check",      "listen",
                                     "webhooks", "events",   "help",   NULL};

void complain(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("busbar: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static const struct {
    const char *name;
    int (*run)(const options *o);
} commands[] = {{"serve", command_serve},
                {"call", command_call},
                {"ls", command_ls},
                {"inspect", command_inspect},
                {"test", command_test},
                {"auth", command_auth},
                {"reload", command_reload},
                {"secret", command_secret},
                {"key", command_key},
                {"audit", command_audit},
                {"executions", command_executions},
                {"events", command_events},
                {"limits", command_limits},
                {"transfer", command_transfer},
                {"purge", command_purge},
                {"plugin", command_plugin},
                {"new-plugin", command_new_plugin},
                {"listen", command_listen},
                {"webhooks", command_webhooks},
                {"check", command_check}};

static int unknown_command(const char *name) {
    const char *near = str_nearest(str_from(name), command_names);
    if (near != NULL)
        complain("unknown command \"%s\"; did you mean \"%s\"?", name, near);
    else
        complain("unknown command \"%s\"; `busbar --help` lists them", name);
    return EXIT_USAGE;
}

static int run_command(int argc, char **argv) {
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        for (int k = 2; k < argc && strcmp(argv[k], "--") != 0; k++)
            if (strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0)
                return help_print(argv[1]) ? EXIT_OK : EXIT_USAGE;
        options o = {0};
        int code = options_read(&o, argv[1], argc - 2, argv + 2) ? commands[i].run(&o) : EXIT_USAGE;
        options_free(&o);
        return code;
    }
    return unknown_command(argv[1]);
}

static bool is(const char *word, const char *a, const char *b) {
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        help_print(NULL);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "probe") == 0) /* the hub starts these itself */
        return hub_probe_main();
    if (strcmp(argv[1], "plan") == 0)
        return hub_plan_main();
    if (strcmp(argv[1], "worker") == 0)
        return hub_worker_main(argc > 2 ? argv[2] : NULL);
    if (strcmp(argv[1], "transform") == 0)
        return hub_transform_main();
    if (is(argv[1], "--version", "-V")) {
        puts("busbar " BUSBAR_VERSION);
        return EXIT_OK;
    }
    if (is(argv[1], "--help", "-h") || strcmp(argv[1], "help") == 0) {
        const char *command = argc > 2 ? argv[2] : NULL;
        return help_print(command) ? EXIT_OK : unknown_command(command);
    }
    return run_command(argc, argv);
}
