/* schemes_internal.h - the schemes, for the table in schemes.c. */
#ifndef AUTH_SCHEMES_INTERNAL_H
#define AUTH_SCHEMES_INTERNAL_H

#include "auth/auth_internal.h"

extern const auth_field auth_jwt_fields[], auth_sigv4_fields[], auth_oauth1_fields[], auth_mtls_fields[],
    auth_digest_fields[];
extern const auth_ops auth_jwt_ops, auth_sigv4_ops, auth_oauth1_ops, auth_mtls_ops, auth_digest_ops;

#endif
