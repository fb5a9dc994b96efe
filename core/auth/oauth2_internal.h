/* oauth2_internal.h - what consent by browser and by device share. */
#ifndef AUTH_OAUTH2_INTERNAL_H
#define AUTH_OAUTH2_INTERNAL_H

#include "auth/oauth2.h"
#include "auth/oauth2_consent.h"

/* An acquisition that begins a consent: work is a begin. */
typedef struct oauth2_begin {
    auth_begun_done done; /* NULL: it was called */
    void *ctx;
} oauth2_begin;

void oauth2_begin_code(acquire *q);   /* after discovery */
void oauth2_begin_device(acquire *q); /* after discovery */
/* Tells whoever asked for it, once. */
void oauth2_begun(acquire *q, const auth_begun *begun);

/* The consent that the session shows from here on. False: no randomness. */
bool oauth2_consent_mark(auth_session *s, char id[17], uint64_t lifetime_ms);
bool oauth2_consent_current(auth_session *s, const char *id);                    /* still waited for */
void oauth2_consent_outcome(auth_session *s, const char *id, const char *error); /* NULL: it was given */

/* The issuer as far as it is known, and whether its answers must name it. */
bb_str oauth2_issuer_of(auth_session *s, const auth_config *c, bool *required);
void oauth2_add_targets(buf *form, const oauth2_settings *s); /* audience, resource */

#endif
