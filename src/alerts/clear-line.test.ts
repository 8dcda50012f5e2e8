import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { severityById } from '#operating-model/index.ts';
import {
  draftAlert,
  messagesOf,
  openCentre,
  releaseAlert,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { LONGEST_NAME } from './rendering.ts';
import { renderFollowing, renderRounds, textFor, type Rendering } from './texts.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => {
  await centre.close();
});

const clearLine = 'Disconnect Citrix gateways now';

it('at the highest severity a marked alert is not submitted without a line for everybody', async () => {
  const alertId = await draftAlert(centre, { marking: 'AMBER', clearLine: '' });
  const officer = centre.visit(centre.officer);
  const page = await officer.get(`/alerts/${alertId}`);
  assert.match(page.body, new RegExp(`href="/alerts/${alertId}/edit#clearLine">Say what to do`));
  assert.doesNotMatch(page.text, /Submit for approval/);
  await officer.get(`/alerts/${alertId}/edit`);
  const two = await officer.submit(
    `/alerts/${alertId}/edit`,
    { clearLine: 'a\nb' },
    { status: 422 },
  );
  assert.match(two.text, /The line that anybody may read must be one line/);
  const saved = await officer.submit(`/alerts/${alertId}/edit`, { clearLine, next: 'check' });
  assert.match(saved.text, /AMBER\. Disconnect Citrix gateways now\. See our site/);
  const waiting = await officer.submit('Submit for approval');
  assert.match(waiting.text, /in words that anybody may read: Disconnect Citrix/);
});

it('below it, and where the words may travel, none is asked for', async () => {
  for (const change of [{ severity: 'high', marking: 'AMBER' }, { marking: 'CLEAR' }] as const) {
    const alertId = await draftAlert(centre, { ...change, clearLine: '' });
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}`);
    assert.match(page.text, /Submit for approval/);
  }
});

it('every text of a marked alert has it and nothing else of the words; its mail too', async () => {
  const { dispatchId } = await releaseAlert(centre, { marking: 'AMBER', clearLine });
  const messages = await messagesOf(centre, dispatchId);
  assert.ok(new Set(messages.map(({ round }) => round)).size > 1);
  for (const { body } of messages) {
    assert.match(body, /Disconnect Citrix gateways now/);
    assert.doesNotMatch(body, /Isolate|ransomware via/);
  }
});

it('a text that may carry the words holds them, and the line is not said twice', async () => {
  const { dispatchId } = await releaseAlert(centre, { clearLine });
  for (const { body } of await messagesOf(centre, dispatchId))
    assert.doesNotMatch(body, /Disconnect Citrix/);
});

it('it fits with every name, live and rehearsed, first and following', () => {
  const { model } = centre;
  for (const severity of model.severities) {
    const rendering: Rendering = {
      model,
      severity: severityById(model, severity.id)!,
      mark: '',
      alertNumber: 4901,
      kev: null,
      origin: 'https://cyber.example',
      formatTime: String,
    };
    for (const line of ['', clearLine, 'x'.repeat(160)]) {
      const words = {
        ...wording,
        marking: 'AMBER',
        severity: severity.id,
        clearLine: line,
      } as const;
      const follows = (['update', 'correction'] as const).flatMap((kind) =>
        [true, false].map(
          (asksAgain) =>
            renderFollowing({ ...words, asksAgain }, rendering, { kind, followsAt: new Date(0) })
              .text,
        ),
      );
      const rounds = renderRounds(words, { ...rendering, severity: model.severities[0]! })
        .filter(({ channel }) => channel === 'text')
        .map(({ body }) => body);
      for (const body of [...rounds, ...follows])
        for (const prefix of ['', `${model.exercises.mark} `])
          for (const organisation of ['X', 'Northmoor', LONGEST_NAME]) {
            const text = textFor(prefix + body, { organisation, code: '4821', since: '03:02' });
            assert.equal(text.tooLong, false);
            assert.doesNotMatch(text.text, /[{}]|  |\.\./);
          }
    }
  }
});
