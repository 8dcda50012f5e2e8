/** Figures for Prometheus that come from the database when they are asked for. */
import { Gauge, Registry } from 'prom-client';
import { system } from '#kernel/actor.ts';
import { readLogHead } from '#audit/index.ts';
import type { Database } from '#db/database.ts';
import { readAudit } from '#dispatch/index.ts';

/** What the auditor found, whichever process it runs in, and how long ago. */
export function registryOf(database: Database): Registry {
  const registry = new Registry();
  const read = async () =>
    await database.withActor(system('metrics'), async (tx) => ({
      report: await readAudit(tx),
      head: await readLogHead(tx),
    }));
  // One reading for all: they are collected at once, and one that another fills is told as it was.
  let reading: ReturnType<typeof read> | undefined;
  const readNow = async () => await (reading ??= read().finally(() => (reading = undefined)));
  const broken = new Gauge({
    name: 'tocsin_invariant_breaches',
    help: 'What breaks an invariant of the dispatch engine; 0 where it holds',
    labelNames: ['invariant'],
    registers: [],
    async collect() {
      const { report } = await readNow();
      for (const { id, breaches } of report.checked) this.set({ invariant: id }, breaches);
    },
  });
  const unsigned = new Gauge({
    name: 'tocsin_audit_unsigned',
    help: '1 where the audit log is signed no more; the page Audit says why',
    registers: [],
    async collect() {
      this.set((await readNow()).head.stoppedReason === null ? 0 : 1);
    },
  });
  const audited = new Gauge({
    name: 'tocsin_audited_timestamp_seconds',
    help: 'When the invariants were last checked as a whole; 0 where never',
    registers: [],
    async collect() {
      this.set(((await readNow()).report.auditedAt?.getTime() ?? 0) / 1000);
    },
  });
  for (const gauge of [broken, unsigned, audited]) registry.registerMetric(gauge);
  return registry;
}
