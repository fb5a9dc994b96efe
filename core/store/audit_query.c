/* audit_query.c - entries of the audit log as JSON lines, on the reader's thread. */
#include "store/audit.h"

#include "base/clock.h"
#include "store/store_internal.h"
#include "json/json.h"

#include <stdlib.h>

#define LIMIT_MAX 10000u
#define BYTES_MAX (64u << 20) /* of an answer: it ends early beyond, and `last` says where */

typedef struct query {
    loop_job loop;
    audit_filter filter;
    store_audit_done done;
    void *ctx;
    buf lines;
    uint64_t last;
    char texts[];
} query;

/* --- a line ------------------------------------------------------------------------------------------ */

static void write_line(sqlite3_stmt *row, buf *out) {
    static const char *const names[] = {"actor",  "actor_name", "from",  "action",
                                        "target", "outcome",    "detail"};
    char at[CLOCK_RFC3339_SIZE];
    json_writer w;
    json_writer_init(&w, out);
    clock_rfc3339(database_column_u64(row, 1), at);
    json_object(&w);
    json_member_u64(&w, STR("sequence"), database_column_u64(row, 0));
    json_member_string(&w, STR("at"), str_from(at));
    for (int i = 0; i < 7; i++)
        json_member_string(&w, str_from(names[i]), database_column(row, i + 2));
    json_member_u64(&w, STR("count"), database_column_u64(row, 9));
    json_object_end(&w);
    buf_char(out, '\n');
}

/* --- the statement ----------------------------------------------------------------------------------- */

#define COLUMNS \
    "SELECT sequence, at_ms, actor, actor_name, peer, action, target, outcome, detail, count FROM audit "
#define WHERE                                                                                               \
    "AND (?2 = '' OR actor = ?2) AND (?3 = '' OR CASE ?9 WHEN 0 THEN action = ?3 "                          \
    "ELSE substr(action, 1, length(?3)) = ?3 END) AND (?4 = '' OR CASE ?10 WHEN 0 THEN target = ?4 "        \
    "ELSE substr(target, 1, length(?4)) = ?4 END) AND (?5 = '' OR outcome = ?5) AND at_ms >= ?6 AND at_ms " \
    "<= ?7 "

static bool is_prefix(bb_str *pattern) {
    bool star = pattern->len > 0 && pattern->ptr[pattern->len - 1] == '*';
    pattern->len -= star;
    return star;
}

static sqlite3_stmt *prepare(database *d, const audit_filter *f) {
    bb_str action = f->action, target = f->target;
    sqlite3_stmt *stmt = f->newest ? database_prepare(d, COLUMNS "WHERE sequence < ?1 " WHERE
                                                                 "ORDER BY sequence DESC LIMIT ?8")
                                   : database_prepare(d, COLUMNS "WHERE sequence > ?1 " WHERE
                                                                 "ORDER BY sequence LIMIT ?8");
    if (stmt == NULL)
        return NULL;
    bool actions = is_prefix(&action), targets = is_prefix(&target);
    database_u64(stmt, 1, f->newest && f->after == 0 ? INT64_MAX : f->after);
    database_text(stmt, 2, f->actor);
    database_text(stmt, 3, action);
    database_text(stmt, 4, target);
    database_text(stmt, 5, f->outcome);
    database_u64(stmt, 6, f->since_ms);
    database_u64(stmt, 7, f->until_ms > 0 ? f->until_ms : INT64_MAX);
    database_u64(stmt, 8, f->limit < LIMIT_MAX ? f->limit : LIMIT_MAX);
    database_u64(stmt, 9, actions);
    database_u64(stmt, 10, targets);
    return stmt;
}

static store_result run(store *s, database *d, store_job *job) {
    query *q = (query *)job;
    store_result r = STORE_OK;
    (void)s;
    sqlite3_stmt *stmt = prepare(d, &q->filter);
    while (q->lines.len < BYTES_MAX && database_row(stmt, &r)) {
        write_line(stmt, &q->lines);
        q->last = database_column_u64(stmt, 0);
    }
    if (stmt != NULL)
        sqlite3_reset(stmt);
    return r == STORE_OK && q->lines.failed ? STORE_FAILED : r;
}

/* --- asking ------------------------------------------------------------------------------------------ */

static void deliver(loop *l, void *arg) {
    query *q = arg;
    (void)l;
    store_result r = q->loop.job.result;
    q->done(r, r == STORE_OK ? str_of(q->lines.ptr != NULL ? q->lines.ptr : "", q->lines.len) : STR(""),
            r == STORE_OK ? q->last : 0, q->ctx);
    buf_free(&q->lines);
    free(q);
}

bool store_audit_query(store *s, const audit_filter *f, loop *l, store_audit_done done, void *ctx) {
    query *q = malloc(sizeof *q + f->actor.len + f->action.len + f->target.len + f->outcome.len);
    if (q == NULL)
        return false;
    char *at = q->texts;
    q->loop = (loop_job){.job = {.read = run, .finish = loop_job_finish}, .l = l, .deliver = deliver};
    q->filter = *f;
    q->filter.actor = job_text(&at, f->actor);
    q->filter.action = job_text(&at, f->action);
    q->filter.target = job_text(&at, f->target);
    q->filter.outcome = job_text(&at, f->outcome);
    q->done = done;
    q->ctx = ctx;
    q->last = 0;
    buf_init(&q->lines);
    bool ok = s != NULL ? store_submit(s, &q->loop.job) == STORE_OK : loop_post(l, deliver, q);
    if (!ok)
        free(q);
    return ok;
}
