#include "plugin/trust.h"

#include "base/file.h"
#include "plugin/host_crypto.h"
#include "plugin/place.h"

#include <stdio.h>
#include <stdlib.h>

const plugin_policy plugin_policy_default = {.on_crash = QUARANTINE_ISOLATE};

/* --- place --------------------------------------------------------------------------------------------- */

static bool in_folder_of(const char *named, const char *real) {
    char folder[PATH_MAX], resolved[PATH_MAX];
    const char *slash = strrchr(named, '/');
    size_t n = slash == NULL ? 1 : slash == named ? 1 : (size_t)(slash - named);
    if (n >= sizeof folder)
        return false;
    memcpy(folder, slash == NULL ? "." : named, n);
    folder[n] = '\0';
    return realpath(folder, resolved) != NULL && place_within(real, resolved);
}

bool trust_place(const plugin_policy *p, const char *named, const char *real, err *e) {
    for (size_t i = 0; i < p->folder_count; i++)
        if (place_within(real, p->folders[i]))
            return true;
    if (p->folder_count == 0 && in_folder_of(named, real))
        return true;
    return err_set(e,
                   "it leads to %.300s, outside of the allowed folders: put it there, or add its folder to "
                   "`folders` of [plugins] in busbar.conf",
                   real);
}

/* --- pins and signatures -------------------------------------------------------------------------------- */

static bool check_pins(const plugin_policy *p, bb_str id, const char *sha256, trust *out, err *e) {
    bool any = false;
    for (size_t i = 0; i < p->pin_count; i++) {
        if (!str_eq(id, str_from(p->pins[i].plugin)))
            continue;
        any = true;
        out->pinned = out->pinned || strcmp(p->pins[i].sha256, sha256) == 0;
    }
    return !any || out->pinned ||
           err_set(e,
                   "its build %s is not pinned: if it is the one you want, add the hash to %.*s in [pins] of "
                   "busbar.conf",
                   sha256, STR_FMT(id));
}

static const signature_key *find_key(const plugin_policy *p, const char *id) {
    for (size_t i = 0; i < p->key_count; i++)
        if (strcmp(p->keys[i].id, id) == 0)
            return &p->keys[i];
    return NULL;
}

static bool check_claims(const signature *s, bb_str id, const char *sha256, uint64_t size, err *e) {
    if (!str_eq(id, str_from(s->plugin)))
        return err_set(e, "its signature is for connector \"%s\", not for this one", s->plugin);
    return (strcmp(s->sha256, sha256) == 0 && s->size == size) ||
           err_set(e,
                   "its signature is for another file (sha256 %.12s...; this one is %.12s...): the connector "
                   "was changed after it was signed, or the signature is of another build",
                   s->sha256, sha256);
}

static bool check_signature(const plugin_policy *p, bb_str id, const char *sha256, bb_str text, trust *out,
                            err *e) {
    signature s;
    if (!signature_read(text, &s, e))
        return err_prefix(e, "its signature cannot be read: ");
    memcpy(out->key, s.key, sizeof out->key);
    out->signed_ms = s.at_ms;
    out->signature = TRUST_BAD;
    if (!check_claims(&s, id, sha256, out->size, e))
        return false;
    const signature_key *key = find_key(p, s.key);
    if (key != NULL && !signature_verify(&s, key))
        return err_set(e, "its signature is not by key %s (%s), which it names: it was changed, or forged",
                       key->id, key->name);
    out->unknown_key = key == NULL && p->has_keys;
    if (out->unknown_key)
        return err_set(e, "it is signed by key %s, which is not among the trusted keys (any more)", s.key);
    out->signature = key != NULL ? TRUST_SIGNED : TRUST_UNPROVEN;
    out->signer = key != NULL ? key->name : NULL;
    return true;
}

bool trust_judge(const plugin_policy *p, bb_str id, const char *sha256, uint64_t size, bb_str text,
                 trust *out, err *e) {
    *out = (trust){.size = size, .text = text};
    if (text.ptr != NULL && !check_signature(p, id, sha256, text, out, e))
        return false;
    if (p->require_signature && out->signature != TRUST_SIGNED)
        return err_set(e,
                       "it is not signed, and require_signature = yes: busbar plugin sign --key KEY %.*s.so, "
                       "with a key whose public half is in the folder `keys` of [plugins]",
                       STR_FMT(id));
    return check_pins(p, id, sha256, out, e);
}

bool trust_read_signature(arena *a, const char *file, bb_str *text, err *e) {
    char path[PATH_MAX];
    bool missing = false;
    buf bytes;
    int n = snprintf(path, sizeof path, "%s" SIGNATURE_SUFFIX, file);
    *text = (bb_str){NULL, 0};
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(e, "its name is too long");
    buf_init(&bytes);
    bool ok = file_read(path, SIGNATURE_TEXT_MAX, &bytes, &missing, e);
    if (ok)
        *text = arena_copy(a, str_of(bytes.ptr != NULL ? bytes.ptr : "", bytes.len));
    buf_free(&bytes);
    if (ok && text->ptr == NULL)
        return err_set(e, "no memory");
    if (missing && e != NULL)
        e->text[0] = '\0';
    return ok || missing;
}

trust *trust_copy(arena *a, const trust *t) {
    trust *copy = arena_alloc(a, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *t;
    if (t->signer != NULL)
        copy->signer = arena_strdup(a, str_from(t->signer));
    if (t->text.ptr != NULL)
        copy->text = arena_copy(a, t->text);
    bool whole = (t->signer == NULL || copy->signer != NULL) &&
                 (t->text.ptr == NULL || copy->text.ptr != NULL);
    return whole ? copy : NULL;
}

const char *trust_signature_name(trust_signature s) {
    static const char *const names[] = {"none", "verified", "unproven", "refused"};
    return names[s];
}

/* --- to another process and back ------------------------------------------------------------------------ */

static void write_keys(const plugin_policy *p, json_writer *w) {
    json_keyl(w, "keys");
    json_array(w);
    for (size_t i = 0; i < p->key_count; i++) {
        char hex[65] = "";
        host_crypto.hex_encode(str_of(p->keys[i].bytes, 32), hex, 64);
        json_object(w);
        json_member_string(w, STR("name"), str_from(p->keys[i].name));
        json_member_string(w, STR("public"), str_from(hex));
        json_object_end(w);
    }
    json_array_end(w);
}

void trust_policy_write(const plugin_policy *p, json_writer *w) {
    json_object(w);
    json_member_bool(w, STR("isolate"), p->isolate);
    json_member_u64(w, STR("on_crash"), p->on_crash);
    json_member_bool(w, STR("require_signature"), p->require_signature);
    json_member_bool(w, STR("has_keys"), p->has_keys);
    write_keys(p, w);
    json_keyl(w, "folders");
    json_array(w);
    for (size_t i = 0; i < p->folder_count; i++)
        json_put_string(w, str_from(p->folders[i]));
    json_array_end(w);
    json_keyl(w, "pins");
    json_array(w);
    for (size_t i = 0; i < p->pin_count; i++) {
        json_object(w);
        json_member_string(w, STR("plugin"), str_from(p->pins[i].plugin));
        json_member_string(w, STR("sha256"), str_from(p->pins[i].sha256));
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
}

static bool read_keys(arena *a, const json_value *list, plugin_policy *p) {
    signature_key *keys = arena_zalloc(a, (json_count(list) + 1) * sizeof *keys);
    p->keys = keys;
    for (json_iter it = json_iterate(list); keys != NULL && json_next(&it); p->key_count++) {
        bb_str hex = json_string(json_getl(it.value, "public"));
        signature_key *key = &keys[p->key_count];
        uint8_t bytes[32];
        for (size_t i = 0; i < 32 && hex.len == 64; i++)
            bytes[i] = (uint8_t)(str_hex_digit(hex.ptr[2 * i]) << 4 | str_hex_digit(hex.ptr[2 * i + 1]));
        key->name = arena_strdup(a, json_string(json_getl(it.value, "name")));
        if (hex.len != 64 || key->name == NULL || !signature_key_of(bytes, key))
            return false;
    }
    return keys != NULL;
}

static bool read_pins(arena *a, const json_value *list, plugin_policy *p) {
    plugin_pin *pins = arena_zalloc(a, (json_count(list) + 1) * sizeof *pins);
    p->pins = pins;
    for (json_iter it = json_iterate(list); pins != NULL && json_next(&it); p->pin_count++) {
        plugin_pin *pin = &pins[p->pin_count];
        pin->plugin = arena_strdup(a, json_string(json_getl(it.value, "plugin")));
        str_put(pin->sha256, sizeof pin->sha256, json_string(json_getl(it.value, "sha256")));
        if (pin->plugin == NULL)
            return false;
    }
    return pins != NULL;
}

static bool read_folders(arena *a, const json_value *list, plugin_policy *p) {
    const char **folders = arena_zalloc(a, (json_count(list) + 1) * sizeof *folders);
    p->folders = folders;
    for (json_iter it = json_iterate(list); folders != NULL && json_next(&it); p->folder_count++)
        if ((folders[p->folder_count] = arena_strdup(a, json_string(it.value))) == NULL)
            return false;
    return folders != NULL;
}

plugin_policy *trust_policy_read(arena *a, const json_value *v) {
    uint64_t on_crash = 0;
    plugin_policy *p = arena_zalloc(a, sizeof *p);
    if (p == NULL || !json_is(v, JSON_OBJECT) || !json_to_u64(json_getl(v, "on_crash"), &on_crash) ||
        on_crash > QUARANTINE_OFF || !read_keys(a, json_getl(v, "keys"), p) ||
        !read_folders(a, json_getl(v, "folders"), p) || !read_pins(a, json_getl(v, "pins"), p))
        return NULL;
    p->isolate = json_bool(json_getl(v, "isolate"), false);
    p->on_crash = (quarantine_action)on_crash;
    p->require_signature = json_bool(json_getl(v, "require_signature"), false);
    p->has_keys = json_bool(json_getl(v, "has_keys"), false);
    return p;
}
