/* bulk.h - Bulk API 2.0: what ingest and query jobs share.
 * https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/bulk_api_2_0.htm */
#ifndef SALESFORCE_BULK_H
#define SALESFORCE_BULK_H

#include "csv.h"
#include "salesforce.h"

#define INGEST DATA "/jobs/ingest"
#define QUERY_JOBS DATA "/jobs/query"

typedef struct bulk_job {
    char id[20];
    const char *kind;  /* "ingest" or "query" */
    int32_t phase;     /* of the operation */
    int32_t cut;       /* rows were left out */
    int64_t delay_ms;  /* until the next look */
    int64_t waited_ms; /* so far */
    int64_t rows;      /* written so far */
    int64_t records;   /* of the job, as far as that is known; 0: it is not */
    bb_json_writer *w; /* the output, once the job has ended */
    char locator[256]; /* of the rows that were asked for last; "": the first, or a longer one */
} bulk_job;

/* Begins a request to "/services/data/vNN.N/jobs/KIND[/ID[/REST]]". */
void bulk_begin(bb_call *call, const char *method, const bulk_job *job, const char *rest);
/* Keeps the id that a job's answer has. 0: it has none, and the call has failed. */
int bulk_take_id(bb_call *call, bulk_job *job);

/* What a look at a job says. */
typedef enum { BULK_RUNS, BULK_DONE, BULK_ENDED } bulk_state;
bulk_state bulk_state_of(bb_call *call, const bb_json *job);
/* Fails the call by a job that has not come to its end as it should. */
bb_step bulk_fail(bb_call *call, const bb_json *job);

/* Tells whoever asks how far the job is, by the answer that has it. */
void bulk_tell(bb_call *call, const bulk_job *job);
/* Asks how far the job is, later; at once the first time. BB_DONE: there is no time left for it. */
bb_step bulk_look(bb_call *call, bulk_job *job);
/* What is left to do where time runs out: nothing, or to have the job aborted. BB_DONE: `w` is begun, with
 * "job" and "complete". */
bb_step bulk_give_up(bb_call *call, bulk_job *job, int32_t phase_of_abort);

bb_step bulk_aborted(bb_call *call, const bulk_job *job);
/* Where the call is given up while the job runs: has it aborted, where the caller wants that. */
bb_step bulk_abandon(bb_call *call, const bulk_job *job, bb_code why);
/* The same of each kind: bulk_ingest.c, bulk_query.c. */
bb_step sf_abandon_ingest(bb_call *call, bb_code why);
bb_step sf_abandon_query(bb_call *call, bb_code why);

/* {"job": ..., "complete": ...: the rest is the caller's. */
void bulk_open_output(bb_call *call, bulk_job *job, int complete);
/* Ends it. */
bb_step bulk_close_output(bb_call *call, bulk_job *job);
/* The answer's rows into the array that the output is within. 0: the call has failed. */
int bulk_rows(bb_call *call, bulk_job *job, int64_t most);
/* The Sforce-Locator of an answer; absent: these were the last rows. */
bb_str bulk_locator(bb_call *call);
/* Whether it leads on from the rows that came. If not, the call has failed. */
int bulk_leads_on(bb_call *call, bulk_job *job, bb_str locator);

/* Schemas: see bulk_jobs.c */
/* clang-format off */
#define POLLING \
    BOOLEAN("wait", "until the job has ended; default true") "," \
    COUNT("wait_max", "1", "86400", "seconds to wait at most; default 3600, and never beyond the call's deadline") "," \
    COUNT("poll_ms", "50", "20000", "first wait between two looks; default 1000, growing to ten times that") "," \
    BOOLEAN("abort_on_timeout", "abort the job where time runs out; default false: it goes on, and its id is told") "," \
    BOOLEAN("abort_on_cancel", "abort the job where the caller goes away, who then never learns its id; default true")
/* clang-format on */
#define JOB_ID ID("job", "id of the job: 750...")
#define OUTCOME(more)           \
    OUT("\"job\",\"complete\"", \
        "\"job\":" REF("job") "," OUT_TRUTH("complete") "," OUT_TRUTH("truncated") "," more)

#endif
