/* sigv4.h - AWS Signature Version 4, header form. */
#ifndef AUTH_SIGV4_H
#define AUTH_SIGV4_H

#include "auth/sign.h"

typedef struct sigv4_credentials {
    bb_str access_key, secret_key, session_token; /* session_token may be absent */
    bb_str region, service;
    bool double_encode;  /* of the path: all services but s3 */
    bool normalize_path; /* all services but s3 */
    bool content_sha256; /* adds x-amz-content-sha256 (s3 wants it) */
} sigv4_credentials;

/* Adds Authorization, X-Amz-Date and, where they apply, X-Amz-Security-Token and X-Amz-Content-Sha256. False:
 * no memory, or a URL that cannot be taken apart. */
bool sigv4_sign(arena *a, const sigv4_credentials *c, const sign_request *r, sign_addition *out);

#endif
