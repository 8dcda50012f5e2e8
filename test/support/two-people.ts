/** The two people of a demonstration at the real program: one writes an alert, the other sends it. */
import { PageClient } from './page-client.ts';

/** By the button of the demonstration with this name. */
export async function signIn(address: string, name: string): Promise<PageClient> {
  const client = new PageClient(address);
  await client.get('/sign-in');
  await client.submit(`Continue as ${name}`);
  return client;
}

/** The path of an alert that was written, submitted, approved and released. */
export async function releaseByTwoPeople(address: string): Promise<string> {
  const officer = await signIn(address, 'Amara Osei');
  await officer.get('/alerts/new');
  const check = await officer.submit('/alerts/new', {
    title: 'Ransomware through Citrix gateways',
    severity: 'critical',
    what: 'ransomware via Citrix',
    doNow: 'Isolate Citrix gateways now.',
    next: 'check',
  });
  await officer.submit('Submit for approval');
  const approver = await signIn(address, 'Tom Lindqvist');
  await approver.get(check.path);
  await approver.submit('Approve and send now');
  return check.path;
}

/** How often the simulated Notify accepted each message, from its own ledger. */
export async function acceptedByMessage(phonesAddress: string): Promise<Map<string, number>> {
  const answer = await fetch(new URL('/_control/ledger?type=accepted', phonesAddress));
  const { entries } = (await answer.json()) as { entries: { reference: string }[] };
  const counts = new Map<string, number>();
  for (const { reference } of entries) {
    const message = reference.replace(/-\d+-\d+$/, '');
    counts.set(message, (counts.get(message) ?? 0) + 1);
  }
  return counts;
}
