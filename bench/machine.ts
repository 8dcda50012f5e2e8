/** On what the figures were measured: without it they say nothing. */
import os from 'node:os';

export type Machine = {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGigabytes: number;
  readonly node: string;
  readonly postgresql: string;
};

/** This machine, with the PostgreSQL that serves the run. */
export function readMachine(postgresql: string): Machine {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cpus: cpus.length,
    memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
    node: process.versions.node,
    postgresql,
  };
}

export function describeMachine(machine: Machine): string {
  const { cpu, cpus, memoryGigabytes, node, postgresql } = machine;
  return `${cpus} x ${cpu}, ${memoryGigabytes} GB, Node ${node}, PostgreSQL ${postgresql}`;
}
