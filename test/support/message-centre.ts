/** A message centre (SMPP server) of the package's own, which does as a test tells it. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer, PDU, type Session } from 'smpp';

/** What it does with a packet; nothing told: it answers well. */
export type Behave = (packet: PDU, session: Session) => PDU | 'silence' | undefined;

export type MessageCentre = {
  readonly url: string;
  /** Every `submit_sm`, in order. */
  readonly submitted: PDU[];
  readonly binds: PDU[];
  behave(behave: Behave): void;
  /** Brings a receipt or a text to whoever is bound; the status of the answer. */
  deliver(fields: Readonly<Record<string, unknown>>): Promise<number>;
  /** Breaks every connection, as a network does. */
  cut(): void;
  /** Resolves when `holds`, looked at after each packet. */
  until(holds: () => boolean): Promise<void>;
};

export async function startMessageCentre(
  context: Pick<TestContext, 'after'>,
  idOf: (count: number) => string = (count) => `id-${count}`,
): Promise<MessageCentre> {
  const sessions = new Set<Session>();
  const [submitted, binds]: [PDU[], PDU[]] = [[], []];
  const watchers = new Set<() => void>();
  let behaviour: Behave = () => undefined;
  const answered = (packet: PDU): PDU => {
    if (packet.command !== 'submit_sm') return packet.response();
    return packet.response({ message_id: idOf(submitted.length) });
  };
  const server: Server = createServer((session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
    session.on('pdu', (packet: PDU) => {
      if (packet.command === 'submit_sm') submitted.push(packet);
      if (packet.command === 'bind_transceiver') binds.push(packet);
      if (packet.isResponse()) return;
      const answer = behaviour(packet, session) ?? answered(packet);
      if (answer !== 'silence') session.send(answer);
      for (const look of watchers) look();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const session of sessions) session.destroy();
  };
  context.after(() => {
    cut();
    server.close();
  });
  return {
    url: `smpp://me:secret@127.0.0.1:${(server.address() as AddressInfo).port}`,
    submitted,
    binds,
    behave: (behave) => void (behaviour = behave),
    deliver: (fields) =>
      new Promise((resolve, reject) => {
        const [session] = [...sessions].slice(-1);
        if (session === undefined) reject(new Error('nobody is bound'));
        session?.send(new PDU('deliver_sm', fields), (answer) => resolve(answer.command_status));
      }),
    cut,
    until: (holds) =>
      new Promise((resolve) => {
        const look = () => {
          if (!holds()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
  };
}

/** A receipt in the words of appendix B. */
export function receiptOf(id: string, stat: string, from = '447700900123') {
  return {
    esm_class: 0x04,
    source_addr: from,
    destination_addr: '447700900998',
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611260312 done date:2611260313 stat:${stat} err:000 text:NHS CYBER`,
  };
}
