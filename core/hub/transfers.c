/* transfers.c - the transfers' place in the hub. */
#include "hub/internal.h"

bool hub_transfers_open(hub *h, err *e) {
    h->progress = content_progress_new();
    const transfers_options options = {.store = h->store,
                                       .secrets = h->secrets,
                                       .access = h->access,
                                       .folders = &h->settings.folders,
                                       .progress = h->progress};
    h->transfers = h->progress != NULL ? transfers_new(&options) : NULL;
    return h->transfers != NULL || err_set(e, "no memory");
}

bool hub_transfers_load(hub *h, err *e) {
    worker *workers[LOOP_MAX];
    for (unsigned i = 0; i < h->loop_count; i++)
        workers[i] = &h->loops[i].worker;
    return h->store == NULL || transfers_load(h->transfers, workers, h->loop_count, e);
}
