/* rate.h - rates and quotas as people write them. */
#ifndef LIMIT_RATE_H
#define LIMIT_RATE_H

#include "limit/gcra.h"
#include "limit/quota.h"

/* "100/s", "600/m", "1000/h", "5000/d", "100": a second. Burst as in gcra_policy_of. False: not of this form.
 */
bool rate_read(bb_str text, uint32_t burst, gcra_policy *out);
/* "1000/day, 20000/month"; 0 for what is not said. False: not of this form, or a period twice; *out is as it
 * was. */
bool quota_read(bb_str text, uint64_t out[QUOTA_PERIODS]);

#endif
