/** Each page of the main job in each of its states, for `every-page.test.ts` to look at. */
import { readFileSync } from 'node:fs';
import type { BrowserPage } from '../support/browser.ts';

/** Who looks. */
export type Who = 'officer' | 'approver' | 'administrator' | 'second' | 'lead' | 'chair' | 'nobody';

/** What stands in a path in the place of a parameter, by what it is of. */
export const ids: Record<string, string> = {};

export type Scene = {
  /** What makes it another picture of the same page. */
  readonly state: string;
  /** With names of `ids` in braces. */
  readonly path: string;
  /** The officer unless told; undefined: a visitor. */
  readonly as?: Who | 'visitor';
  /** Brings the page into the state. */
  readonly act?: (page: BrowserPage) => Promise<void>;
};

const press = (name: string) => async (page: BrowserPage) =>
  await page.getByRole('button', { name, exact: true }).first().click();

/** Gives back the file with one rule changed. */
async function proposeChange(page: BrowserPage): Promise<void> {
  const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
  const later = shipped.replace('silent_after: 3', 'silent_after: 4');
  const buffer = Buffer.from(later);
  await page.locator('#file').setInputFiles({ name: 'a.yaml', mimeType: 'text/yaml', buffer });
  await page.getByLabel('Why').fill('Three are too few');
  await press('Propose')(page);
}

/** Whoever has a text asks without the address it came to. */
async function doubt(page: BrowserPage): Promise<void> {
  await page.fill('#alert', ids['number']!);
  await page.fill('#code', '0000');
  await press('Check it')(page);
  await page.getByText('is ours.').waitFor();
}

/** By the pattern of the route. */
export const scenes: Readonly<Record<string, readonly Scene[]>> = {
  '/': [
    { state: 'busy', path: '/' },
    { state: 'of a region', path: '/', as: 'lead' },
  ],
  '/account': [
    { state: 'no number', path: '/account' },
    { state: 'wrong number', path: '/account', act: press('Save the number') },
    { state: 'no role', path: '/account', as: 'nobody' },
  ],
  '/changes': [
    { state: 'some', path: '/changes', as: 'administrator' },
    { state: 'of others', path: '/changes' },
  ],
  '/changes/:id': [
    { state: 'mine', path: '/changes/{change}', as: 'administrator' },
    { state: 'to approve', path: '/changes/{change}', as: 'second' },
    {
      state: 'returned without a reason',
      path: '/changes/{change}',
      as: 'second',
      act: press('Return'),
    },
  ],
  '/account/passkeys/new': [{ state: 'asks', path: '/account/passkeys/new' }],
  '/alerts': [{ state: 'some', path: '/alerts' }],
  '/alerts/drafts': [{ state: 'some', path: '/alerts/drafts' }],
  '/alerts/:id': [
    { state: 'draft', path: '/alerts/{draft}' },
    { state: 'to approve', path: '/alerts/{waiting}', as: 'approver' },
    { state: 'shaped', path: '/alerts/{waiting}' },
    { state: 'may go alone', path: '/alerts/{holding}' },
    {
      state: 'returned without a reason',
      path: '/alerts/{waiting}',
      as: 'approver',
      act: async (page) => {
        const form = page.locator('form[action$="/return"]');
        if (!(await form.isVisible())) await page.locator('details summary').last().click();
        await form.getByRole('button').click();
      },
    },
  ],
  '/alerts/:id/alone': [
    { state: 'asks', path: '/alerts/{holding}/alone' },
    {
      state: 'another number',
      path: '/alerts/{holding}/alone',
      act: press('Send it alone, now'),
    },
    { state: 'needs two', path: '/alerts/{waiting}/alone' },
  ],
  '/alerts/:id/review': [
    { state: 'owed', path: '/alerts/{alone}/review', as: 'approver' },
    {
      state: 'no finding',
      path: '/alerts/{alone}/review',
      as: 'approver',
      act: press('Write it down'),
    },
    { state: 'mine', path: '/alerts/{alone}/review' },
  ],
  '/alerts/:id/because': [
    { state: 'live', path: '/alerts/{live}/because' },
    { state: 'corrected', path: '/alerts/{corrected}/because' },
  ],
  '/alerts/:id/board': [
    { state: 'live', path: '/alerts/{live}/board' },
    { state: 'of a region', path: '/alerts/{live}/board', as: 'lead' },
    { state: 'paused', path: '/alerts/{paused}/board' },
    { state: 'corrected', path: '/alerts/{corrected}/board' },
    { state: 'closed', path: '/alerts/{closed}/board' },
    { state: 'sent alone', path: '/alerts/{alone}/board' },
  ],
  '/alerts/:id/calls': [
    { state: 'some', path: '/alerts/{live}/calls' },
    { state: 'told before a correction', path: '/alerts/{corrected}/calls' },
    { state: 'of a region', path: '/alerts/{live}/calls', as: 'lead' },
    { state: 'none', path: '/alerts/{closed}/calls' },
  ],
  '/alerts/:id/calls/:organisationId': [
    { state: 'free', path: '/alerts/{live}/calls/{Eastvale}' },
    { state: 'mine', path: '/alerts/{live}/calls/{Lonely}' },
    {
      state: 'nothing chosen',
      path: '/alerts/{live}/calls/{Lonely}',
      act: press('Write it down'),
    },
    { state: 'another’s', path: '/alerts/{live}/calls/{Lonely}', as: 'lead' },
    { state: 'told before', path: '/alerts/{corrected}/calls/{Lonely}' },
    { state: 'answered', path: '/alerts/{live}/calls/{Northmoor}' },
  ],
  '/alerts/:id/closing': [{ state: 'asks', path: '/alerts/{live}/closing' }],
  '/alerts/:id/withdrawal': [
    { state: 'asks', path: '/alerts/{live}/withdrawal' },
    { state: 'no reason', path: '/alerts/{live}/withdrawal', act: press('Withdraw the alert now') },
    { state: 'nothing is out', path: '/alerts/{draft}/withdrawal' },
  ],
  '/alerts/:id/dry-run': [{ state: 'gaps', path: '/alerts/{draft}/dry-run' }],
  '/alerts/:id/edit': [{ state: 'draft', path: '/alerts/{draft}/edit' }],
  '/alerts/:id/ledger': [
    { state: 'waiting', path: '/alerts/{paused}/ledger?show=waiting' },
    { state: 'none gone', path: '/alerts/{paused}/ledger?show=gone' },
  ],
  '/alerts/:id/messages': [
    { state: 'texts', path: '/alerts/{live}/messages?channel=text&show=delivered' },
    { state: 'none', path: '/alerts/{live}/messages?channel=text&show=failed' },
  ],
  '/alerts/:id/organisations': [
    { state: 'some', path: '/alerts/{live}/organisations?show=must_answer' },
    { state: 'none', path: '/alerts/{live}/organisations?show=affected' },
  ],
  '/alerts/:id/organisations/:organisationId': [
    { state: 'answered', path: '/alerts/{live}/organisations/{Northmoor}' },
    {
      state: 'their numbers',
      path: '/alerts/{live}/organisations/{Northmoor}',
      act: press('Show their numbers'),
    },
    {
      state: 'nothing chosen',
      path: '/alerts/{live}/organisations/{Northmoor}',
      act: press('Write it down'),
    },
    { state: 'nobody on file', path: '/alerts/{live}/organisations/{Lonely}' },
  ],
  '/alerts/:id/uncertain': [{ state: 'none', path: '/alerts/{live}/uncertain' }],
  '/alerts/:id/versions': [{ state: 'two', path: '/alerts/{corrected}/versions' }],
  '/alerts/:id/rules': [{ state: 'under older rules', path: '/alerts/{older}/rules' }],
  '/alerts/:id/wall': [{ state: 'live', path: '/alerts/{live}/wall' }],
  '/alerts/holding': [{ state: 'new', path: '/alerts/holding' }],
  '/alerts/new': [{ state: 'new', path: '/alerts/new' }],
  '/alerts/new-exercise': [{ state: 'new', path: '/alerts/new-exercise' }],
  '/desk/:id': [
    { state: 'help, mine', path: '/desk/{help}' },
    { state: 'no outcome', path: '/desk/{help}', act: press('Close all of it') },
    { state: 'another’s', path: '/desk/{help}', as: 'administrator' },
    { state: 'closed', path: '/desk/{stop}' },
    { state: 'a foreign code', path: '/desk/{wrong_code}' },
    { state: 'not ours', path: '/desk/{not_ours}' },
    { state: 'a stranger', path: '/desk/{unknown_sender}' },
    { state: 'of the centre', path: '/desk/{colleague}' },
  ],
  '/gateways': [{ state: 'one', path: '/gateways' }],
  '/single-messages': [{ state: 'some', path: '/single-messages' }],
  '/issuers': [{ state: 'none', path: '/issuers', as: 'administrator' }],
  '/kev': [{ state: 'empty', path: '/kev' }],
  '/passkey': [{ state: 'asks', path: '/passkey' }],
  '/keys': [{ state: 'some', path: '/keys', as: 'administrator' }],
  '/keys/new': [
    { state: 'new', path: '/keys/new', as: 'administrator' },
    { state: 'empty', path: '/keys/new', as: 'administrator', act: press('Propose') },
  ],
  '/legal-holds': [{ state: 'some', path: '/legal-holds', as: 'administrator' }],
  '/legal-holds/new': [{ state: 'on all', path: '/legal-holds/new', as: 'administrator' }],
  '/legal-holds/:id': [{ state: 'one', path: '/legal-holds/{hold}', as: 'administrator' }],
  '/people': [{ state: 'some', path: '/people', as: 'administrator' }],
  '/people/:id': [{ state: 'an officer', path: '/people/{officer}', as: 'administrator' }],
  '/people/invite': [
    { state: 'new', path: '/people/invite', as: 'administrator' },
    { state: 'empty', path: '/people/invite', as: 'administrator', act: press('Invite') },
  ],
  '/spaces': [
    { state: 'some', path: '/spaces', as: 'administrator' },
    { state: 'of a lead', path: '/spaces', as: 'chair' },
    { state: 'none', path: '/spaces', as: 'nobody' },
  ],
  '/spaces/:id': [
    { state: 'of its lead', path: '/spaces/{space}', as: 'chair' },
    { state: 'nobody typed', path: '/spaces/{space}', as: 'chair', act: press('Let in') },
    { state: 'of an administrator', path: '/spaces/{space}', as: 'administrator' },
    { state: 'closed', path: '/spaces/{closedSpace}', as: 'administrator' },
  ],
  '/spaces/:id/close': [{ state: 'asks', path: '/spaces/{space}/close', as: 'administrator' }],
  '/spaces/open': [
    { state: 'new', path: '/spaces/open', as: 'administrator' },
    { state: 'empty', path: '/spaces/open', as: 'administrator', act: press('Open it') },
  ],
  '/replica': [{ state: 'none', path: '/replica' }],
  '/sign-in': [{ state: 'a demonstration', path: '/sign-in', as: 'visitor' }],
  '/sign-in/more/:id': [
    { state: 'asks', path: '/sign-in/more/00000000-0000-7000-8000-000000000000', as: 'visitor' },
  ],
  '/sign-in/with/:issuer/return': [
    { state: 'dead', path: '/sign-in/with/none/return', as: 'visitor' },
  ],
  '/sign-in/link/:token': [{ state: 'dead', path: '/sign-in/link/none', as: 'visitor' }],
  '/:number': [
    { state: 'public', path: '/{number}', as: 'visitor' },
    { state: 'corrected', path: '/{correctedNumber}', as: 'visitor' },
    { state: 'nothing typed', path: '/{number}', as: 'visitor', act: press('Go on') },
    { state: 'no such', path: '/99999', as: 'visitor' },
  ],
  '/:number/versions/:version': [
    { state: 'old', path: '/{correctedNumber}/versions/1', as: 'visitor' },
  ],
  '/genuine': [
    { state: 'asks', path: '/genuine', as: 'visitor' },
    { state: 'nothing typed', path: '/genuine', as: 'visitor', act: press('Check it') },
    { state: 'without an address', path: '/genuine', as: 'visitor', act: doubt },
  ],
  '/proof': [{ state: 'asks', path: '/proof', as: 'visitor' }],
  '/public': [
    { state: 'some', path: '/public', as: 'visitor' },
    { state: 'none', path: '/public?words=nowhere', as: 'visitor' },
  ],
  '/audit': [
    { state: 'some', path: '/audit', as: 'administrator' },
    { state: 'nothing fits', path: '/audit?action=nothing.done', as: 'administrator' },
  ],
  '/what-if': [
    { state: 'an imagined alert', path: '/what-if' },
    { state: 'wrong numbers', path: '/what-if?seed=x' },
  ],
  '/what-if/year': [
    { state: 'asks', path: '/what-if/year' },
    { state: 'played', path: '/what-if/year?go=yes&whole=yes' },
  ],
  '/operating-model': [
    { state: 'in force', path: '/operating-model' },
    { state: 'of an administrator', path: '/operating-model', as: 'administrator' },
  ],
  '/operating-model/as-at': [{ state: 'today', path: '/operating-model/as-at' }],
  '/operating-model/history': [{ state: 'as it began', path: '/operating-model/history' }],
  '/operating-model/propose': [
    { state: 'empty', path: '/operating-model/propose', as: 'administrator' },
    {
      state: 'without a file',
      path: '/operating-model/propose',
      as: 'administrator',
      act: press('Propose'),
    },
  ],
  '/operating-model/proposals/:id': [
    {
      state: 'waits for a second person',
      path: '/operating-model/propose',
      as: 'administrator',
      act: proposeChange,
    },
  ],
  '/operating-model/rules/:sha256': [{ state: 'in force', path: '/operating-model/rules/{rules}' }],
  '/operating-model/versions/:number': [
    { state: 'the first', path: '/operating-model/versions/1' },
  ],
  '/ring-through': [{ state: 'a card', path: '/ring-through', as: 'visitor' }],
};
