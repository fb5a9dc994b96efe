/* gate.h - where memory is taken, for those who refuse it on purpose: the SDK's mock host is built of these
 * sources with BUSBAR_TEST_GATE, and fails the n-th piece a connector's step asks for. In the hub it is
 * nothing. */
#ifndef BASE_GATE_H
#define BASE_GATE_H

#ifdef BUSBAR_TEST_GATE
#include <stdbool.h>
bool memory_gate(void); /* false: this piece is refused */
#else
#define memory_gate() true
#endif

#endif
