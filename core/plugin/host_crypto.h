/* host_crypto.h - extension "busbar.crypto/1", which the hub itself uses too. */
#ifndef PLUGIN_HOST_CRYPTO_H
#define PLUGIN_HOST_CRYPTO_H

#include <busbar/crypto.h>

extern const bb_crypto_api host_crypto;

#endif
