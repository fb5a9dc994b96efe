/* alerts.c - the alerts of busbar.conf, as far as the key may see. */
#include "api/routes.h"

static bool shows(bb_str id, void *who) {
    return access_sees(who, id);
}

void route_alerts(api *a, http_exchange *x, const route_params *p) {
    buf body;
    json_writer w = reply_begin(&body);
    bool all = p->who->connections.count == 0;
    alerts_write(a->shared->alerts, all ? NULL : shows, p->who, &w);
    reply_json(x, 200, &body);
}
