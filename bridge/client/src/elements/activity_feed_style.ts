// What an activity feed looks like.
export const css = `
:host([scroll]) .scroll { overflow-y: auto; max-block-size: var(--pg-live-feed-height, 480px); }
.scroll { position: relative; background: var(--_surface); border: 1px solid var(--_line); border-radius: var(--_radius); }
.top, .edge { block-size: 1px; display: block; overflow-anchor: none; }
.edge:focus-visible { outline: none; }
.feed { display: flow-root; }
article { display: flex; gap: 12px; align-items: flex-start; padding: 10px 14px; border-block-end: 1px solid var(--_line); content-visibility: auto; contain-intrinsic-size: auto 62px; }
article:focus-visible { outline-offset: -2px; }
article.draft { font-style: italic; }
.what { flex: 1; min-inline-size: 0; } .what p { margin: 0; overflow-wrap: anywhere; } time { font-size: 12px; }
.pill { position: sticky; inset-block-start: 8px; z-index: 1; block-size: 0; display: grid; justify-items: center; overflow-anchor: none; }
.fresh-count { background: var(--_accent); color: var(--_on-accent); border-color: transparent; border-radius: 999px; }
.more { margin: 10px auto; display: block; }
.end { justify-content: center; }
.line, .chips { display: flex; gap: 6px; flex-wrap: wrap; align-items: center; } .line { padding-block-end: 8px; }
.chips button { border-radius: 999px; } .chips button[aria-pressed=true] { background: var(--_accent); color: var(--_on-accent); }
.unread { color: var(--_on-accent); background: var(--_accent); border-radius: 999px; padding: 1px 8px; font-size: 12px; }
`;
