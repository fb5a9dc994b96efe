/* turns.h - whose turn it is among those that wait for a child. Private to this room. [loop] */
#ifndef TRANSFORM_TURNS_H
#define TRANSFORM_TURNS_H

#include "transform/pool.h"

/* Of an owner, or of one program of an owner. */
struct turn {
    turn *next, *of; /* of: a program's owner */
    uint64_t hash;
    uint64_t used_ns;  /* of children's time, counted from where the others were when it came */
    uint64_t floor_ns; /* of an owner: where its programs are */
    uint64_t begun_ns; /* of the runs that are with children: when they began, added up */
    uint64_t idle_ns;  /* since when it has none */
    unsigned running;  /* with children */
    unsigned uses;     /* runs, and an owner's programs */
    run_list waiting;  /* a program's: who comes first goes first */
};

/* From its start to its end a run has a place here. False: no memory. */
bool turns_enter(transforms *t, transform_run *r);
void turns_leave(transform_run *r);
/* A child takes it; and is done with it. */
void turns_begin(transform_run *r);
void turns_end(transform_run *r);
/* The one that goes next; NULL: none waits that may. */
transform_run *turns_next(transforms *t);
turn *turns_waiting(const transforms *t); /* any with a run that waits; NULL: none */
void turns_clear(transforms *t);

#endif
