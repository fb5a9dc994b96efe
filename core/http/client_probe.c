/* client_probe.c - what a test of a connection shows of the way to the service. */
#include "base/clock.h"
#include "http/client_internal.h"

#include <stdio.h>

void client_probe_set(http_transfer *t, const http_send *s) {
    bool on = s->probe != NULL;
    t->probing = on;
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, on ? 1L : 0L);
    curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, on ? 1L : 0L);
    curl_easy_setopt(t->easy, CURLOPT_CERTINFO, on ? 1L : 0L);
}

static uint64_t microseconds(CURL *easy, CURLINFO what) {
    curl_off_t us = 0;
    return curl_easy_getinfo(easy, what, &us) == CURLE_OK && us > 0 ? (uint64_t)us : 0;
}

static void copy(char *to, size_t cap, const char *from) {
    snprintf(to, cap, "%s", from);
}

/* The first certificate of the chain is the server's own: "Issuer:...", "Expire date:...". */
static void read_certificate(CURL *easy, http_probe *p) {
    struct curl_certinfo *chain = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
        chain->num_of_certs < 1)
        return;
    for (const struct curl_slist *line = chain->certinfo[0]; line != NULL; line = line->next) {
        if (strncmp(line->data, "Issuer:", 7) == 0)
            copy(p->issuer, sizeof p->issuer, line->data + 7);
        else if (strncmp(line->data, "Expire date:", 12) == 0)
            copy(p->expires, sizeof p->expires, line->data + 12);
    }
}

static void read_date(const http_transfer *t, http_probe *p) {
    char text[64];
    p->received_ms = clock_wall_ms();
    p->date_ms = 0;
    for (size_t i = 0; i < t->header_count; i++) {
        bb_str value = t->headers[i].value;
        if (!str_eq_nocase(t->headers[i].name, STR("Date")) || value.len >= sizeof text)
            continue;
        memcpy(text, value.ptr, value.len);
        text[value.len] = '\0';
        time_t at = curl_getdate(text, NULL);
        p->date_ms = at > 0 ? (uint64_t)at * 1000u : 0;
    }
}

void client_probe_read(http_transfer *t) {
    http_probe *p = t->send->probe;
    const char *ip = NULL;
    long port = 0;
    if (p == NULL)
        return;
    *p = (http_probe){.lookup_us = microseconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T),
                      .connect_us = microseconds(t->easy, CURLINFO_CONNECT_TIME_T),
                      .tls_us = microseconds(t->easy, CURLINFO_APPCONNECT_TIME_T),
                      .first_byte_us = microseconds(t->easy, CURLINFO_STARTTRANSFER_TIME_T)};
    curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
    if (p->connect_us > 0 && ip != NULL && ip[0] != '\0')
        snprintf(p->address, sizeof p->address, strchr(ip, ':') != NULL ? "[%.50s]:%ld" : "%.50s:%ld", ip,
                 port);
    read_certificate(t->easy, p);
    read_date(t, p);
}
