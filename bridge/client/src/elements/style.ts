// Owns what all elements look like. Colours follow the color-scheme of the page; custom properties change them, and parts the
// rest. Nothing depends on colour alone.

export const shared = `
:host {
  --_text: var(--pg-live-text, light-dark(#1b2430, #e8edf2));
  --_quiet: var(--pg-live-quiet, light-dark(#545f6d, #a5b1bd));
  --_surface: var(--pg-live-surface, light-dark(#ffffff, #171c22));
  --_raised: var(--pg-live-raised, light-dark(#f1f4f7, #232a32));
  --_line: var(--pg-live-line, light-dark(#d5dce3, #37414c));
  --_accent: var(--pg-live-accent, light-dark(#1f5fbf, #8ab8ff));
  --_on-accent: var(--pg-live-on-accent, light-dark(#ffffff, #10161d));
  --_online: var(--pg-live-online, light-dark(#1a7f37, #4cc46a));
  --_away: var(--pg-live-away, light-dark(#9a5b00, #f0b449));
  --_busy: var(--pg-live-busy, light-dark(#b3261e, #ff8a80));
  --_radius: var(--pg-live-radius, 8px);
  display: block;
  color: var(--_text);
  font: var(--pg-live-font, 14px/1.45 system-ui, sans-serif);
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button {
  font: inherit; color: inherit; background: var(--_raised); border: 1px solid var(--_line); border-radius: var(--_radius);
  padding: 4px 10px; min-block-size: 28px; cursor: pointer;
}
button:hover { border-color: var(--_accent); }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 1px; }
.notice { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; padding: 10px 12px; margin: 0; color: var(--_quiet); overflow-wrap: anywhere; }
.notice.error { color: var(--_busy); }
.quiet { color: var(--_quiet); }
.hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.avatar {
  flex: none; inline-size: 32px; block-size: 32px; border-radius: 50%; display: grid; place-items: center; font-size: 12px; font-weight: 600;
  color: #fff; background: hsl(var(--_hue, 210) 45% 34%);
}
.dot { flex: none; display: inline-block; inline-size: 12px; block-size: 12px; border-radius: 50%; border: 2px solid currentColor; color: var(--_quiet); }
.dot[data-status=online] { color: var(--_online); background-image: linear-gradient(currentColor, currentColor); }
.dot[data-status=away] { color: var(--_away); background-image: linear-gradient(90deg, currentColor 50%, transparent 50%); }
.dot[data-status=busy] { color: var(--_busy); background-image: linear-gradient(transparent 35%, currentColor 35% 65%, transparent 65%); }
.dot[data-status=unknown] { border-style: dashed; }
.dot.stale { opacity: .75; } .stale:not(.dot) { border: 1px dashed var(--_quiet); }
@media (forced-colors: active) { .dot { forced-color-adjust: auto; } .avatar { border: 1px solid; } }
@media (prefers-reduced-motion: no-preference) { .fresh { animation: pg-live-fresh .8s ease-out; } }
@keyframes pg-live-fresh { from { background: color-mix(in srgb, var(--_accent) 22%, transparent); } }
`;

const sheets = new Map<string, CSSStyleSheet>();

/** A sheet that no policy of the page refuses, since it is no text in the document. */
export function sheetOf(css: string): CSSStyleSheet {
  const known = sheets.get(css) ?? new CSSStyleSheet();
  if (!sheets.has(css)) {
    known.replaceSync(css);
    sheets.set(css, known);
  }
  return known;
}
