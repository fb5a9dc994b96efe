/* total_battle.h - what the files of this connector share. */
#ifndef TOTAL_BATTLE_H
#define TOTAL_BATTLE_H

#include <busbar/auth.h>
#include <busbar/busbar.h>

/* What busbar_entry gives for BB_EXT_AUTH: login.c. */
extern const bb_auth_extension tb_auth;

/* Fails with what {"error": {"code", "message", "field"}} of the answer says: errors.c. */
bb_step tb_fail(bb_call *call);

#endif
