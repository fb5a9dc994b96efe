/* help.c - --help of the program and of each command. */
#include "cli/cli.h"

#include <stdio.h>

#define CLIENT_OPTIONS                                                                                     \
    "\nWhere the hub is:\n"                                                                                \
    "  --url URL         default $BUSBAR_URL, else http://127.0.0.1:8420\n"                                \
    "  --cacert FILE     of an https URL: its signers in PEM; default $BUSBAR_CACERT, else the system's\n" \
    "  --key-file FILE   the key; default $BUSBAR_KEY, else STATE/admin.key\n"                             \
    "  --key KEY         the same in the clear: other users may see it for a moment; prefer the others\n"  \
    "  --state DIR       the hub's state folder (default var)\n"                                           \
    "  --offline         no hub: read --conf DIR and --plugins DIR and do it in this process\n"            \
    "\nOutput is for people at a terminal and JSON in a pipe:\n"                                           \
    "  --output FORM     text (or table) or json, wherever it goes\n"                                      \
    "  --text, --json    the same in short (not `call --json`, which is its input)\n"                      \
    "\nExit codes: 0 done; 1 failed; 2 usage; 3 no hub answers; 4 key missing or refused; 5 input "        \
    "rejected;\n"                                                                                          \
    "6 no such connection, operation or connector; 7 out of time.\n"

static const struct {
    const char *command, *text;
} pages[] = {
    {"serve", "Usage: busbar serve [--conf DIR] [--state DIR] [--plugins DIR] [--listen ADDR:PORT] [--loops "
              "N] [--log-level LEVEL]\n\n"
              "Runs the hub until SIGINT or SIGTERM; SIGHUP reloads its configuration.\n\n"
              "  --conf DIR         connections, one a file (default conf.d); busbar.conf is read beside it\n"
              "  --state DIR        keys and state (default var)\n"
              "  --plugins DIR      connectors (default $BUSBAR_PLUGINS, else the built or installed ones)\n"
              "  --listen ADDR:PORT default 127.0.0.1:8420; port 0 picks one and prints it\n"
              "  --loops N          event loops, 1 to 64 (default one a core)\n"
              "  --log-level LEVEL  debug, info, warn, error or off (default info)\n\n"
              "Exit codes: 0 stopped when asked to; 1 could not start; 2 usage.\n"},
    {"call",
     "Usage: busbar call CONNECTION OPERATION [key=value | key:=json | key=@file | key:=@file | "
     "a[b]=value | list[]=value]...\n"
     "       busbar call CONNECTION OPERATION --json TEXT|@FILE\n"
     "       busbar call CONNECTION OPERATION -           (the input comes from standard input)\n\n"
     "Calls an operation and prints its output. A backslash before one of = : [ ] @ takes its meaning "
     "away.\n\n"
     "  --cursor CURSOR   the page after this one\n"
     "  --all             all pages\n"
     "  --max-items N     all pages, but at most N items\n"
     "  --timeout TIME    for the whole call, as 500ms, 5s or 2m\n"
     "  --upload FILE     send a file of yours with the call; - is standard input\n"
     "  --download FILE   put the file that the call gives there; - is standard output\n"
     "  --from-file PATH  send a file of the hub's, below one of its [files] folders\n"
     "  --to-file PATH    have the hub put the file there\n"
     "  --full            print the whole answer, with execution and page\n"
     "  --pretty          indent the output, in a pipe too\n"
     "  --compact         in one line, at a terminal too\n"
     "  --output json     print a failure's problem (RFC 9457) to standard output too\n" CLIENT_OPTIONS},
    {"transfer", "Usage: busbar transfer FROM TO [--from JSON|@FILE] [--to JSON|@FILE] [--no-wait]\n"
                 "       busbar transfer ls | show ID | cancel ID\n\n"
                 "Puts the file that FROM gives into what TO takes. Each is CONNECTION/OPERATION, or a path "
                 "of the hub's. The\n"
                 "hub goes on with it when you stop waiting, and after its own end.\n\n"
                 "  --from JSON       the input of FROM\n"
                 "  --to JSON         the input of TO\n"
                 "  --no-wait         print the transfer, and do not wait for its end\n" CLIENT_OPTIONS},
    {"ls", "Usage: busbar ls [connections]\n       busbar ls plugins\n       busbar ls operations "
           "CONNECTION|PLUGIN\n\n"
           "Lists what is plugged in.\n" CLIENT_OPTIONS},
    {"inspect",
     "Usage: busbar inspect PLUGIN | OPERATION | PLUGIN/OPERATION | CONNECTION/OPERATION | CONNECTION\n"
     "       busbar inspect FILE.so [OPERATION]\n\n"
     "Shows a connector's settings, auth schemes and operations, or an operation's input and "
     "output; or a connection's\n"
     "settings and what it holds now. Of a file it is read without a hub, and without running any "
     "of it.\n"
     "  --json            the whole description, with its schemas\n" CLIENT_OPTIONS},
    {"test", "Usage: busbar test CONNECTION\n\n"
             "Tries a connection: configuration, reachability, credentials, answer. Exit code 0 only where "
             "all is well.\n" CLIENT_OPTIONS},
    {"auth", "Usage: busbar auth CONNECTION [--no-wait | --status | --revoke]\n\n"
             "Gives a connection its tokens. Where its grant needs consent (authorization_code, "
             "device_code), prints\n"
             "what to open in a browser and waits for the outcome; else has a new token got at once.\n\n"
             "  --no-wait         only print what to open\n"
             "  --timeout TIME    wait at most so long (default: as long as the page is good)\n"
             "  --status          how the connection's tokens fare; never a token itself\n"
             "  --revoke          have the service revoke the tokens, and forget them\n" CLIENT_OPTIONS},
    {"reload", "Usage: busbar reload [--dry-run] [--wait]\n\n"
               "Has the hub read its configuration and connectors again, and prints what changed. Exit code "
               "1 where anything was\n"
               "refused.\n\n"
               "  --dry-run         only print what a reload would do\n"
               "  --wait            wait until calls on what was replaced have ended\n" CLIENT_OPTIONS},
    {"secret", "Usage: busbar secret set NAME [- | @FILE]\n"
               "       busbar secret get NAME\n"
               "       busbar secret ls\n"
               "       busbar secret rm NAME\n"
               "       busbar secret rotate [--new-master-key-file FILE]\n\n"
               "Secrets that the hub keeps encrypted; a conf file names one as ${secret:NAME}. `set` reads "
               "the value from "
               "a prompt,\n"
               "from standard input (-, or a pipe) or from a file, never from the command line; a line break "
               "at its end is "
               "cut off.\n"
               "A connection takes up a changed secret with `busbar reload`. `rotate` encrypts all anew "
               "under a new data "
               "key.\n\n"
               "  --new-master-key-file FILE  wrap the data keys by the master key in FILE, a path on the "
               "hub's machine, "
               "0600\n" CLIENT_OPTIONS},
    {"key",
     "Usage: busbar key create NAME --role ROLE [OPTIONS]\n"
     "       busbar key ls\n"
     "       busbar key show ID | self\n"
     "       busbar key rm ID\n\n"
     "Keys for those who call the hub. `create` prints the key once: the hub keeps only its hash. In a pipe "
     "it\n"
     "stands alone on standard output. `rm` revokes a key: it is refused from then on, and stays listed.\n\n"
     "  --role ROLE            viewer, caller, operator or admin; each may do what those before it may\n"
     "  --connections A,B*     only these connections; * stands for any run of characters\n"
     "  --operations a.*,b     calls only these operations\n"
     "  --rate 100/s           calls a second (s), minute (m), hour (h) or day (d)\n"
     "  --burst N              as many at once (default: what the rate gives in a second, at least 1)\n"
     "  --quota-day N          calls a day (UTC)\n"
     "  --quota-month N        calls a month (UTC)\n"
     "  --expires 30d          refused after so long, or from a time as 2027-01-31T12:00:00Z "
     "on\n" CLIENT_OPTIONS},
    {"audit", "Usage: busbar audit [--since TIME] [--until TIME] [--actor ID] [--action A] [--target T] "
              "[--outcome O]\n"
              "                    [--limit N | --all] [--jsonl]\n\n"
              "The audit log: who changed what, when and from where, and who was denied what. The newest "
              "entries come\n"
              "first, with --all the oldest.\n\n"
              "  --since, --until TIME  as 24h (so long ago), 2026-01-31 or 2026-01-31T12:00:00Z\n"
              "  --actor ID             a key's id, `signal` or `system`\n"
              "  --action A             as key.create; key.* for all that begin so\n"
              "  --target T             a connection, a key's id, a path; with * at its end likewise\n"
              "  --outcome O            done, denied or failed\n"
              "  --limit N              at most N entries (default 100, at most 10000)\n"
              "  --all                  every entry that fits, page after page, the oldest first\n"
              "  --jsonl                one JSON object a line, at a terminal too\n" CLIENT_OPTIONS},
    {"executions",
     "Usage: busbar executions [--connection C] [--operation O] [--failed] [--since TIME] [--until TIME]\n"
     "                         [--limit N] [--before ID]\n"
     "       busbar executions --running [--connection C] [--operation O] [--limit N]\n"
     "       busbar executions ID\n\n"
     "The calls of late, the newest first, or one call whole.\n\n"
     "  --running              those that have not ended, and how far they are\n"
     "  --connection C         of this connection\n"
     "  --operation O          of this operation\n"
     "  --failed               only failures\n"
     "  --since, --until TIME  as 24h (so long ago), 2026-01-31 or 2026-01-31T12:00:00Z\n"
     "  --limit N              at most N (default 50, at most 1000)\n"
     "  --before ID            older than this execution: the next page\n" CLIENT_OPTIONS},
    {"events",
     "Usage: busbar events ls [--type T] [--source S] [--since TIME] [--until TIME] [--limit N] [--before "
     "N]\n"
     "       busbar events show ID\n"
     "       busbar events send TYPE [key=value ... | --data TEXT|@FILE | -] [--id ID] [--subject S]\n"
     "       busbar events send --batch @FILE\n"
     "       busbar events tail [--type T] [--source S] [--since TIME] [--limit N] [--full]\n"
     "       busbar events replay ID --target TARGET\n"
     "       busbar events replay --since TIME [--until TIME] [--type T] [--source S] --target TARGET\n\n"
     "Events: what services posted and callers sent, and what became of it.\n\n"
     "  ls                     what is kept, the newest first\n"
     "  show                   one event with its payload, its deliveries and their attempts\n"
     "  send                   sends one; --batch takes a JSON array of {\"type\", \"data\", \"id\", ...}\n"
     "  tail                   prints events as they come in, until it is stopped\n"
     "  replay                 delivers events to a target once more\n\n"
     "  --type T               of this type; invoice.* for all that begin so\n"
     "  --source S             \"api\", \"endpoint/NAME\"; with * likewise\n"
     "  --since, --until TIME  as 24h (so long ago), 2026-01-31 or 2026-01-31T12:00:00Z\n"
     "  --limit N              at most N (default 100, at most 1000); of tail: then it ends\n"
     "  --before N             the next page, as the one before says\n"
     "  --full                 with the payload\n"
     "  --id ID                your own id: a second event of it is a repeat\n"
     "  --subject S            what it is about\n"
     "  --target TARGET        subscription/NAME, or endpoint/NAME/ROUTE\n" CLIENT_OPTIONS},
    {"limits", "Usage: busbar limits [CONNECTION] [--reset-breaker]\n\n"
               "What is left of each connection's rate, places and quota, the state of its circuit breaker, "
               "and what the\n"
               "service itself last said of its limits.\n\n"
               "  --reset-breaker        close the circuit breaker of CONNECTION\n" CLIENT_OPTIONS},
    {"purge", "Usage: busbar purge CONNECTION [OPERATION-PATTERN]\n"
              "       busbar purge --all\n\n"
              "Drops answers from the cache: a connection's, those of the operations that fit a pattern as "
              "customers.*, "
              "or all.\n" CLIENT_OPTIONS},
    {"plugin",
     "Usage: busbar plugin ls\n"
     "       busbar plugin quarantine\n"
     "       busbar plugin allow HASH\n"
     "       busbar plugin keygen NAME [--passphrase-file FILE | --passphrase-env VARIABLE]\n"
     "       busbar plugin sign --key FILE [--passphrase-file FILE | --passphrase-env VARIABLE] PLUGIN.so\n"
     "       busbar plugin verify [--keys DIR] PLUGIN.so\n\n"
     "Which builds of connectors run, who vouches for them, and which are in quarantine since they crashed "
     "or\n"
     "hung. `allow` takes a build out of it, by 8 or more digits of its hash: the hub that runs is asked, "
     "and\n"
     "where none runs the state folder is changed. `keygen` makes NAME.key and NAME.pem, the private and "
     "the\n"
     "public half of an Ed25519 key; `sign` writes PLUGIN.so.sig beside the connector; `verify` says who "
     "signed "
     "it.\n"
     "These three need no hub, and nothing of the connector runs.\n\n"
     "  --key FILE                 of sign: the private key\n"
     "  --passphrase-file FILE     its passphrase is the file's first line\n"
     "  --passphrase-env VARIABLE  its passphrase is in the environment\n"
     "  --keys DIR                 of verify: public keys, NAME.pem; default: as busbar.conf beside --conf "
     "DIR "
     "says\n\n"
     "Exit codes of verify: 0 signed by a key of DIR; 1 the file, the connector's name or the signature is "
     "another\n"
     "than what was signed; 2 usage, or a file cannot be read; 3 not signed; 4 signed by an unknown "
     "key.\n" CLIENT_OPTIONS},
    {"listen",
     "Usage: busbar listen URL [--source S] [--type T] [--since TIME] [--limit N]\n\n"
     "Posts what endpoints take to URL, a server on your machine, while you write it. The hub keeps the "
     "events "
     "and\n"
     "delivers them all the same: this is one more that gets them, until it is stopped.\n\n"
     "  --source S    endpoint/NAME, or \"api\" for events that callers send (default: of all endpoints)\n"
     "  --type T      of this type; invoice.* for all that begin so\n"
     "  --since TIME  as 24h (so long ago): what came since, too\n"
     "  --limit N     at most N, then it ends\n" CLIENT_OPTIONS},
    {"webhooks",
     "Usage: busbar webhooks [ls]\n"
     "       busbar webhooks schemes\n"
     "       busbar webhooks show ID\n"
     "       busbar webhooks add ID scheme=SCHEME [secret=SECRET] [key=value]...\n"
     "       busbar webhooks test ID [type=TYPE] [payload:=JSON]\n"
     "       busbar webhooks pause ID | resume ID | rm ID\n\n"
     "Endpoints, where services post webhooks: URL/hooks/ID. `schemes` lists how they can be verified. "
     "`test` has the hub\n"
     "make a sample, sign it where it can, verify it and store it; exit code 0 only where it was stored. "
     "`pause` has\n"
     "senders try again later.\n\n"
     "       busbar webhooks targets\n"
     "       busbar webhooks subscribe ID url=URL [types[]=PATTERN]... [key=value]...\n"
     "       busbar webhooks subscription ID | change ID key=value... | unsubscribe ID\n"
     "       busbar webhooks try ID | enable ID | rotate ID | recover ID SINCE\n"
     "       busbar webhooks hold TARGET | release TARGET | disable TARGET\n"
     "       busbar webhooks deliveries [target=TARGET] [state=STATE] [key=value]...\n"
     "       busbar webhooks redrive key=value... | purge key=value...\n\n"
     "Subscriptions and routes (targets: subscription/ID, endpoint/ID/ROUTE), who get events. `try` posts a "
     "test event;\n"
     "`enable` does so, and enables where it is taken: exit code 0 only then. `rotate` gives a new secret; "
     "the "
     "one before\n"
     "signs too until the next. `recover` delivers again what was given up or cancelled since a time. `hold` "
     "delivers "
     "nothing and gives\n"
     "nothing up. `redrive` and `purge` take which deliveries: target, event, type, source, state, since, "
     "until.\n" CLIENT_OPTIONS},
    {"new-plugin",
     "Usage: busbar new-plugin NAME [--kind http|session] [DIR]\n\n"
     "Writes a connector to begin with into DIR (default NAME): NAME.c, a test of its steps on the SDK's "
     "mock\n"
     "host, a Makefile, a CMakeLists.txt, a README and a connection's conf file. Overwrites nothing.\n\n"
     "  --kind http       its operations are HTTP requests (the default)\n"
     "  --kind session    they run on sessions that it opens itself, as a client library's connections\n\n"
     "Exit codes: 0 written; 1 a file is there already, or cannot be written; 2 usage.\n"},
    {"check",
     "Usage: busbar check PLUGIN.so [--json | --junit] [--only NAME] [--seed N] [--settings JSON|@FILE]\n\n"
     "Tries a connector as its author should: what the file says, what it declares, and how it fares with "
     "odd\n"
     "settings, bad answers and a host that fails. No service is needed. Each check runs in a process of its "
     "own.\n\n"
     "  --json            the report as JSON\n"
     "  --junit           the report as JUnit's XML\n"
     "  --only NAME       only this check, or several with commas between: file, exports, linking, "
     "libraries,\n"
     "                    imports, constructors, load, descriptor, schemas, lifecycle, settings, threads, "
     "steps,\n"
     "                    deadline, determinism, webhooks, sessions, contents,\n"
     "                    abandons, faults, leaks\n"
     "  --seed N          of all that is generated: the one of an earlier run gives the same again\n"
     "  --settings JSON   settings to try it with, a JSON object or @FILE; default: by its settings schema\n"
     "\nExit codes: 0 all checks pass (warnings are no failure); 1 a check fails; 2 usage.\n"},
};

static const char program[] =
    "Usage: busbar COMMAND [OPTIONS]\n\n"
    "An integration hub: connectors loaded at run time, every call through one API.\n\n"
    "  serve       run the hub\n"
    "  call        call an operation of a connection\n"
    "  transfer    put a file of one connection into another\n"
    "  ls          list connectors, connections, operations\n"
    "  inspect     what a connector or operation wants and gives\n"
    "  test        try a connection\n"
    "  auth        give a connection its tokens\n"
    "  reload      read configuration and connectors again\n"
    "  secret      set, list and rotate what is kept encrypted\n"
    "  key         create, list and revoke the keys of those who call the hub\n"
    "  audit       who changed what, and who was denied what\n"
    "  executions  the calls of late\n"
    "  events      what came in and was sent: list, send, follow, replay\n"
    "  limits      rates, quotas and circuit breakers as they stand\n"
    "  purge       drop answers from the cache\n"
    "  plugin      who vouches for connectors' builds, and which are in quarantine\n"
    "  listen      post what endpoints take to a server of yours\n"
    "  webhooks    where services post webhooks, and who gets events\n"
    "  new-plugin  begin a connector of your own\n"
    "  check       try a connector before anyone loads it\n"
    "  help        this, or a command's help\n\n"
    "`busbar COMMAND --help` says more. `busbar --version` prints the version.\n";

bool help_print(const char *command) {
    if (command == NULL) {
        fputs(program, stdout);
        return true;
    }
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (strcmp(command, pages[i].command) == 0) {
            fputs(pages[i].text, stdout);
            return true;
        }
    }
    return false;
}
