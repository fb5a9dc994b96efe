/* A type that does not exist. */
#define INPUT "{\"type\":\"objekt\"}"
#include "sound.h"
