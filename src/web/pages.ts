/** What every page gets beside its own model, and the pages that the kit itself shows. */
import { may } from '#kernel/actor.ts';
import type { Context, Kit } from './kit.ts';
import type { Problem } from './problems.ts';
import type { Posted } from './body.ts';
import { many } from './forms.ts';

/** `site` in every template; its fields are listed in web/README.md. */
export type Site = {
  readonly name: string;
  readonly demonstration: boolean;
  readonly path: string;
  readonly now: Date;
  readonly notice: string;
  readonly person: string;
  readonly navigation: readonly { href: string; text: string; current: boolean }[];
};

export type PageFrame = {
  readonly path: string;
  readonly notice?: string;
  /** The present where it is not told by the clock of the server. */
  readonly now?: Date;
};

export function renderPage(
  kit: Kit,
  context: Pick<Context, 'nonce' | 'session' | 'actor'>,
  frame: PageFrame,
  page: { readonly template: string; readonly model: object },
): string {
  const { installation } = kit.options;
  const site: Site = {
    name: installation.name,
    demonstration: installation.kind === 'demonstration',
    path: frame.path,
    now: frame.now ?? kit.now(),
    notice: frame.notice ?? '',
    // A contact has no account and no menu: its pages say themselves who it is.
    person: context.actor.kind === 'person' ? (context.session?.name ?? '') : '',
    navigation: navigationFor(kit, context, frame.path),
  };
  return kit.views.render(page.template, { ...page.model, site, cspNonce: context.nonce });
}

function navigationFor(
  kit: Kit,
  context: Pick<Context, 'session' | 'actor'>,
  path: string,
): Site['navigation'] {
  if (context.session === undefined) return [];
  const here = path.split('?')[0] ?? '/';
  const items = (kit.options.navigation ?? []).filter(
    ({ permission }) => permission === undefined || may(context.actor, permission),
  );
  // The longest address that this path lies under, so that `/` is not always the current one.
  const [current] = items
    .flatMap((item) => [item.href, ...(item.also ?? [])].map((href) => ({ item, href })))
    .filter(({ href }) => here === href || (href !== '/' && here.startsWith(`${href}/`)))
    .sort((a, b) => b.href.length - a.href.length);
  return items.map((item) => {
    const { href, text } = item;
    return { href, text, current: item === current?.item };
  });
}

export function problemPage(
  kit: Kit,
  context: Context,
  frame: PageFrame,
  problem: Problem,
): string {
  const fields = Object.entries(problem.fields ?? {}).map(([field, message]) => ({
    field,
    message,
  }));
  const kept = (problem.kept ?? []).filter(({ text }) => text.trim() !== '');
  const posted = problem.posted && withFields(problem.posted);
  const model = { problem: { ...problem, fields, kept }, posted, requestId: context.id };
  return renderPage(kit, context, frame, { template: 'web/problem.njk', model });
}

/**
 * Somebody posted a form after their session ended: the answer holds all of it, so that nothing
 * typed is lost. Sending again posts the same fields to the same address.
 */
export function signedOutPage(
  kit: Kit,
  context: Context,
  posted: Posted,
  signInPath: string,
): string {
  const frame = { path: posted.path };
  const model = { posted: withFields(posted), signInPath };
  return renderPage(kit, context, frame, { template: 'web/signed-out.njk', model });
}

/** Somebody posted what needs a fresh proof: the answer asks for it and sends the same on. */
export function provePage(kit: Kit, context: Context, posted: Posted, provePath: string): string {
  const model = { posted: withFields(posted), provePath };
  return renderPage(kit, context, { path: posted.path }, { template: 'web/prove.njk', model });
}

function withFields(posted: Posted) {
  const fields = Object.entries(posted.form).flatMap(([name, value]) =>
    many(value).map((one) => ({ name, value: one })),
  );
  return { ...posted, fields };
}

/** For the moment when even the error page cannot be printed. */
export const lastResortPage = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<title>Something went wrong – Tocsin</title></head><body><main><h1>Something went wrong</h1>
<p>This is a fault of Tocsin, not of yours, and it was recorded.</p></main></body></html>
`;
