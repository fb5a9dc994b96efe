/* set_internal.h - what the files that make a set share. Of set*.c alone. */
#ifndef WEBHOOK_SET_INTERNAL_H
#define WEBHOOK_SET_INTERNAL_H

#include "webhook/set.h"

/* One file as an entry; the item of `before` stays where it is refused. False: no memory. */
bool set_read_entry(webhook_set *s, webhook_kind kind, const webhook_reading *r, const conf_file *f,
                    const webhook_set *before, webhook_entry *out);
int set_by_id(const void *a, const void *b); /* of entries: their order */
/* Of those who claim the same, one stays in force and the others are refused; entries are sorted. False: no
 * memory. set_claims.c */
bool set_settle_claims(webhook_set *s, webhook_kind kind, const webhook_set *before);
bool set_claims_wait(const webhook_set *s, webhook_kind kind); /* some were refused so */
/* Who has what `item` claims: another one. NULL: nobody. */
const webhook_entry *set_claim_holder(const webhook_set *s, const webhook_item *item);
void set_claim_error(const webhook_item *item, const webhook_entry *holder, err *e);
/* All targets of the entries. False: no memory. */
bool set_gather_targets(webhook_set *s);

#endif
