/** Writes migrations/schema.sql from the migrations as they are: `node scripts/write-schema.ts`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { dumpSchema } from '#db/dump-schema.ts';
import { MIGRATIONS_FOLDER } from '#db/migration-files.ts';
import { cloneDatabase } from '../test/support/database.ts';

const database = await cloneDatabase();
const client = new Client(database.config);
await client.connect();
writeFileSync(path.join(MIGRATIONS_FOLDER, 'schema.sql'), await dumpSchema(client));
await client.end();
await database.drop();
