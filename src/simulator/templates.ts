import { badRequest, noResult } from './answers.ts';
import { markdownToHtml } from './markdown.ts';
import { type Personalisation, Values, fill, listPlaceholders } from './personalisation.ts';
import type { Channel, TemplateOption } from './settings.ts';
import { normaliseSmsText } from './sms-text.ts';
import { formatTimestamp } from './timestamps.ts';
import { tidySubject } from './typography.ts';

export type Template = {
  readonly id: string;
  readonly type: Channel;
  readonly name: string;
  readonly version: number;
  readonly body: string;
  readonly subject: string | null;
  readonly archived: boolean;
  /** Microseconds, as all times of rows. */
  readonly createdAt: number;
  readonly updatedAt: number | null;
  readonly placeholders: readonly string[];
};

export type TemplateChange = {
  readonly id: string;
  readonly type?: Channel | undefined;
  readonly name?: string | undefined;
  readonly body?: string | undefined;
  readonly subject?: string | undefined;
  readonly archived?: boolean | undefined;
};

/** What a filled template says, before any service-name prefix. */
export type FilledTemplate = { readonly body: string; readonly subject: string | null };

/** Templates with all their versions; a change makes a new version, old rows keep theirs. */
export class TemplateStore {
  readonly #versions = new Map<string, Template[]>();

  constructor(options: readonly TemplateOption[], createdAt: number) {
    for (const option of options) this.put(option, createdAt);
  }

  /** Adds a template or a version of one, and gives it back. */
  put(change: TemplateChange, at: number): Template {
    const id = change.id.toLowerCase();
    const before = this.#versions.get(id)?.at(-1);
    const type = change.type ?? before?.type ?? 'sms';
    const body = change.body ?? before?.body ?? '((body))';
    const subject = type === 'email' ? (change.subject ?? before?.subject ?? '((subject))') : null;
    const template: Template = {
      id,
      type,
      name: change.name ?? before?.name ?? 'Template',
      version: (before?.version ?? 0) + 1,
      body,
      subject,
      archived: change.archived ?? before?.archived ?? false,
      createdAt: before?.createdAt ?? at,
      updatedAt: before === undefined ? null : at,
      placeholders: subject === null ? listPlaceholders(body) : listPlaceholders(subject, body),
    };
    this.#versions.set(id, [...(this.#versions.get(id) ?? []), template]);
    return template;
  }

  find(id: string, version?: number): Template | undefined {
    const versions = this.#versions.get(id);
    return version === undefined ? versions?.at(-1) : versions?.[version - 1];
  }

  /** @throws NotifyError 404. */
  get(id: string, version?: number): Template {
    const template = this.find(id, version);
    if (template === undefined) throw noResult();
    return template;
  }

  /** Newest versions, archived ones left out, by name and then type. */
  list(type: string | null): Template[] {
    return [...this.#versions.values()]
      .map((versions) => versions.at(-1)!)
      .filter((template) => !template.archived && (type === null || template.type === type))
      .sort((a, b) => a.name.localeCompare(b.name) || a.type.localeCompare(b.type));
  }
}

/** @throws NotifyError when a value is missing. */
export function fillTemplate(template: Template, personalisation: Personalisation): FilledTemplate {
  const values = new Values(personalisation);
  const missing = template.placeholders.filter((name) => !values.has(name));
  if (missing.length > 0) throw badRequest(`Missing personalisation: ${missing.join(', ')}`);
  if (template.type === 'sms') {
    const filled = fill(template.body, values, 'sentence');
    return { body: normaliseSmsText(filled, null), subject: null };
  }
  return {
    body: fill(template.body, values, 'bullets').trim(),
    subject: tidySubject(fill(template.subject ?? '', values, 'sentence')),
  };
}

/** Only content that begins and ends with a placeholder can come out empty in an e-mail. */
export function isEmptyMessage(template: Template, filled: FilledTemplate): boolean {
  if (template.type === 'sms') return filled.body === '';
  if (template.body === '') return true;
  const canBeEmpty = template.body.startsWith('((') && template.body.endsWith('))');
  return canBeEmpty && filled.body === '';
}

export function serialiseTemplate(template: Template): Record<string, unknown> {
  return {
    id: template.id,
    type: template.type,
    created_at: formatTimestamp(template.createdAt),
    updated_at: template.updatedAt === null ? null : formatTimestamp(template.updatedAt),
    created_by: 'simulator@notifications.service.gov.uk',
    version: template.version,
    body: template.body,
    subject: template.subject,
    name: template.name,
    personalisation: Object.fromEntries(
      template.placeholders.map((name) => [name, { required: true }]),
    ),
    postage: null,
    letter_contact_block: null,
  };
}

/** @throws NotifyError when a value is missing. */
export function previewTemplate(
  template: Template,
  personalisation: Personalisation,
): Record<string, unknown> {
  const filled = fillTemplate(template, personalisation);
  return {
    id: template.id,
    type: template.type,
    version: template.version,
    body: filled.body,
    html: template.type === 'email' ? markdownToHtml(filled.body) : null,
    subject: filled.subject,
    postage: null,
  };
}
