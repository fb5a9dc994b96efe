/* Room secret: the encrypted secret store, and what seals tokens. It includes store, base; auth, api, hub and
 * cli include it. */

/* secret.h - secrets by name, AES-256-GCM, under data keys that are themselves wrapped by the master key.
 *
 * A sealed blob carries a format byte, the id of its data key, nonce, ciphertext and tag; its name is
 * authenticated with it, so that a blob moved to another row does not open. The master key comes from
 * busbar.conf [secrets] master_key_file, $BUSBAR_MASTER_KEY, the systemd credential busbar-master-key, or,
 * where none is named, STATE/master.key (made at the first use, 0600). Keys in memory are wiped when done
 * with. */
#ifndef SECRET_SECRET_H
#define SECRET_SECRET_H

#include "store/store.h"

typedef struct secrets secrets;

typedef struct secrets_options {
    const char *master_key_file; /* NULL: environment, then systemd credential, then STATE/master.key */
    const char *state_dir;
    bool read_only; /* make nothing */
} secrets_options;

/* Loads the data keys. A master key that does not open them is refused with a clear *e. Takes up a rotation
 * that was cut off. NULL: *e. [main] */
secrets *secrets_open(store *s, const secrets_options *options, err *e);
void secrets_close(secrets *v); /* wipes; NULL is fine */

/* A blob that only `name` opens. In `a`. Absent: no memory. [any-thread] */
bb_str secrets_seal(secrets *v, arena *a, bb_str name, bb_str plain);
/* Absent ptr: damaged, moved, or under a key that is not there: *e. The plain text is in `a`: the caller
 * wipes it. [any-thread] */
bb_str secrets_unseal(secrets *v, arena *a, bb_str name, bb_str sealed, err *e);

/* --- secrets by name: [a-z0-9][a-z0-9._-]{0,63}, at most 64 KiB. [main], blocking ------------------ */

#define SECRETS_VALUE_MAX 65536
/* *created (may be NULL): there was none of that name. */
store_result secrets_set(secrets *v, bb_str name, bb_str value, bool *created, err *e);
store_result secrets_get(secrets *v, arena *a, bb_str name, bb_str *value, err *e);
store_result secrets_remove(secrets *v, bb_str name, err *e);
/* {"secrets": [{"name","key","created","updated"}]} without values, into *out (in `a`). */
store_result secrets_list(secrets *v, arena *a, bb_str *out);
bool secrets_name_ok(bb_str name);

/* A new data key; everything (secrets and tokens) is re-encrypted under it while the hub serves, in steps.
 * With `new_master_file` (NULL: keep) the data keys are wrapped anew by the master key in it; where the
 * master key is STATE/master.key, that file is replaced too. A kill at any point leaves all readable, and the
 * next start goes on. A data key that was replaced is kept until the next rotation or start finds nothing
 * under it. */
store_result secrets_rotate_begin(secrets *v, const char *new_master_file, err *e);
/* Runs one step; call again until *left is 0. *done (may be NULL): re-encrypted by it. [main] */
store_result secrets_rotate_step(secrets *v, size_t *left, size_t *done, err *e);
/* The data key in use. False: there is none. */
#define SECRETS_KEY_ID_SIZE 17
bool secrets_key(const secrets *v, char out[SECRETS_KEY_ID_SIZE]);
/* Where the next start looks for the master key, for people. Lives as long as the store is open. */
const char *secrets_master_place(const secrets *v);
/* Whether that is a file of the hub's own, which a rotation replaces: STATE/master.key. */
bool secrets_master_is_own(const secrets *v);

/* --- blobs --------------------------------------------------------------------------------------------- */

/* The data key that a blob names, in hex: for lists. False: it is no blob of this room. */
bool secrets_key_of(bb_str sealed, char out[SECRETS_KEY_ID_SIZE]);

#endif
