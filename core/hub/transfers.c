/* transfers.c - the transfers' place in the hub. */
#include "hub/internal.h"

bool hub_transfers_open(hub *h, err *e) {
    const transfers_options options = {
        .store = h->store, .secrets = h->secrets, .access = h->access, .folders = &h->settings.folders};
    h->transfers = transfers_new(&options);
    return h->transfers != NULL || err_set(e, "no memory");
}

bool hub_transfers_load(hub *h, err *e) {
    return h->store == NULL || transfers_load(h->transfers, h->workers, h->loop_count, e);
}
