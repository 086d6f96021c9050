/** The code that runs when a page takes a string for markup or code. */
const run = 'top.hostileRan=1';

const markup = [
  `<script>${run}</script>`,
  `<ScRiPt>${run}</sCrIpT>`,
  `<script src=//127.0.0.1:9/x.js></script>`,
  `<script type=module>${run}</script>`,
  `</script><script>${run}</script>`,
  `<img src=x onerror=${run}>`,
  `<img src=x onerror="${run}">`,
  `"><img src=x onerror=${run}>`,
  `'><img src=x onerror=${run}>`,
  `\`><img src=x onerror=${run}>`,
  `<image src=x onerror=${run}>`,
  `<svg onload=${run}>`,
  `<svg><script>${run}</script></svg>`,
  `<svg><animate onbegin=${run} attributeName=x dur=1s>`,
  `<svg><set attributeName=href to=javascript:${run}>`,
  `<svg><a xlink:href="javascript:${run}"><text y=20>press</text></a></svg>`,
  `<svg><foreignObject><iframe srcdoc="&lt;script&gt;${run}&lt;/script&gt;"></iframe></foreignObject></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id=x xmlns='http://www.w3.org/2000/svg'><image href=1 onerror=${run} /></svg>#x">`,
  `<iframe srcdoc="<script>${run}</script>"></iframe>`,
  `<iframe src="javascript:${run}"></iframe>`,
  `<iframe src=data:text/html,<script>${run}</script>>`,
  `<object data="javascript:${run}">`,
  `<embed src="javascript:${run}">`,
  `<video><source onerror=${run}></video>`,
  `<audio src=x onerror=${run}>`,
  `<details open ontoggle=${run}>`,
  `<body onload=${run}>`,
  `<input autofocus onfocus=${run}>`,
  `<select autofocus onfocus=${run}>`,
  `<textarea autofocus onfocus=${run}>`,
  `<marquee onstart=${run}>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${run}>`,
  `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
  `<style>@import 'http://127.0.0.1:9/x.css';</style>`,
  `<style>*{display:none!important}</style>`,
  `</style><style>body{visibility:hidden}</style>`,
  `<link rel=stylesheet href=//127.0.0.1:9/x.css>`,
  `<base href=//127.0.0.1:9/>`,
  `<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/">`,
  `<form action=//127.0.0.1:9/><button>Save the policy</button></form>`,
  `<a href="javascript:${run}">press</a>`,
  `<div style="position:fixed;inset:0;background:red">gone</div>`,
  `<dialog open>Session over <input></dialog>`,
  `<template><script>${run}</script></template>`,
  `<!--><script>${run}</script>-->`,
  `<![CDATA[<script>${run}</script>]]>`,
  `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`,
  `</title><script>${run}</script>`,
  `</textarea><script>${run}</script>`,
  `</pre></code></section></main><h1>Not yours</h1>`,
  `&lt;script&gt;${run}&lt;/script&gt;`,
  `&#60;script&#62;${run}&#60;/script&#62;`,
  `<scr<script>ipt>${run}</scr</script>ipt>`,
  `<x onclick=${run} tabindex=0>press</x>`,
  `" onmouseover="${run}" x="`,
  `' onfocus='${run}' autofocus='`,
  `<portal src=//127.0.0.1:9>`,
  `<img srcset=x onerror=${run}>`,
  `<plaintext>`,
  `<!DOCTYPE html><html><head></head><body>`,
];

const addresses = [
  `javascript:${run}`,
  `JaVaScRiPt:${run}`,
  `java\tscript:${run}`,
  `java\nscript:${run}`,
  ` javascript:${run}`,
  `javascript://%0a${run}`,
  `data:text/html,<script>${run}</script>`,
  `data:text/html;base64,PHNjcmlwdD50b3AuaG9zdGlsZVJhbj0xPC9zY3JpcHQ+`,
  `vbscript:${run}`,
  'blob:http://127.0.0.1/x',
  'file:///etc/passwd',
  '//127.0.0.1:9/x',
  '/\\127.0.0.1:9/x',
  '\\\\127.0.0.1\\share',
  'http://user:password@127.0.0.1:9/',
  'http://127.0.0.1:9/?next=javascript:1',
  '/login?next=//127.0.0.1:9',
  '../../../../etc/passwd',
  '..%2f..%2f..%2fetc%2fpasswd',
  '%00',
  '%ff%fe',
  '%E0%A4%A',
  '?function=x&state=y#z',
  '#main',
  '/./../functions',
];

const code = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
  '{"__proto__":{"isAdmin":true}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  '{{7*7}}',
  `{{constructor.constructor('${run}')()}}`,
  `\${${run}}`,
  `<%= ${run} %>`,
  `#{${run}}`,
  `{%raw%}{{x}}{%endraw%}`,
  `';${run};//`,
  `";${run};//`,
  `\`;${run};//`,
  `\\";${run};//`,
  `*/${run}/*`,
  `});${run};({`,
  `expression(${run})`,
  `url(javascript:${run})`,
  'color:red;background:url(//127.0.0.1:9/)',
  '}*{display:none}',
  "'; DROP TABLE invocations; --",
  "' OR '1'='1",
  '" OR ""="',
  'x* NEAR y AND (',
  '$(reboot)',
  '`reboot`',
  '; reboot',
  '| reboot',
  '%s%s%s%n',
  '%d%x%p',
  'null',
  'undefined',
  'NaN',
  '-0',
  '1e999',
  '9007199254740993',
  'true',
  '[object Object]',
  'function(){}',
  '{"unclosed":',
  '[[[[[[[[[[',
  '{"a":{"a":{"a":{"a":{}}}}}',
  'on error resume next',
];

const directions = [
  '\u202eevil\u202c exe.txt',
  'invoice\u202efdp.exe',
  '\u202e\u202e\u202e\u202e\u202e never closed',
  '\u2067right to left\u2069',
  '\u2066\u2067\u2068 isolates that are never closed',
  '\u202a\u202b\u202d embeddings that are never closed',
  '\u200f\u200e\u061c marks',
  'אבגדהוזחט 12345 (ימין)',
  'مرحبا بالعالم 12345 (يمين)',
  `\u202e<script>${run}</script>`,
];

const invisible = [
  '\u200b\u200b\u200b\u200b',
  'a\u200bb\u200cc\u200dd\u2060e\ufeff',
  '\u00ad'.repeat(200),
  '\u2028two\u2029lines',
  '\u3164\u3164\u115f\u1160',
  '\u2800\u2800\u2800',
  '\u{e0041}\u{e0042}\u{e007f}tags',
  '\u0000nul\u0000',
  '\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008',
  '\u000b\u000c\u000e\u000f',
  '\u007f\u0080\u0085\u009b31mC1',
  '\ufffe\uffff',
  '\ud800 alone',
  'alone \udc00',
  '\t\t\t\t\t\t\t\t',
  '\r\nSet-Cookie: sequent_session=x\r\n\r\n',
  '\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n',
  '   ',
  '\u00a0'.repeat(2_000),
];

const terminals = [
  '\u001b[31mred\u001b[0m',
  '\u001b[2J\u001b[H cleared',
  '\u001b]0;title\u0007',
  '\u001b]8;;http://127.0.0.1:9\u0007press\u001b]8;;\u0007',
  '\u001b[?1049h',
  '\u001b[1000D\u001b[1A up',
  '\u001bPq#0;2;0;0;0\u001b\\',
  '\u001b]52;c;cmVib290\u0007',
  'over\rwritten',
  'back\b\b\b\bspace',
];

const floods = [
  'a'.repeat(10_000),
  'W'.repeat(10_000),
  '.'.repeat(10_000),
  '/'.repeat(10_000),
  '-'.repeat(10_000),
  '\u6f22'.repeat(10_000),
  '\ufdfd'.repeat(1_000),
  '\u{12031}'.repeat(1_000),
  `Z${'\u0353\u0301\u0337\u0489'.repeat(500)}algo`,
  `Ź${'\u030d'.repeat(1_000)}`,
  '\u0e47'.repeat(1_000),
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}'.repeat(300),
  '\u{1f1e6}'.repeat(1_001),
  '\u{1f44d}\u{1f3ff}'.repeat(500),
  '\ufe0f'.repeat(1_000),
  '<'.repeat(5_000),
  '&'.repeat(5_000),
  '"'.repeat(5_000),
  '\\'.repeat(5_000),
  '{"a":'.repeat(2_000),
  '['.repeat(4_000) + ']'.repeat(4_000),
  `https://127.0.0.1/${'x'.repeat(4_000)}`,
  `${'word '.repeat(2_000)}`,
  `${'\n'.repeat(2_000)}end`,
  '\u0600'.repeat(500),
  `data:image/png;base64,${'A'.repeat(8_000)}`,
  '\u{20000}'.repeat(2_000),
  '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}'.repeat(200),
];

/** Strings that try to run code, to hide or reorder text, or to break the layout of a page. All are different. */
export const hostileStrings: readonly string[] = [...markup, ...addresses, ...code, ...directions, ...invisible, ...terminals, ...floods];

/** A script that runs in the page and lists the harm that a string has done: code that ran, foreign elements, reordered text, a broken layout. */
export const harmDone = `(() => {
  const harm = [];
  if (window.hostileRan !== undefined) harm.push('a script ran');
  if (Object.prototype.isAdmin !== undefined) harm.push('the prototype was changed');
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) {
    const wide = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
    harm.push('wider than the window: ' + scrollWidth + '; ' + wide.slice(0, 4).map((one) => one.tagName + '.' + one.getAttribute('class')).join(', '));
  }
  const foreign = 'script, iframe, object, embed, img, image, video, audio, base, link, meta, style, template, marquee, portal, noscript, foreignObject, animate, set';
  for (const one of document.querySelectorAll('#page :is(' + foreign + ')')) harm.push('foreign element ' + one.tagName);
  for (const one of document.querySelectorAll('#page *')) {
    for (const { name, value } of one.attributes) {
      if (name.startsWith('on')) harm.push('a handler: ' + name);
      if ((name === 'href' || name === 'src' || name === 'action') && new URL(value, location.href).origin !== location.origin) harm.push('leads away: ' + value.slice(0, 80));
    }
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (/(?![\\t\\n])[\\p{Cc}\\p{Bidi_Control}\\p{Zl}\\p{Zp}]/u.test(data)) harm.push('unescaped in ' + parentElement?.tagName + ': ' + JSON.stringify(data.slice(0, 80)));
  }
  const header = document.querySelector('header');
  const { top, height } = header.getBoundingClientRect();
  if (top !== 0 || height > 110) harm.push('the header moved: ' + top + ', ' + height);
  if (document.querySelector('dialog[open]') === null && !header.contains(document.elementFromPoint(20, 20))) harm.push('something covers the header');
  return harm;
})()`;
