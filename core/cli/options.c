/* options.c - the command line. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SERVE = 1,
    CALL = 2,
    CLIENT = 4,
    RELOAD = 8,
    SECRET = 16,
    AUTH = 32,
    KEYS = 64,
    AUDIT = 128,
    EXECUTIONS = 256,
    PURGE = 512,
    LIMITS = 1024,
    NEW_PLUGIN = 2048,
    CHECK = 4096,
    PLUGIN = 8192,
    TRANSFER = 16384,
    EVENTS = 65536,
    LISTEN = 131072
};

typedef struct option {
    const char *name;
    unsigned commands;
    enum {
        TEXT,
        COUNT,
        LOOPS,
        KEY,
        FORM,
        FLAG,
        FORM_JSON,
        FORM_TEXT
    } kind; /* from FLAG on: without a value */
    size_t offset;
} option;

#define AT(field) offsetof(options, field)

static const option known[] = {
    {"--conf", SERVE | CLIENT, TEXT, AT(conf)},
    {"--state", SERVE | CLIENT, TEXT, AT(state)},
    {"--plugins", SERVE | CLIENT, TEXT, AT(plugins)},
    {"--listen", SERVE, TEXT, AT(listen)},
    {"--loops", SERVE, LOOPS, AT(loops)},
    {"--log-level", SERVE, TEXT, AT(log_level)},
    {"--url", CLIENT, TEXT, AT(url)},
    {"--key", CLIENT, KEY, AT(key)},
    {"--key-file", CLIENT, TEXT, AT(key_file)},
    {"--cacert", CLIENT, TEXT, AT(cacert)},
    {"--offline", CLIENT, FLAG, AT(offline)},
    {"--output", CLIENT | CHECK, FORM, AT(output)},
    {"--text", CLIENT | CHECK, FORM_TEXT, AT(output)},
    {"--json", CLIENT | CHECK, FORM_JSON, AT(output)}, /* of `call`: TEXT or @FILE, below */
    {"--cursor", CALL, TEXT, AT(cursor)},
    {"--timeout", CALL | AUTH, TEXT, AT(timeout)},
    {"--max-items", CALL, COUNT, AT(max_items)},
    {"--all", CALL | AUDIT | PURGE, FLAG, AT(all)},
    {"--full", CALL | EVENTS, FLAG, AT(full)},
    {"--pretty", CALL, FORM_TEXT, AT(output)},
    {"--compact", CALL, FLAG, AT(compact)},
    {"--dry-run", RELOAD, FLAG, AT(dry_run)},
    {"--wait", RELOAD, FLAG, AT(wait)},
    {"--new-master-key-file", SECRET, TEXT, AT(new_master_key_file)},
    {"--upload", CALL, TEXT, AT(upload)},
    {"--download", CALL, TEXT, AT(download)},
    {"--from-file", CALL, TEXT, AT(from_file)},
    {"--to-file", CALL, TEXT, AT(to_file)},
    {"--from", TRANSFER, TEXT, AT(from)},
    {"--to", TRANSFER, TEXT, AT(to)},
    {"--no-wait", AUTH | TRANSFER, FLAG, AT(no_wait)},
    {"--status", AUTH, FLAG, AT(status)},
    {"--revoke", AUTH, FLAG, AT(revoke)},
    {"--role", KEYS, TEXT, AT(role)},
    {"--connections", KEYS, TEXT, AT(connections)},
    {"--operations", KEYS, TEXT, AT(operations)},
    {"--rate", KEYS, TEXT, AT(rate)},
    {"--burst", KEYS, COUNT, AT(burst)},
    {"--quota-day", KEYS, COUNT, AT(quota_day)},
    {"--quota-month", KEYS, COUNT, AT(quota_month)},
    {"--expires", KEYS, TEXT, AT(expires)},
    {"--since", AUDIT | EXECUTIONS | EVENTS | LISTEN, TEXT, AT(since)},
    {"--until", AUDIT | EXECUTIONS | EVENTS, TEXT, AT(until)},
    {"--limit", AUDIT | EXECUTIONS | EVENTS | LISTEN, COUNT, AT(limit)},
    {"--actor", AUDIT, TEXT, AT(actor)},
    {"--action", AUDIT, TEXT, AT(action)},
    {"--target", AUDIT | EVENTS, TEXT, AT(target)},
    {"--outcome", AUDIT, TEXT, AT(outcome)},
    {"--jsonl", AUDIT, FLAG, AT(jsonl)},
    {"--connection", EXECUTIONS, TEXT, AT(connection)},
    {"--operation", EXECUTIONS, TEXT, AT(operation)},
    {"--before", EXECUTIONS | EVENTS, TEXT, AT(before)},
    {"--failed", EXECUTIONS, FLAG, AT(failed)},
    {"--running", EXECUTIONS, FLAG, AT(running)},
    {"--type", EVENTS | LISTEN, TEXT, AT(type)},
    {"--source", EVENTS | LISTEN, TEXT, AT(source)},
    {"--id", EVENTS, TEXT, AT(id)},
    {"--subject", EVENTS, TEXT, AT(subject)},
    {"--data", EVENTS, TEXT, AT(data)},
    {"--batch", EVENTS, TEXT, AT(batch)},
    {"--reset-breaker", LIMITS, FLAG, AT(reset_breaker)},
    {"--kind", NEW_PLUGIN, TEXT, AT(kind)},
    {"--keys", PLUGIN, TEXT, AT(keys)},
    {"--passphrase-file", PLUGIN, TEXT, AT(passphrase_file)},
    {"--passphrase-env", PLUGIN, TEXT, AT(passphrase_env)},
    {"--junit", CHECK, FLAG, AT(junit)},
    {"--only", CHECK, TEXT, AT(only)},
    {"--seed", CHECK, COUNT, AT(seed)},
    {"--settings", CHECK, TEXT, AT(settings)},
};
#define KNOWN (sizeof known / sizeof known[0])

static unsigned commands_of(const char *command) {
    static const struct {
        const char *name;
        unsigned commands;
    } own[] = {{"serve", SERVE},
               {"call", CLIENT | CALL},
               {"reload", CLIENT | RELOAD},
               {"secret", CLIENT | SECRET},
               {"auth", CLIENT | AUTH},
               {"key", CLIENT | KEYS},
               {"audit", CLIENT | AUDIT},
               {"executions", CLIENT | EXECUTIONS},
               {"events", CLIENT | EVENTS},
               {"listen", CLIENT | LISTEN},
               {"purge", CLIENT | PURGE},
               {"limits", CLIENT | LIMITS},
               {"transfer", CLIENT | TRANSFER},
               {"new-plugin", NEW_PLUGIN},
               {"plugin", CLIENT | PLUGIN},
               {"check", CHECK}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(command, own[i].name) == 0)
            return own[i].commands;
    return CLIENT;
}

static bool unknown_option(const char *command, const char *word) {
    const char *names[KNOWN + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i].commands & commands_of(command))
            names[n++] = known[i].name;
    const char *near = str_nearest(str_from(word), names);
    complain("%s: unknown option %s%s%s%s; `busbar %s --help` lists them", command, word,
             near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "",
             command);
    return false;
}

static bool set_form(options *o, const char *command, const char *value) {
    bool text = strcmp(value, "text") == 0 || strcmp(value, "table") == 0;
    if (!text && strcmp(value, "json") != 0) {
        complain("%s: --output %s: text, table or json is expected", command, value);
        return false;
    }
    o->output = text ? OUTPUT_TEXT : OUTPUT_JSON;
    return true;
}

static bool set_value(options *o, const option *option_, const char *command, char *value) {
    void *field = (char *)o + option_->offset;
    uint64_t n;
    switch (option_->kind) {
    case TEXT: *(const char **)field = value; return true;
    case KEY: /* process lists show command lines: the key is copied away and wiped there */
        options_free(o);
        o->key = strdup(value);
        explicit_bzero(value, strlen(value));
        return true;
    case FORM: return set_form(o, command, value);
    case COUNT:
        if (str_to_u64(str_from(value), (uint64_t *)field) && *(uint64_t *)field > 0)
            return true;
        break;
    case LOOPS:
        if (str_to_u64(str_from(value), &n) && n >= 1 && n <= 64) {
            *(unsigned *)field = (unsigned)n;
            return true;
        }
        break;
    default: break;
    }
    complain("%s: %s %s: a number from 1%s is expected", command, option_->name, value,
             option_->kind == LOOPS ? " to 64" : "");
    return false;
}

static bool set_flag(options *o, const option *option_) {
    if (option_->kind == FORM_JSON || option_->kind == FORM_TEXT)
        o->output = option_->kind == FORM_JSON ? OUTPUT_JSON : OUTPUT_TEXT;
    else
        *(bool *)((char *)o + option_->offset) = true;
    return true;
}

static const option *find(const char *command, bb_str name) {
    for (size_t i = 0; i < KNOWN; i++)
        if ((known[i].commands & commands_of(command)) && str_eq(name, str_from(known[i].name)))
            return &known[i];
    return NULL;
}

/* `plugin sign --key FILE`: a file's name, where other commands take the hub's key itself. */
static bool signs(const char *command, int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(command, "plugin") == 0; i++)
        if (strcmp(argv[i], "sign") == 0)
            return true;
    return false;
}

/* --name value, --name=value, --flag. *at is moved past the value. */
static bool read_option(options *o, const char *command, int argc, char **argv, int *at) {
    char *word = argv[*at], *equals = strchr(word, '=');
    bb_str name = equals != NULL ? str_of(word, (size_t)(equals - word)) : str_from(word);
    static const option input = {"--json", CALL, TEXT, AT(json)},
                        signing = {"--key", PLUGIN, TEXT, AT(key_given)};
    const option *option_ = find(command, name);
    if (strcmp(command, "call") == 0 && str_eq(name, STR("--json")))
        option_ = &input;
    if (signs(command, argc, argv) && str_eq(name, STR("--key")))
        option_ = &signing;
    if (option_ == NULL)
        return unknown_option(command, word);
    if (option_->kind >= FLAG)
        return equals == NULL ? set_flag(o, option_)
                              : (complain("%s: %s takes no value", command, option_->name), false);
    if (equals == NULL && *at + 1 >= argc) {
        complain("%s: %s needs a value", command, option_->name);
        return false;
    }
    return set_value(o, option_, command, equals != NULL ? equals + 1 : argv[++*at]);
}

bool options_read(options *o, const char *command, int argc, char **argv) {
    bool only_words = false;
    o->command = command;
    for (int i = 0; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && strcmp(argv[i], "-") == 0) {
            o->from_stdin = true;
        } else if (!only_words && strncmp(argv[i], "--", 2) == 0) {
            if (!read_option(o, command, argc, argv, &i))
                return false;
        } else if (!only_words && argv[i][0] == '-') {
            return unknown_option(command, argv[i]);
        } else if (o->word_count == sizeof o->words / sizeof o->words[0]) {
            complain("%s: too many arguments; put the input into a file and give --json @FILE", command);
            return false;
        } else {
            o->words[o->word_count++] = argv[i];
        }
    }
    return true;
}

void options_free(options *o) {
    if (o->key != NULL)
        explicit_bzero(o->key, strlen(o->key));
    free(o->key);
    o->key = NULL;
}
