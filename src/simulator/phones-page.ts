import { type Handset, type HandsetMessage, isReply } from './handsets.ts';
import type { Notification, Status } from './notifications.ts';
import { type ShownTime, paginate, showTime } from './page-links.ts';
import type { PageCall } from './page-call.ts';
import { parsePhoneNumber } from './phone-number.ts';
import { suggestReplies } from './reply-suggestions.ts';
import type { Simulation } from './simulation.ts';
import { normaliseSmsText } from './sms-text.ts';

const HANDSETS_A_PAGE = 60;
/** Messages on a handset of the overview; its own page has all. */
const MESSAGES_ON_CARD = 6;
const MESSAGES_ON_OWN_PAGE = 500;
/** A handset that had a text this lately has its screen lit. */
const LIT_FOR_MS = 20_000;
const REPLY_LIMIT = 1_600;

type Tag = { readonly text: string; readonly kind: 'good' | 'bad' | 'waiting' };

type MessageView = {
  readonly id: string;
  readonly isReply: boolean;
  readonly text: string;
  readonly time: ShownTime;
  readonly tag: Tag | null;
  readonly fragments: string;
};

export type HandsetView = {
  readonly id: string;
  readonly number: string;
  readonly label: string;
  readonly isLit: boolean;
  readonly messages: readonly MessageView[];
  readonly total: number;
  readonly suggestions: readonly string[];
};

const TAGS: Readonly<Record<Status, Tag>> = {
  created: { text: 'On its way', kind: 'waiting' },
  sending: { text: 'On its way', kind: 'waiting' },
  sent: { text: 'Sent abroad', kind: 'waiting' },
  delivered: { text: 'Delivered', kind: 'good' },
  'temporary-failure': { text: 'Undelivered: phone off', kind: 'bad' },
  'permanent-failure': { text: 'Undelivered: no such number', kind: 'bad' },
  'technical-failure': { text: 'Undelivered: not handed over', kind: 'bad' },
};

/** Answers `/phones` and what is below it; false for any other path. */
export async function handlePhones(call: PageCall): Promise<boolean> {
  const { path, request, response, simulation } = call;
  if (path === '/phones') {
    showOverview(call);
    return true;
  }
  if (path === '/phones/events') {
    simulation.live.open(response);
    return true;
  }
  const match = /^\/phones\/(\d{1,20})(\/replies)?$/.exec(path);
  if (match === null) return false;
  const handset = simulation.handsets.find(match[1]!) ?? takeUnused(match[1]!);
  if (handset === undefined) return false;
  if (match[2] === undefined) showHandset(call, handset);
  else if (request.method === 'POST') await sendReply(call, handset);
  else call.redirect(`/phones/${handset.number}`);
  return true;
}

/** A phone that no text was sent to yet: its page waits for the first, and it can text in. */
function takeUnused(number: string): Handset | undefined {
  const parsed = parsePhoneNumber(`+${number}`);
  return parsed.ok && parsed.normalised === number
    ? { number, messages: [], lastAt: 0 }
    : undefined;
}

function showOverview({ simulation, query, render }: PageCall): void {
  const search = (query.get('number') ?? '').trim();
  const digits = searchedDigits(search);
  const isNumber = search === '' || digits !== '';
  const found = isNumber ? simulation.handsets.search(digits) : [];
  const { shown, links } = paginate(found, HANDSETS_A_PAGE, query);
  const wanted = parsePhoneNumber(search);
  render('phones.njk', {
    current: 'phones',
    search,
    found: found.length,
    unused: found.length === 0 && wanted.ok ? toLink(wanted.normalised) : null,
    counts: {
      handsets: simulation.handsets.count,
      texts: simulation.handsets.textCount,
      replies: simulation.handsets.replyCount,
    },
    handsets: shown.map((handset) => toView(simulation, handset, MESSAGES_ON_CARD)),
    links,
    back: query.size === 0 ? '/phones' : `/phones?${query.toString()}`,
  });
}

function toLink(number: string): { readonly number: string; readonly label: string } {
  return { number, label: formatNumber(number) };
}

function showHandset({ simulation, render }: PageCall, handset: Handset): void {
  const view = toView(simulation, handset, MESSAGES_ON_OWN_PAGE);
  render('phone.njk', { current: 'phones', handset: view, back: `/phones/${handset.number}` });
}

async function sendReply(call: PageCall, handset: Handset): Promise<void> {
  const form = await call.form();
  const text = (form.get('chosen') ?? form.get('text') ?? '').trim().slice(0, REPLY_LIMIT);
  if (text !== '') await call.simulation.reply(handset.number, text);
  const back = form.get('back') ?? '';
  // Only our own pages: a form must not send a visitor elsewhere.
  const target = /^\/phones(\/\d+)?(\?[^#]*)?$/.test(back) ? back : '/phones';
  call.redirect(`${target}#handset-${handset.number}`);
}

/** People type 07700 900123; handsets are kept as 447700900123. */
function searchedDigits(search: string): string {
  return search.replace(/\D/g, '').replace(/^0/, '');
}

function toView(simulation: Simulation, handset: Handset, limit: number): HandsetView {
  const nowMs = simulation.settings.now();
  const present = handset.messages.filter((message) => isReply(message) || !message.isDeleted);
  const newest = present.slice(-limit).reverse();
  const lastText = newest.find((message): message is Notification => !isReply(message));
  return {
    id: `handset-${handset.number}`,
    number: handset.number,
    label: formatNumber(handset.number),
    isLit:
      lastText !== undefined &&
      TAGS[lastText.status].kind !== 'bad' &&
      nowMs - lastText.createdAt / 1000 < LIT_FOR_MS,
    messages: newest.map((message) => toMessage(simulation, message, nowMs)),
    total: present.length,
    suggestions: lastText === undefined ? [] : suggestReplies(lastText.body),
  };
}

function toMessage(simulation: Simulation, message: HandsetMessage, nowMs: number): MessageView {
  const time = showTime(message.createdAt, nowMs);
  if (isReply(message)) {
    const { id, content } = message;
    return { id, isReply: true, text: content, time, tag: null, fragments: '' };
  }
  const { prefixOn, serviceName } = simulation.settings;
  return {
    id: message.id,
    isReply: false,
    text: prefixOn ? normaliseSmsText(message.body, serviceName) : message.body,
    time,
    tag: TAGS[message.status],
    fragments: message.fragments === 1 ? '1 fragment' : `${message.fragments} fragments`,
  };
}

/** `07700 900 123` for mobiles of the country, `+` and digits for others. */
export function formatNumber(number: string): string {
  const national = /^44(\d{4})(\d{3})(\d{3})$/.exec(number);
  if (national === null) return `+${number}`;
  return `0${national[1]!} ${national[2]!} ${national[3]!}`;
}
