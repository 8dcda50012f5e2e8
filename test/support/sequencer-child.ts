/**
 * A process that writes entries and runs the sequencer as fast as both can, until it is killed. It
 * prints the number of an entry once that is committed.
 */
import { record, Sequencer } from '#audit/index.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { system } from '#kernel/actor.ts';

type Work = {
  readonly web: Database['config'];
  readonly sequencer: Database['config'];
  readonly files: {
    readonly installation: string;
    readonly keysFile: string;
    readonly checkpointsFile: string;
  };
};

const { web, sequencer, files } = JSON.parse(process.argv[2]!) as Work;
const database = openDatabase(web);
const log = { error: (event: string) => console.error(event) };
const everyMs = 1;
new Sequencer({ database: openDatabase(sequencer), log, everyMs, ...files }).start();

for (let i = 0; ; i++) {
  const subject = { kind: 'alert', id: `${process.pid}-${i}` };
  await database.withActor(system('test'), (tx) => record(tx, { action: 'alert.edited', subject }));
  process.stdout.write(`${subject.id}\n`);
}
