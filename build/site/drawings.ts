import { renderMermaidSVG } from 'beautiful-mermaid';

/** The colours of the theme of VitePress, so that a drawing follows the switch between light and dark. */
const colours = {
  bg: 'var(--vp-c-bg)',
  fg: 'var(--vp-c-text-1)',
  line: 'var(--vp-c-text-3)',
  muted: 'var(--vp-c-text-2)',
  accent: 'var(--vp-c-brand-1)',
  surface: 'var(--vp-c-bg-soft)',
  border: 'var(--vp-c-text-3)',
  font: 'system-ui',
  transparent: true,
  padding: 8,
  nodeSpacing: 16,
  layerSpacing: 24,
};

/** A wide drawing shrinks to this width, at which its texts are readable, and scrolls where the page is narrower. */
const READABLE_WIDTH = 860;

/**
 * Draws the text of a fence `mermaid` as an element of a page. `label`: a description of the drawing for screen readers. Throws for a text that
 * is no drawing, so that the site is not built with an empty picture.
 *
 * Vue ignores a style in a template, so the drawing is set as text (`v-html`), which the rendered page contains.
 */
export function drawingOf(text: string, label: string): string {
  const svg = renderMermaidSVG(text, colours)
    .replace(/ width="([\d.]+)"([^>]*?) style="/, (_, width, rest) => {
      return ` width="${width}"${rest} style="min-width:${Math.min(Number(width), READABLE_WIDTH)}px;`;
    })
    // No font of another host.
    .replace(/@import url\('[^']*'\);/, '')
    // The library writes its rules for a whole document.
    .replace(/<style>([\s\S]*?)<\/style>/, '<style>.drawing {$1}</style>');
  return `<div class="drawing" role="img" aria-label="${attribute(label)}" v-html="${attribute(JSON.stringify(svg))}"></div>\n`;
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
