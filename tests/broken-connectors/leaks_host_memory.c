/* A piece of the host's memory is forgotten with each instance. */
#include <busbar/memory.h>
#define IN_CREATE bb_connection_zalloc(connection, 48);
#include "sound.h"
