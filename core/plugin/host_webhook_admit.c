/* host_webhook_admit.c - a connector's declaration of webhook schemes, checked before any of them runs. */
#include "plugin/host_fields.h"
#include "plugin/host_webhook.h"

static bool check_scheme(const bb_webhook_scheme *s, err *e) {
    if (!module_size_check("a webhook scheme", s->size, offsetof(bb_webhook_scheme, sign), e))
        return false;
    if (!fields_admit_scheme("webhook scheme", s->id, s->summary, e))
        return false;
    if (s->verify == NULL)
        return err_set(e, "webhook scheme \"%s\" has no verify", s->id);
    return fields_admit("webhook scheme", s->id, s->fields, e);
}

bool host_webhook_admit(const plugin_module *m, const bb_webhook_extension **out, err *e) {
    *out = NULL;
    const bb_webhook_extension *x = module_extension(m, BB_EXT_WEBHOOK);
    if (x == NULL)
        return true;
    if (!module_size_check("its extension " BB_EXT_WEBHOOK, x->size, sizeof *x, e))
        return false;
    if (x->schemes == NULL || x->schemes[0] == NULL)
        return err_set(e, "its extension %s has no schemes", BB_EXT_WEBHOOK);
    for (size_t i = 0; x->schemes[i] != NULL; i++) {
        if (i == PLUGIN_WEBHOOK_SCHEMES_MAX)
            return err_set(e, "it declares more than %d webhook schemes", PLUGIN_WEBHOOK_SCHEMES_MAX);
        if (!check_scheme(x->schemes[i], e))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(x->schemes[i]->id, x->schemes[j]->id) == 0)
                return err_set(e, "webhook scheme \"%s\" is declared twice", x->schemes[i]->id);
    }
    *out = x;
    return true;
}

const bb_webhook_scheme *host_webhook_find(const plugin_module *m, bb_str id) {
    for (size_t i = 0; m->webhooks != NULL && m->webhooks->schemes[i] != NULL; i++)
        if (str_eq(str_from(m->webhooks->schemes[i]->id), id))
            return m->webhooks->schemes[i];
    return NULL;
}
