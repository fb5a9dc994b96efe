/* Room cli: the program `busbar`. It includes hub (serve, --offline), check, conf, json and base, and of api,
 * auth and plugin what describes a connector's file (inspect); nothing includes it.
 *
 * cli.h - what the commands share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"

#include <stdio.h>

/* Exit codes: part of the interface, in every page of the manual. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,      /* the call, or what was asked for, failed */
    EXIT_USAGE = 2,       /* the command line */
    EXIT_UNREACHABLE = 3, /* no hub answers */
    EXIT_DENIED = 4,      /* the key is missing or refused */
    EXIT_INVALID_INPUT = 5,
    EXIT_NOT_FOUND = 6, /* no such connection, operation or connector */
    EXIT_TIMEOUT = 7
};

typedef enum { OUTPUT_AUTO, OUTPUT_TEXT, OUTPUT_JSON } output_form;

/* The command line, after its command. Texts point into argv. */
typedef struct options {
    const char *command; /* its name */
    const char *conf, *state, *plugins, *listen, *log_level;
    unsigned loops;
    const char *url, *key_file, *cacert;
    char *key; /* a copy, owned: options_free wipes it */
    bool offline;
    output_form output;
    bool compact; /* JSON in one line, at a terminal too */
    /* call */
    const char *json, *cursor, *timeout;
    uint64_t max_items;
    bool all, full, from_stdin;
    const char *upload, *download, *from_file, *to_file;
    /* transfer */
    const char *from, *to;
    /* reload */
    bool dry_run, wait;
    /* secret rotate */
    const char *new_master_key_file;
    /* auth */
    bool no_wait, status, revoke;
    /* key create */
    const char *role, *connections, *operations, *rate, *expires;
    uint64_t burst, quota_day, quota_month;
    /* audit, executions; `all` too */
    const char *since, *until, *actor, *action, *target, *outcome, *connection, *operation, *before;
    uint64_t limit;
    bool jsonl, failed, running;
    /* events; those of audit, and `full`, too */
    const char *type, *source, *id, *subject, *data, *batch;
    /* limits */
    bool reset_breaker;
    /* new-plugin */
    const char *kind;
    /* plugin */
    const char *keys, *key_given, *passphrase_file, *passphrase_env;
    /* check */
    bool junit;
    const char *only, *settings;
    uint64_t seed;
    const char *words[256]; /* what is no option */
    size_t word_count;
} options;

/* The command whose options are being read decides which are known. False: the error has been printed. */
bool options_read(options *o, const char *command, int argc, char **argv);
void options_free(options *o);

/* What a command talks to: a hub that runs, or one of its own. */
typedef struct session session;
session *session_open(const options *o, int *exit_code); /* NULL: the error has been printed */
/* That no hub answers is not told by `s` from here on. */
void session_quiet(session *s);
void session_close(session *s);

/* An answer of the hub. */
typedef struct reply {
    arena *memory;
    long status;
    bb_str body;
    const json_value *json; /* NULL: the body is none */
} reply;

/* Sends a request below /api/v1. False: printed, *exit_code set. reply_free in any case. */
bool session_send(session *s, const char *method, const char *path, bb_str body, reply *out, int *exit_code);
void reply_free(reply *r);
/* As session_send, with a file as the request's body (NULL: `body` is) and the answer's body, of a 2xx, into
 * another (NULL: it is JSON as ever; "-": standard output). Shows how far it is, at a terminal. */
typedef struct files_sent {
    const char *upload, *download;
    bb_str body;
} files_sent;
bool session_send_files(session *s, const char *path, const files_sent *f, reply *out, int *exit_code);
/* "[#####     ] 45%  460 MB of 1.0 GB" to standard error, over the last one; total 0: unknown. Only at a
 * terminal. */
void progress_show(uint64_t done, uint64_t total);
void progress_end(void);
/* The same of what a connector counts: "[#####     ]  45%  450 of 1000 records, InProgress". UINT64_MAX:
 * unknown; texts may be empty. */
void progress_show_count(uint64_t done, uint64_t total, bb_str unit, bb_str stage);
/* From now on a request that lasts shows what its call says of how far it is. Only at a terminal. */
void session_watch(session *s);
/* For 2xx: EXIT_OK. Else gives the exit code that the problem means, and prints it: to standard error for
 * people, and with --output json as it came to standard output. */
int reply_check(const options *o, const reply *r);

/* One request, and what to do with its answer; wiped where it holds a key. Gives the exit code. */
int session_ask(const options *o, const char *method, const char *path, bb_str body,
                void (*print)(const options *o, const json_value *r));
/* As reply_free, for an answer that holds a secret. */
void reply_wipe(reply *r);

/* Percent-encodes a path segment or query value, in `a`. */
const char *encoded(arena *a, const char *text);

/* Prints JSON: indented at a terminal, in colours unless $NO_COLOR is set; in one line in a pipe. */
void print_json(const options *o, const json_value *v);
/* For pipes: each item in a line of its own. */
void print_lines(const json_value *items);
/* Prints a text of others: control characters, which a terminal would obey, become "?". */
void print_text(FILE *to, bb_str text);
/* Characters, as far as a terminal gives each a column; and the bytes of the first `columns` of them. */
size_t text_columns(bb_str text);
size_t text_cut(bb_str text, size_t columns);
bool wants_text(const options *o); /* for people: at a terminal, or asked for */
/* A line to standard error: "busbar: ..." */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* args.c: `key=value`, `key:=json`, `key=@file`, `key:=@file`, `a[b]=value`, `list[]=value` as a JSON
 * object's text */
bool args_to_json(arena *a, const char *const *words, size_t count, bb_str *out, err *e);
bool read_whole_file(arena *a, const char *path, bb_str *out, err *e); /* "-": standard input */

int command_serve(const options *o);
int command_call(const options *o);
int command_ls(const options *o);
int command_inspect(const options *o);
int command_test(const options *o);
int command_auth(const options *o);
int command_reload(const options *o);
int command_secret(const options *o);
int command_key(const options *o);
int command_audit(const options *o);
int command_executions(const options *o);
int command_events(const options *o);
int command_limits(const options *o);
int command_transfer(const options *o);
int command_purge(const options *o);
int command_plugin(const options *o);
int command_new_plugin(const options *o);
int command_listen(const options *o);
int command_webhooks(const options *o);
int command_check(const options *o);

bool help_print(const char *command); /* NULL: of the program. False: no such command */
extern const char *const command_names[];

#endif
