/* schemes_signed.c - the schemes aws_sigv4 and oauth1, which sign each request; and mtls, which is a matter
 * of the connection. */
#include "auth/schemes_internal.h"

#include "auth/oauth1.h"
#include "auth/sign_text.h"
#include "auth/sigv4.h"

/* --- aws_sigv4 --------------------------------------------------------------------------------------- */

const auth_field auth_sigv4_fields[] = {
    {"access_key", true, false, NULL, "access key id", false},
    {"secret_key", true, true, NULL, "secret access key", false},
    {"session_token", false, true, NULL, "of temporary credentials", false},
    {"region", true, false, NULL, "as us-east-1", false},
    {"service", true, false, NULL, "as s3, execute-api, dynamodb", false},
    {0}};

static bool build_sigv4(auth_reading *r, auth *out, err *e) {
    static const char *const fields[] = {"Authorization", "X-Amz-Date", "X-Amz-Security-Token",
                                         "X-Amz-Content-Sha256", NULL};
    sigv4_credentials *c = arena_zalloc(r->memory, sizeof *c);
    if (c == NULL)
        return err_set(e, "no memory");
    bb_str service = auth_value(r, "service");
    bool s3 = str_eq(service, STR("s3")) || str_starts(service, STR("s3-")) ||
              str_eq(service, STR("s3express"));
    *c = (sigv4_credentials){.access_key = auth_value(r, "access_key"),
                             .secret_key = auth_value(r, "secret_key"),
                             .session_token = auth_value(r, "session_token"),
                             .region = auth_value(r, "region"),
                             .service = service,
                             .double_encode = !s3,
                             .normalize_path = !s3,
                             .content_sha256 = s3};
    out->config->settings = c;
    out->fields = fields;
    return true;
}

static bool sign_sigv4(auth_ticket *t, const sign_request *r, sign_addition *out, err *e) {
    const sigv4_credentials *c = t->auth->config->settings;
    if (r->streamed && !c->content_sha256 && sign_header_find(r, STR("x-amz-content-sha256")).ptr == NULL)
        return err_set(
            e, "aws_sigv4 signs the body's hash, and a file's is not known before it has passed: only "
               "S3 takes an unsigned body");
    return sigv4_sign(t->memory, c, r, out) ||
           err_set(e, "the request cannot be signed: its URL cannot be taken apart");
}

const auth_ops auth_sigv4_ops = {.configured = true, .build = build_sigv4, .sign = sign_sigv4};

/* --- oauth1 ------------------------------------------------------------------------------------------ */

const auth_field auth_oauth1_fields[] = {
    {"consumer_key", true, false, NULL, "the application's key", false},
    {"consumer_secret", false, true, NULL, "the application's secret", false},
    {"token", false, false, NULL, "the user's token", false},
    {"token_secret", false, true, NULL, "the token's secret", false},
    {"signature_method", false, false, "HMAC-SHA1",
     "HMAC-SHA1, HMAC-SHA256, RSA-SHA1, RSA-SHA256 or PLAINTEXT", false},
    {"key", false, true, NULL, "RSA methods: the private key (PEM)", true},
    {"realm", false, false, NULL, "the realm, where the service wants one", false},
    {0}};

static void destroy_oauth1(void *settings) {
    oauth1_key_free((oauth1_key *)(uintptr_t)((oauth1_credentials *)settings)->key);
}

static bool is_method(bb_str method) {
    static const char *const methods[] = {"HMAC-SHA1", "HMAC-SHA256", "RSA-SHA1", "RSA-SHA256", "PLAINTEXT"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (str_eq(method, str_from(methods[i])))
            return true;
    return false;
}

static bool read_oauth1_key(auth_reading *r, oauth1_credentials *c, err *e) {
    err why = {""};
    bool rsa = str_starts(c->method, STR("RSA-"));
    if (!rsa)
        return c->consumer_secret.len > 0 ||
               auth_fail(r, e, "consumer_secret", "is missing: this signature_method needs it");
    if (auth_value(r, "key").len == 0)
        return auth_fail(r, e, "key", "is missing: this signature_method needs it");
    c->key = oauth1_key_new(auth_value(r, "key"), &why);
    return c->key != NULL || auth_fail(r, e, "key", "cannot be used: %s", why.text);
}

static const char *const authorization[] = {"Authorization", NULL};

static bool build_oauth1(auth_reading *r, auth *out, err *e) {
    oauth1_credentials *c = arena_zalloc(r->memory, sizeof *c);
    if (c == NULL)
        return err_set(e, "no memory");
    out->config->settings = c;
    out->config->destroy = destroy_oauth1;
    out->fields = authorization;
    *c = (oauth1_credentials){.consumer_key = auth_value(r, "consumer_key"),
                              .consumer_secret = auth_value(r, "consumer_secret"),
                              .token = auth_value(r, "token"),
                              .token_secret = auth_value(r, "token_secret"),
                              .realm = auth_value(r, "realm"),
                              .method = auth_value(r, "signature_method")};
    if (!is_method(c->method))
        return auth_fail(r, e, "signature_method",
                         "is \"%.*s\": allowed are HMAC-SHA1, HMAC-SHA256, RSA-SHA1, RSA-SHA256, PLAINTEXT",
                         STR_FMT(c->method));
    return read_oauth1_key(r, c, e);
}

static bool sign_oauth1(auth_ticket *t, const sign_request *r, sign_addition *out, err *e) {
    return oauth1_sign(t->memory, t->auth->config->settings, r, out) ||
           err_set(e, "the request cannot be signed: its URL cannot be taken apart");
}

const auth_ops auth_oauth1_ops = {.configured = true, .build = build_oauth1, .sign = sign_oauth1};

/* --- mtls -------------------------------------------------------------------------------------------- */

const auth_field auth_mtls_fields[] = {
    {"certificate", true, false, NULL, "file of the client's certificate, and those between (PEM)", false},
    {"key", true, false, NULL, "file of its private key (PEM, not encrypted)", false},
    {0}};

static bool build_mtls(auth_reading *r, auth *out, err *e) {
    return auth_read_file(r, "certificate", &out->cert_file, e) &&
           auth_read_file(r, "key", &out->key_file, e);
}

const auth_ops auth_mtls_ops = {.build = build_mtls};
