// The campaign of scripts/chaos, a few rounds of each mode: nothing acknowledged is lost.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {campaign, mayMount, modes} from '../chaos/campaign.mjs';
import {findings, summary} from '../chaos/main.mjs';
import {slow} from './lib/hub.mjs';

for (const mode of modes) {
  // A sanitizer's library must be loaded before the shim's.
  const skip = mode === 'disk' && slow ? 'not with a sanitizer' : mode === 'full' && !mayMount() ? 'needs the right to mount' : false;
  test(`nothing is lost: ${mode}`, {skip}, async () => {
    const r = await campaign({mode, rounds: slow ? 2 : 4, producers: 8});
    assert.deepEqual(findings(r), [], summary(r));
    assert.equal(r.dead, 0, summary(r));
    if (mode === 'disk') assert.ok(r.failedSyncs > 0, 'no sync failed: the shim was not loaded');
    if (mode === 'full') assert.ok(r.timesFull > 0 && r.refused[503] > 0, summary(r));
  });
}
