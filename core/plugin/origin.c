#include "plugin/origin.h"

#include "plugin/url.h"

bool plugin_origins_read(arena *a, const json_value *schema, const json_value *settings, plugin_origins *out,
                         bb_str *wrong, err *e) {
    const json_value *properties = json_getl(schema, "properties");
    bb_str *urls = arena_alloc(a, (json_count(settings) + 1) * sizeof *urls);
    *out = (plugin_origins){.urls = urls};
    *wrong = STR("");
    if (urls == NULL)
        return err_set(e, "no memory");
    for (json_iter it = json_iterate(settings); json_next(&it);) {
        bb_str url = json_string(it.value);
        if (url.len == 0 ||
            !json_bool(json_getl(json_get(properties, it.key), "x-busbar-credentials"), false))
            continue;
        *wrong = it.key;
        if (!url_check_base(url, e))
            return false;
        urls[out->count++] = url;
    }
    return true;
}

bool plugin_origins_marked(arena *a, const char *settings_schema) {
    const json_value *schema = settings_schema != NULL ? json_read(a, str_from(settings_schema), NULL, NULL)
                                                       : NULL;
    bool marked = false;
    for (json_iter it = json_iterate(json_getl(schema, "properties")); json_next(&it);)
        marked = marked || json_bool(json_getl(it.value, "x-busbar-credentials"), false);
    return marked;
}

bool plugin_origins_have(const plugin_origins *o, bb_str url) {
    for (size_t i = 0; o != NULL && i < o->count; i++)
        if (url_same_origin(url, o->urls[i]))
            return true;
    return false;
}
