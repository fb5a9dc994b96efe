/* quarantine.c - builds that have done harm. All of it is the main thread's work: see hub/quarantine_jobs.c.
 */
#include "api/routes.h"

void route_quarantine(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_QUARANTINE_LIST, STR("")));
}

void route_quarantine_allow(api *a, http_exchange *x, const route_params *p) {
    api_job_submit(a, x, api_job_new(a, x, p->who, JOB_QUARANTINE_ALLOW, p->part[0]));
}
