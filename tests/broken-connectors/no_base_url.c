/* Names paths, and takes no base_url to put them after. */
#define SETTINGS "{\"type\":\"object\",\"additionalProperties\":false}"
#define EXAMPLES "[]"
#include "sound.h"
