/** The page behind the link of a mail: what is on file, and the button that says it is right. */
import { z } from 'zod';
import type { Database } from '#db/database.ts';
import type { Refused } from '#kernel/outcome.ts';
import { formModel, many, page, view, type Reply, type Route } from '#web/index.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import type { ContactRules } from '../model.ts';
import type { EnrolmentRules } from './enrol.ts';
import { confirmStillRight, openStillRight, type Link } from './still-right.ts';

export type StillRightRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: ContactRules & Pick<EnrolmentRules, 'helpLine'>;
  readonly secrets: DirectorySecrets;
};

/** Many people sit behind one address of their organisation's network. */
const POSTS_PER_MINUTE_MAX = 60;

const path = '/still-right/:point/:key';
const params = z.object({ point: z.uuid(), key: z.string().max(100) });

export function stillRightRoutes({ database, model, secrets }: StillRightRoutesContext): Route[] {
  const { helpLine } = model;
  const linkOf = ({ point, key }: z.output<typeof params>): Link => ({
    contactPointId: point,
    key,
  });
  const deadLink = (): Reply =>
    view('organisations/still-right-dead.njk', { helpLine }, { status: 409 });
  const show = async (asked: z.output<typeof params>, wrong?: Refused): Promise<Reply> => {
    const found = await openStillRight(database, linkOf(asked), secrets);
    if (!found.ok) return deadLink();
    const owners = found.value.map((owner) => ({
      ...owner,
      roleLabel: model.contactRoles[owner.role]?.label ?? owner.role,
    }));
    const form = formModel(['code'], {}, wrong?.fields);
    const status = wrong === undefined ? 200 : 422;
    return view('organisations/still-right.njk', { owners, ...asked, helpLine, form }, { status });
  };
  return [
    page({
      method: 'GET',
      path,
      access: 'public',
      params,
      handle: async ({ params: asked }) => await show(asked),
    }),
    page({
      method: 'POST',
      path,
      access: 'public',
      params,
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      async handle({ params: asked, form }) {
        const code = many(form['code'])[0] ?? '';
        const done = await confirmStillRight(database, { ...linkOf(asked), code }, secrets);
        if (done.ok) return view('organisations/still-right-done.njk', { helpLine });
        return done.kind === 'invalid' ? await show(asked, done) : deadLink();
      },
    }),
  ];
}
