/**
 * What each kind of gateway can do for us. From this declaration, not from its name, follow the
 * rights of the engine: what may be looked up, what may be sent again, whose silence means what.
 */
export type Capabilities = {
  /** It can be asked for a message by the reference we gave. */
  readonly canBeAsked: boolean;
  /** How long it may take to show what it took, in ms. */
  readonly askLagMs?: number;
  /** How long it surely keeps what it took, in ms: later, "absent" proves nothing. */
  readonly keepsMs?: number;
  /** A reference that it has seen is not sent again. */
  readonly deduplicates?: boolean;
  /** What people answer comes back through it. */
  readonly takesReplies: boolean;
  /** It can be told until when a message is worth delivering. */
  readonly limitsValidity?: boolean;
  /** What it reports by itself: the end of each message, only failures, or nothing. */
  readonly receipts?: ReceiptKind;
};

export type ReceiptKind = 'final' | 'failures' | 'none';

export type GatewayKind = 'notify' | 'smtp' | 'smpp';

export const gatewayKinds: readonly GatewayKind[] = ['notify', 'smtp', 'smpp'];

const DAY_MS = 86_400_000;

const capabilities = {
  notify: {
    channels: ['text', 'mail'],
    canBeAsked: true,
    // The look-up reads the primary database.
    askLagMs: 0,
    // The least that a service can choose (3 to 90 days).
    keepsMs: 3 * DAY_MS,
    takesReplies: true,
    receipts: 'final',
  },
  // A mailbox reports what it refused later, never that somebody has it.
  smtp: { channels: ['mail'], canBeAsked: false, takesReplies: false, receipts: 'failures' },
  smpp: {
    channels: ['text'],
    canBeAsked: false,
    takesReplies: true,
    limitsValidity: true,
    receipts: 'final',
  },
} as const satisfies Record<
  GatewayKind,
  Capabilities & { readonly channels: readonly ('text' | 'mail')[] }
>;

/** The channels that a kind of gateway serves. */
export function channelsOf(kind: GatewayKind): readonly ('text' | 'mail')[] {
  return capabilities[kind].channels;
}

/** What a gateway of this kind can do on this channel: nobody answers a mail to us. */
export function capabilitiesOf(kind: GatewayKind, channel: 'text' | 'mail'): Capabilities {
  const { channels: _, ...can }: Capabilities & { channels: unknown } = capabilities[kind];
  return { ...can, takesReplies: can.takesReplies && channel === 'text' };
}
