/* plugin_sign.c - `busbar plugin keygen|sign|verify`: no hub is needed, nothing of the connector runs. */
#include "cli/plugin.h"

#include "base/clock.h"
#include "base/file.h"
#include "hub/settings.h"
#include "plugin/host_crypto.h"
#include "plugin/signature.h"
#include "plugin/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_FILE_MAX 65536u
#define FILE_MAX ((size_t)256 << 20) /* as plugin/stage.h has it */
#define PASSPHRASE_MAX 1000u

/* Of `verify` alone, beside 0, 1 and 2. */
enum { EXIT_UNSIGNED = 3, EXIT_UNKNOWN_KEY = 4 };

/* --- passphrase ----------------------------------------------------------------------------------------- */

static bool is_given(const options *o) {
    return o->passphrase_file != NULL || o->passphrase_env != NULL;
}

/* Never from the command line, which others see. Wipe `out`. */
static bool read_passphrase(const options *o, buf *out, err *e) {
    const char *named = o->passphrase_env != NULL ? getenv(o->passphrase_env) : NULL;
    if (!is_given(o))
        return true;
    if (o->passphrase_file != NULL && o->passphrase_env != NULL)
        return err_set(e, "give --passphrase-file or --passphrase-env, not both");
    if (!buf_reserve(out, 32768)) /* once: growing would leave copies behind */
        return err_set(e, "no memory");
    if (o->passphrase_env != NULL && named == NULL)
        return err_set(e, "the environment has no %s", o->passphrase_env);
    if (named != NULL)
        buf_str_add(out, str_from(named));
    else if (!file_read(o->passphrase_file, PASSPHRASE_MAX, out, NULL, e))
        return false;
    bb_str line = buf_str(out);
    const char *end = line.len > 0 ? memchr(line.ptr, '\n', line.len) : NULL;
    if (end != NULL)
        out->len = (size_t)(end - out->ptr);
    if (out->len > 0 && out->ptr[out->len - 1] == '\r')
        out->len--;
    return (out->len > 0 && out->len <= PASSPHRASE_MAX) ||
           err_set(e, "the passphrase is empty, or over %u bytes", PASSPHRASE_MAX);
}

/* --- keygen --------------------------------------------------------------------------------------------- */

static bool put_new(const char *path, bb_str bytes, mode_t mode, err *e) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_set(e, "%s: %s", path,
                       errno == EEXIST ? "is there already: nothing is overwritten" : strerror(errno));
    bool ok = write(fd, bytes.ptr, bytes.len) == (ssize_t)bytes.len && fsync(fd) == 0;
    int why = errno;
    close(fd);
    if (!ok)
        unlink(path);
    return ok || err_set(e, "%s: cannot be written: %s", path, strerror(why));
}

static bool make_keys(const options *o, arena *a, buf *secret, buf *open_, err *e) {
    const char *private_path = arena_printf(a, "%s.key", o->words[1]).ptr,
               *public_path = arena_printf(a, "%s.pem", o->words[1]).ptr;
    signature_key key;
    buf passphrase;
    buf_init(&passphrase);
    bool ok = read_passphrase(o, &passphrase, e) &&
              signature_key_make(buf_str(&passphrase), secret, open_, e) &&
              signature_key_read(buf_str(open_), &key, e);
    buf_wipe(&passphrase);
    if (!ok || !put_new(private_path, buf_str(secret), 0600, e))
        return false;
    if (!put_new(public_path, buf_str(open_), 0644, e)) {
        unlink(private_path);
        return false;
    }
    printf("key %s\n%s: signs; keep it to yourself%s\n%s: tells who signed; put it into the folder `keys` of "
           "[plugins] of each hub\n",
           key.id, private_path, is_given(o) ? " (encrypted)" : "", public_path);
    return true;
}

int plugin_command_keygen(const options *o) {
    arena *a = arena_new(0);
    err e = {""};
    buf secret, open_;
    buf_init(&secret);
    buf_init(&open_);
    bool ok = a != NULL && make_keys(o, a, &secret, &open_, &e);
    if (!ok)
        complain("plugin keygen: %s", e.text);
    buf_wipe(&secret);
    buf_free(&open_);
    arena_free(a);
    return ok ? EXIT_OK : EXIT_FAILED;
}

/* --- a connector's file ----------------------------------------------------------------------------------
 */

/* Its id is its file's name, as for the hub. */
static bool name_of(const char *path, char id[65], err *e) {
    const char *slash = strrchr(path, '/');
    bb_str name = str_from(slash != NULL ? slash + 1 : path);
    if (!str_ends(name, STR(".so")) || name.len - 3 == 0 || name.len - 3 > 64)
        return err_set(e, "%s: a connector's file is called ID.so", path);
    str_put(id, 65, str_of(name.ptr, name.len - 3));
    return true;
}

static bool describe(const char *path, signature *out, err *e) {
    uint8_t hash[BB_HASH_MAX];
    buf bytes;
    buf_init(&bytes);
    bool ok = name_of(path, out->plugin, e) && file_read(path, FILE_MAX, &bytes, NULL, e);
    out->size = bytes.len;
    if (ok && (host_crypto.digest(BB_SHA256, buf_str(&bytes), hash) != 32 ||
               host_crypto.hex_encode(str_of(hash, 32), out->sha256, 64) != 64))
        ok = err_set(e, "%s: no memory to hash it", path);
    out->sha256[64] = '\0';
    buf_free(&bytes);
    return ok;
}

/* --- sign ------------------------------------------------------------------------------------------------
 */

static bool sign(const options *o, arena *a, signature *about, buf *text, err *e) {
    buf pem, passphrase;
    signature made;
    buf_init(&pem);
    buf_init(&passphrase);
    const char *path = arena_printf(a, "%s" SIGNATURE_SUFFIX, o->words[1]).ptr;
    about->at_ms = clock_wall_ms();
    bool read = buf_reserve(&pem, 2 * KEY_FILE_MAX) && file_read(o->key_given, KEY_FILE_MAX, &pem, NULL, e);
    bool ok = read && read_passphrase(o, &passphrase, e);
    if (ok && !signature_make(about, buf_str(&pem), buf_str(&passphrase), text, e))
        ok = err_prefix(e, "%s: ", o->key_given);
    buf_wipe(&pem);
    buf_wipe(&passphrase);
    ok = ok && signature_read(buf_str(text), &made, e) && file_replace(path, buf_str(text), 0644, e);
    if (ok)
        printf("%s: signed by key %s as connector %s, sha256 %s\n", path, made.key, about->plugin,
               about->sha256);
    return ok;
}

int plugin_command_sign(const options *o) {
    signature about = {.size = 0};
    err e = {""};
    buf text;
    arena *a = arena_new(0);
    buf_init(&text);
    if (o->key_given == NULL) {
        complain("plugin sign: --key FILE is missing: the private key of `busbar plugin keygen`");
        arena_free(a);
        return EXIT_USAGE;
    }
    bool ok = a != NULL && describe(o->words[1], &about, &e) && sign(o, a, &about, &text, &e);
    if (!ok)
        complain("plugin sign: %s", e.text);
    buf_free(&text);
    arena_free(a);
    return ok ? EXIT_OK : EXIT_FAILED;
}

/* --- verify ----------------------------------------------------------------------------------------------
 */

static bool read_keys(const options *o, arena *a, plugin_policy *p, err *e) {
    *p = plugin_policy_default;
    return o->keys != NULL ? hub_keys_read(a, o->keys, p, e)
                           : hub_settings_policy(a, o->conf != NULL ? o->conf : "conf.d", p, e);
}

static int judge(const options *o, const plugin_policy *p, const signature *is, bb_str text) {
    trust found;
    err e = {""};
    bool ok = trust_judge(p, str_from(is->plugin), is->sha256, is->size, text, &found, &e);
    if (text.ptr == NULL) {
        printf("%s: not signed\n", o->words[1]);
        return EXIT_UNSIGNED;
    }
    if (ok && found.signature == TRUST_SIGNED) {
        char time[CLOCK_RFC3339_SIZE];
        clock_rfc3339(found.signed_ms, time);
        printf("%s: signed by %s (key %s) at %s\n", o->words[1], found.signer, found.key, time);
        return EXIT_OK;
    }
    if (ok) {
        printf("%s: the signature fits the file, but no key tells whether %s made it: give --keys\n",
               o->words[1], found.key);
        return EXIT_UNKNOWN_KEY;
    }
    printf("%s: %s\n", o->words[1], e.text);
    return found.unknown_key ? EXIT_UNKNOWN_KEY : EXIT_FAILED;
}

int plugin_command_verify(const options *o) {
    arena *a = arena_new(0);
    err e = {""};
    plugin_policy policy;
    signature is = {.size = 0};
    bb_str text;
    int code = EXIT_USAGE;
    if (a == NULL || !describe(o->words[1], &is, &e) || !read_keys(o, a, &policy, &e) ||
        !trust_read_signature(a, o->words[1], &text, &e)) {
        complain("plugin verify: %s", e.text);
    } else {
        policy.pins = NULL; /* whether a hub would run it is another question */
        policy.pin_count = 0;
        policy.require_signature = false;
        code = judge(o, &policy, &is, text);
    }
    arena_free(a);
    return code;
}
