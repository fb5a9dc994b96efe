/* secrets.c - the secret store. All of it is the main thread's work: see hub/secret_jobs.c. */
#include "api/routes.h"

static void submit(api *a, http_exchange *x, const route_params *p, api_job_kind kind, bb_str name) {
    api_job_submit(a, x, api_job_new(a, x, p->who, kind, name));
}

void route_secrets(api *a, http_exchange *x, const route_params *p) {
    submit(a, x, p, JOB_SECRET_LIST, STR(""));
}

void route_secret_get(api *a, http_exchange *x, const route_params *p) {
    submit(a, x, p, JOB_SECRET_GET, p->part[0]);
}

void route_secret_set(api *a, http_exchange *x, const route_params *p) {
    submit(a, x, p, JOB_SECRET_SET, p->part[0]);
}

void route_secret_remove(api *a, http_exchange *x, const route_params *p) {
    submit(a, x, p, JOB_SECRET_REMOVE, p->part[0]);
}

void route_secrets_rotate(api *a, http_exchange *x, const route_params *p) {
    submit(a, x, p, JOB_SECRET_ROTATE, STR(""));
}
