#include "content/digest.h"

#include <busbar/content.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct content_digest {
    EVP_MD_CTX *whole; /* of the bytes, or of the blocks' digests */
    EVP_MD_CTX *block; /* of the block under way; NULL: no blocks */
    const EVP_MD *md;
    uint64_t block_bytes;
    uint64_t done; /* bytes so far */
    bool broken;
};

static const EVP_MD *md_of(int32_t kind) {
    switch (kind) {
    case BB_DIGEST_SHA256: return EVP_sha256();
    case BB_DIGEST_MD5: return EVP_md5();
    case BB_DIGEST_SHA1: return EVP_sha1();
    default: return NULL;
    }
}

content_digest *content_digest_new(int32_t kind, uint64_t block) {
    content_digest *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->md = md_of(kind);
    d->block_bytes = block;
    d->whole = EVP_MD_CTX_new();
    d->block = block > 0 ? EVP_MD_CTX_new() : NULL;
    bool ok = d->md != NULL && d->whole != NULL && EVP_DigestInit_ex(d->whole, d->md, NULL) == 1 &&
              (block == 0 || (d->block != NULL && EVP_DigestInit_ex(d->block, d->md, NULL) == 1));
    if (ok)
        return d;
    content_digest_free(d);
    return NULL;
}

void content_digest_free(content_digest *d) {
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->whole);
    EVP_MD_CTX_free(d->block);
    free(d);
}

static bool end_block(EVP_MD_CTX *block, EVP_MD_CTX *whole) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    return EVP_DigestFinal_ex(block, out, &n) == 1 && EVP_DigestUpdate(whole, out, n) == 1;
}

static bool add_blocks(content_digest *d, bb_str bytes) {
    while (bytes.len > 0) {
        uint64_t left = d->block_bytes - d->done % d->block_bytes;
        size_t n = bytes.len < left ? bytes.len : (size_t)left;
        if (EVP_DigestUpdate(d->block, bytes.ptr, n) != 1)
            return false;
        d->done += n;
        bytes = str_of(bytes.ptr + n, bytes.len - n);
        if (d->done % d->block_bytes == 0 &&
            (!end_block(d->block, d->whole) || EVP_DigestInit_ex(d->block, d->md, NULL) != 1))
            return false;
    }
    return true;
}

void content_digest_add(content_digest *d, uint64_t offset, bb_str bytes) {
    if (d->broken || offset + bytes.len <= d->done)
        return;
    if (offset > d->done) {
        d->broken = true;
        return;
    }
    size_t known = (size_t)(d->done - offset);
    bytes = str_of(bytes.ptr + known, bytes.len - known);
    if (d->block != NULL) {
        d->broken = !add_blocks(d, bytes);
    } else {
        d->broken = EVP_DigestUpdate(d->whole, bytes.ptr, bytes.len) != 1;
        d->done += bytes.len;
    }
}

/* On copies: more may come. */
static unsigned end_of(const content_digest *d, unsigned char out[EVP_MAX_MD_SIZE]) {
    EVP_MD_CTX *whole = EVP_MD_CTX_new(), *block = EVP_MD_CTX_new();
    unsigned n = 0;
    bool ok = whole != NULL && block != NULL && EVP_MD_CTX_copy_ex(whole, d->whole) == 1;
    if (ok && d->block != NULL && d->done % d->block_bytes != 0)
        ok = EVP_MD_CTX_copy_ex(block, d->block) == 1 && end_block(block, whole);
    ok = ok && EVP_DigestFinal_ex(whole, out, &n) == 1;
    EVP_MD_CTX_free(whole);
    EVP_MD_CTX_free(block);
    return ok ? n : 0;
}

void content_digest_hex(const content_digest *d, uint64_t length, char out[65]) {
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned n = d->broken || d->done != length ? 0 : end_of(d, bytes);
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}
