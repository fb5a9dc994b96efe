/* A library that has every type of the SDK in its debug information, each by one function: scripts/abi-record
 * compares them with those of a release. A header that a release had not yet is left out of what is compared.
 */
#include <busbar/busbar.h>

#define USE(type)                               \
    const type *abi_##type(const type *given);  \
    const type *abi_##type(const type *given) { \
        return given;                           \
    }

/* What a connector declares. */
USE(bb_entry)
USE(bb_plugin)
USE(bb_operation)
USE(bb_schema)
USE(bb_auth_scheme)

/* What a connector is given. */
USE(bb_str)
USE(bb_error)
USE(bb_host)
USE(bb_call)
USE(bb_connection)
USE(bb_json_iter)
USE(bb_log_api)
USE(bb_json_api)
USE(bb_crypto_api)
USE(bb_http_api)
USE(bb_call_api)

/* Numbers. */
USE(bb_code)
USE(bb_retry)
USE(bb_step)
USE(bb_log_level)
USE(bb_json_type)
USE(bb_hash)

#ifdef BB_MANIFEST_SECTION
USE(bb_extension)
USE(bb_manifest)
#endif

#if __has_include(<busbar/auth.h>)
#include <busbar/auth.h>
USE(bb_auth_extension)
USE(bb_custom_auth)
USE(bb_auth_field)
USE(bb_auth_request)
USE(bb_auth_api)
#endif

#if __has_include(<busbar/webhook.h>)
#include <busbar/webhook.h>
USE(bb_webhook_extension)
USE(bb_webhook_scheme)
USE(bb_webhook_request)
USE(bb_webhook_sample)
USE(bb_webhook_api)
#endif

#if __has_include(<busbar/session.h>)
#include <busbar/session.h>
USE(bb_session_extension)
USE(bb_session_operation)
USE(bb_session)
USE(bb_session_api)
#endif

#if __has_include(<busbar/memory.h>)
#include <busbar/memory.h>
USE(bb_memory_api)
#endif
