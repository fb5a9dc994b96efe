// main.mjs - the campaign from the command line: scripts/chaos calls it, see its --help.
import {campaign, mayMount, modes} from './campaign.mjs';

function read(args) {
  const options = {rounds: 200, modes: [], quiet: false};
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--rounds') options.rounds = Number(args[++i]);
    else if (args[i] === '--quiet') options.quiet = true;
    else options.modes.push(args[i]);
  }
  if (options.modes.length === 0) options.modes = modes;
  return options;
}

// What the ledger says against it; empty: nothing.
export function findings(r) {
  const said = [];
  if (r.lost.length) said.push(`${r.lost.length} acknowledged deliveries lost: ${r.lost.slice(0, 5).join(', ')}`);
  if (r.invented.length) said.push(`${r.invented.length} events that nobody sent: ${r.invented.slice(0, 5).join(', ')}`);
  if (r.disorder.length) said.push(`${r.disorder.length} out of the order of their key: ${JSON.stringify(r.disorder.slice(0, 3))}`);
  if (r.withoutRetryAfter) said.push(`${r.withoutRetryAfter} answers of 503 without Retry-After`);
  if (r.acknowledged === 0) said.push('nothing was acknowledged: nothing was tried');
  return said;
}

export function summary(r) {
  const refused = Object.entries(r.refused).map(([status, n]) => `${n} × ${status}`).join(', ') || 'none';
  return `${r.mode}: ${r.rounds} rounds, ${r.acknowledged} acknowledged of ${r.sent} sent (not: ${refused}), ${r.delivered} deliveries, ${r.duplicates} of them again, ${r.dead} dead, ${r.lost.length} lost`;
}

async function main() {
  const options = read(process.argv.slice(2));
  let bad = 0;
  for (const mode of options.modes) {
    if (mode === 'full' && !mayMount()) {
      console.log('full: skipped: this process may not mount a tmpfs');
      continue;
    }
    const r = await campaign({mode, rounds: options.rounds, say: options.quiet ? undefined : (line) => process.stderr.write(`\r${line}\x1b[K`)});
    if (!options.quiet) process.stderr.write('\r\x1b[K');
    console.log(summary(r));
    for (const line of findings(r)) console.log(`  FOUND: ${line}`), bad++;
  }
  process.exitCode = bad ? 1 : 0;
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main();
