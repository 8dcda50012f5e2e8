// HTML that our own server sent becomes nodes, here and nowhere else: `tocsin` is the one policy of
// Trusted Types that these pages allow. Nothing in what comes of it runs: a parsed document and a
// template are inert, and the policy for content refuses handlers in attributes.
const policy = globalThis.trustedTypes?.createPolicy('tocsin', { createHTML: (html) => html });

function trusted(html) {
  return policy === undefined ? html : policy.createHTML(html);
}

/** A whole page, to take parts of. */
export function parsePage(html) {
  return new DOMParser().parseFromString(trusted(html), 'text/html');
}

/** The nodes of a part of a page. */
export function parsePart(html) {
  const template = document.createElement('template');
  template.innerHTML = trusted(html);
  return template.content;
}
