/* master.c - the master key: where it is, how it is written, and its making. */
#include "secret/secret_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX 256
#define HEX_DIGITS (2 * KEY_BYTES)
#define BASE64_CHARS 44 /* of 32 bytes, with its one "=" */
#define FORMS "64 hex digits, base64 of 32 bytes, or 32 bytes; `openssl rand -hex 32` makes one"

/* --- forms ------------------------------------------------------------------------------------------- */

static bool from_hex(bb_str text, uint8_t *out) {
    if (text.len != HEX_DIGITS)
        return false;
    for (size_t i = 0; i < KEY_BYTES; i++) {
        int high = str_hex_digit(text.ptr[2 * i]), low = str_hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool from_base64(bb_str text, uint8_t *out) {
    uint8_t padded[BASE64_CHARS], bytes[KEY_BYTES + 1];
    if (text.len != BASE64_CHARS && text.len != BASE64_CHARS - 1)
        return false;
    memcpy(padded, text.ptr, text.len);
    padded[BASE64_CHARS - 1] = '=';
    bool ok = padded[BASE64_CHARS - 2] != '=' && /* that would be 31 bytes */
              (text.len < BASE64_CHARS || text.ptr[BASE64_CHARS - 1] == '=') &&
              EVP_DecodeBlock(bytes, padded, BASE64_CHARS) == KEY_BYTES + 1;
    if (ok)
        memcpy(out, bytes, KEY_BYTES);
    OPENSSL_cleanse(padded, sizeof padded);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return ok;
}

bool master_from_text(bb_str text, uint8_t out[KEY_BYTES]) {
    bb_str line = text;
    while (line.len > 0 && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (from_hex(line, out) || from_base64(line, out))
        return true;
    if (text.len != KEY_BYTES)
        return false;
    memcpy(out, text.ptr, KEY_BYTES);
    return true;
}

bool master_read_file(const char *path, unsigned forbidden_mode, uint8_t out[KEY_BYTES], err *e) {
    char text[FILE_MAX];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set(e, "%s: the master key cannot be read: %s", path, strerror(errno));
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ssize_t n = regular ? read(fd, text, sizeof text) : -1;
    close(fd);
    bool ok = regular
                  ? (st.st_mode & forbidden_mode) == 0 ||
                        err_set(e, "%s: others can read or write the master key (mode %03o): chmod 600 it",
                                path, (unsigned)st.st_mode & 0777)
                  : err_set(e, "%s: the master key is no regular file", path);
    if (ok && (n <= 0 || !master_from_text(str_of(text, (size_t)n), out)))
        ok = err_set(e, "%s: holds no master key: it is " FORMS, path);
    OPENSSL_cleanse(text, sizeof text);
    return ok;
}

/* --- the state folder's ------------------------------------------------------------------------------ */

bool master_write_state(const char *path, const uint8_t key[KEY_BYTES], err *e) {
    char text[HEX_DIGITS + 2];
    for (size_t i = 0; i < KEY_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", key[i]);
    text[HEX_DIGITS] = '\n';
    bool ok = file_put(path, str_of(text, HEX_DIGITS + 1), 0600) && file_sync_folder(path);
    int why = errno;
    OPENSSL_cleanse(text, sizeof text);
    return ok || err_set(e, "%s: the master key cannot be written: %s", path, strerror(why));
}

char *master_new_path(const secrets *v) {
    char *path = NULL;
    return asprintf(&path, "%s.new", v->master_path) >= 0 ? path : NULL;
}

bool master_put_in_place(const secrets *v, err *e) {
    char *from = master_new_path(v);
    bool ok = from != NULL && rename(from, v->master_path) == 0 && file_sync_folder(v->master_path);
    int why = errno;
    free(from);
    return ok || err_set(e, "%s: cannot be replaced by %s.new: %s; rename it by hand", v->master_path,
                         v->master_path, strerror(why));
}

/* Whole or not at all: under another name until it is on disk. */
static bool make_state_key(secrets *v, err *e) {
    char *path = master_new_path(v);
    bool ok = path != NULL && random_bytes(v->ring->master, KEY_BYTES)
                  ? master_write_state(path, v->ring->master, e) && master_put_in_place(v, e)
                  : err_set(e, "no memory, or no random bytes, for a master key");
    free(path);
    return ok;
}

static bool open_state_key(secrets *v, bool have_keys, err *e) {
    if (access(v->master_path, F_OK) == 0)
        return master_read_file(v->master_path, 077, v->ring->master, e);
    char *renamed = master_new_path(v);
    bool cut_off = renamed != NULL && access(renamed, F_OK) == 0;
    free(renamed);
    if (have_keys && cut_off && !v->read_only) /* its making or change was cut off before the renaming */
        return master_put_in_place(v, e) && master_read_file(v->master_path, 077, v->ring->master, e);
    if (have_keys)
        return err_set(
            e,
            "%s: the master key is missing, and the store has secrets under it: put the file back, or name "
            "it in busbar.conf, [secrets] master_key_file",
            v->master_path);
    return make_state_key(v, e);
}

/* --- finding it -------------------------------------------------------------------------------------- */

static bool credential_path(char **out) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (folder == NULL || folder[0] == '\0' || asprintf(out, "%s/busbar-master-key", folder) < 0)
        return false;
    if (access(*out, F_OK) == 0)
        return true;
    free(*out);
    *out = NULL;
    return false;
}

bool master_open(secrets *v, const secrets_options *o, bool have_keys, err *e) {
    const char *text = getenv("BUSBAR_MASTER_KEY");
    bool ok;
    if (o->master_key_file != NULL) {
        v->source = MASTER_FILE;
        v->master_path = strdup(o->master_key_file);
        ok = v->master_path != NULL && master_read_file(v->master_path, 077, v->ring->master, e);
    } else if (text != NULL && text[0] != '\0') {
        v->source = MASTER_ENVIRONMENT;
        ok = master_from_text(str_from(text), v->ring->master) ||
             err_set(e, "$BUSBAR_MASTER_KEY holds no master key: it is " FORMS);
    } else if (credential_path(&v->master_path)) {
        v->source = MASTER_CREDENTIAL;
        ok = master_read_file(v->master_path, 07, v->ring->master, e); /* group bits: systemd's access list */
    } else {
        v->source = MASTER_STATE;
        ok = asprintf(&v->master_path, "%s/master.key", o->state_dir) >= 0;
        if (!ok)
            v->master_path = NULL;
        if (ok && v->read_only && !have_keys && access(v->master_path, F_OK) != 0)
            return true; /* nothing to open, nothing to make */
        ok = ok && open_state_key(v, have_keys, e);
    }
    v->ring->has_master = ok;
    return ok;
}

const char *secrets_master_place(const secrets *v) {
    return v->source == MASTER_ENVIRONMENT ? "$BUSBAR_MASTER_KEY" : v->master_path;
}

bool secrets_master_is_own(const secrets *v) {
    return v->source == MASTER_STATE;
}
