/* Certificate and key from files: what is wrong with them is said with the file's name and a remedy. */
#include <busbar/busbar.h>

#include "tls_fixture.h"

#include <fcntl.h>
#include <inttypes.h>

static void expect(const tls_files *files, const char *text) {
    err e = {""};
    tls_context *c = tls_context_new(files, &e);
    ck_assert_msg(c == NULL, "taken: %s", text);
    ck_assert_msg(strstr(e.text, text) != NULL, "%s", e.text);
    ck_assert(strstr(e.text, files->certificate) != NULL || strstr(e.text, files->key) != NULL ||
              (files->client_ca != NULL && strstr(e.text, files->client_ca) != NULL));
}

START_TEST(a_good_pair_is_taken) {
    folder d;
    folder_make(&d);
    tls_context *c = folder_context(&d, 0);
    ck_assert(tls_context_asks(c));
    ck_assert_int_gt(tls_context_not_after(c), time(NULL) + 29 * 86400);
    ck_assert_int_lt(tls_context_not_after(c), time(NULL) + 31 * 86400);
    tls_context_unref(tls_context_ref(c));
    tls_context_unref(c);
    c = folder_context(&d, -1);
    ck_assert(!tls_context_asks(c));
    tls_context_unref(c);
    folder_remove(&d);
}
END_TEST

START_TEST(certificates_that_are_none) {
    folder d;
    char other[96];
    folder_make(&d);
    snprintf(other, sizeof other, "%s/other", d.path);
    tls_files files = {.certificate = other, .key = d.key};
    expect(&files, "tls_certificate");
    expect(&files, "No such file");
    write_text(other, "");
    expect(&files, "holds no certificate");
    write_text(other, "nothing of the kind\n");
    expect(&files, "holds no certificate");
    write_text(other, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect(&files, "certificate 1 cannot be used");
    write_certificates(other, &d.server, NULL);
    FILE *f = fopen(other, "a");
    fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
    fclose(f);
    expect(&files, "certificate 2 cannot be used");
    write_text(other, "-----BEGIN CERTIFICATE-----\n");
    expect(&files, "cannot be used");
    files = (tls_files){.certificate = d.path, .key = d.key};
    expect(&files, "tls_certificate");
    files = (tls_files){.certificate = d.certificate, .key = d.key, .client_ca = other};
    expect(&files, "tls_client_ca");
    folder_remove(&d);
}
END_TEST

START_TEST(keys_that_are_none) {
    folder d;
    char other[96];
    folder_make(&d);
    snprintf(other, sizeof other, "%s/other", d.path);
    const tls_files files = {.certificate = d.certificate, .key = other};
    expect(&files, "tls_key");
    expect(&files, "No such file");
    write_text(other, "nothing of the kind\n");
    ck_assert_int_eq(chmod(other, 0644), 0);
    expect(&files, "mode 644");
    expect(&files, "chmod 600");
    ck_assert_int_eq(chmod(other, 0600), 0);
    expect(&files, "holds no private key");
    write_text(other, "");
    expect(&files, "holds no private key");
    ck_assert_int_eq(truncate(other, (4 << 20) + 1), 0);
    expect(&files, "too large for a key");
    write_key(other, &d.server, "a passphrase");
    expect(&files, "passphrase");
    write_key(other, &d.authority, NULL);
    expect(&files, "is not the key of the first certificate");
    const tls_files folder_as_key = {.certificate = d.certificate, .key = d.path};
    expect(&folder_as_key, "no regular file");
    write_key(other, &d.server, NULL);
    err e = {""};
    tls_context *c = tls_context_new(&files, &e);
    ck_assert_msg(c != NULL, "%s", e.text);
    tls_context_unref(c);
    folder_remove(&d);
}
END_TEST

/* How often a line stands in the heap, freed memory and all. A sanitizer's heap is elsewhere: 0. */
static size_t times_in_heap(const char *line) {
    char entry[256];
    size_t found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(maps);
    setvbuf(maps, NULL, _IONBF, 0);
    while (fgets(entry, sizeof entry, maps) != NULL) {
        uintptr_t from, to;
        if (strstr(entry, "[heap]") == NULL || sscanf(entry, "%" SCNxPTR "-%" SCNxPTR, &from, &to) != 2)
            continue;
        for (const char *at = (const char *)from; (at = memmem(at, to - (uintptr_t)at, line, strlen(line)));
             at++)
            found++;
    }
    fclose(maps);
    return found;
}

/* What a key's file holds is nowhere once it has been read, however long the file is. */
START_TEST(a_keys_bytes_are_wiped) {
    folder d;
    char line[] = "# NOT TO BE LEFT\n", pem[2048];
    folder_make(&d);
    FILE *f = fopen(d.key, "r");
    size_t n = fread(pem, 1, sizeof pem, f);
    fclose(f);
    int fd = open(d.key, O_WRONLY | O_TRUNC);
    for (unsigned i = 0; i < 1000; i++) /* text before a key is passed over (RFC 7468 section 2) */
        ck_assert_int_eq(write(fd, line, sizeof line - 1), sizeof line - 1);
    ck_assert_int_eq(write(fd, pem, n), (ssize_t)n);
    close(fd);
    tls_context_unref(folder_context(&d, -1));
    ck_assert_uint_eq(times_in_heap(line), 0);
    folder_remove(&d);
}
END_TEST

/* One that has ended is the admin's to renew: the hub says so, and serves. */
START_TEST(an_old_certificate_is_taken) {
    folder d;
    folder_make(&d);
    certified old = certify(&d.authority, (wanted){.name = "localhost", .days = -2});
    write_certificates(d.certificate, &old, NULL);
    write_key(d.key, &old, NULL);
    tls_context *c = folder_context(&d, -1);
    ck_assert_int_lt(tls_context_not_after(c), time(NULL));
    tls_context_unref(c);
    certified_free(&old);
    folder_remove(&d);
}
END_TEST

UNIT_MAIN(unit_test(a_good_pair_is_taken), unit_test(certificates_that_are_none),
          unit_test(keys_that_are_none), unit_test(a_keys_bytes_are_wiped),
          unit_test(an_old_certificate_is_taken))
