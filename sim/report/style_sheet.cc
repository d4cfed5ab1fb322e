#include "report/style_sheet.h"

namespace routesim {

// On the fills of segments only the ink with the greater contrast is used: white on blue, black on
// all others.  Dark colours apply to screens alone, so that a print is never white on black.  Rows
// of tables are whole pixels high: else the background of a header cell, which stays where it is
// while its table scrolls, may cover the line above it.
const std::string_view kStyleSheet = R"css(
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #17212b; --muted: #55606c; --line: #d5dae0; --panel: #f5f7f9;
  --tint: #d9e8f5; --edge: #5f6b78; --accent: #0072b2; --policy-0: #0072b2; --policy-1: #d55e00;
  --warn-line: #d55e00; --warn-paper: #fff3ea; --shade: #0002; --better: #0072b2; --worse: #b84f00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12171d; --ink: #e7ebef; --muted: #a5afba; --line: #323c47; --panel: #1a2129;
    --tint: #1d3c56; --edge: #8d99a6; --accent: #56b4e9; --policy-0: #56b4e9; --policy-1: #e69f00;
    --warn-line: #e69f00; --warn-paper: #33230f; --shade: #fff2; --better: #56b4e9;
    --worse: #e69f00;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 68rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1 {
  margin: .25rem 0 1rem; max-width: 50rem; font-size: clamp(1.45rem, 1rem + 2.1vw, 2.15rem);
  line-height: 1.22; letter-spacing: -.012em; text-wrap: balance;
}
h2 { margin: 3rem 0 .75rem; padding-top: .75rem; border-top: 2px solid var(--ink);
  font-size: 1.3rem; line-height: 1.3; }
h3 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
p, li, dd { max-width: 46rem; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.kicker, .muted, figcaption, .note { color: var(--muted); }
.kicker { margin: 0; font-size: .9rem; }
.question { margin: 0 0 .5rem; font-size: 1.1rem; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: 0; padding: 0;
  list-style: none; color: var(--muted); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1.25rem 0 0; padding: 0;
  list-style: none; font-size: .9rem; }
.note, figcaption { font-size: .9rem; }
.warning { margin: 1rem 0; padding: .6rem 1rem; border-left: 5px solid var(--warn-line);
  background: var(--warn-paper); }
.caveats { margin: 1rem 0; padding: .7rem 1rem; border: 2px solid var(--warn-line);
  background: var(--warn-paper); }
.caveats p, .caveats ul { margin: 0; } .caveats ul { padding-left: 1.2rem; }
.caveats li { max-width: none; }
.verdicts { margin: 0 0 1rem; padding: 0; list-style: none; }
figure { margin: 1.5rem 0 0; }
figcaption { margin-top: .5rem; max-width: 46rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 0 2.5rem; align-items: start; }
.grid > * { min-width: 0; margin-top: 1rem; }
.grid > figure > :first-child { margin-top: 0; }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem;
  margin: .9rem 0 .25rem; max-width: none; }
.head > * { min-width: 0; overflow-wrap: anywhere; }
.head strong { font-size: 1.05rem; }
.stacked { flex-direction: column; }
.percentiles { display: flex; flex-wrap: wrap; gap: 0 1rem; font-size: .95rem; }
svg { display: block; overflow: visible; max-width: 100%; }
svg text { fill: var(--ink); font-size: 13px; }
.track { fill: var(--panel); stroke: var(--line); }
.segment { stroke: var(--paper); stroke-width: 2; }
.key { text-anchor: middle; font-weight: 700; }
.fill-1 { fill: #0072b2; background: #0072b2; } .fill-2 { fill: #e69f00; background: #e69f00; }
.fill-3 { fill: #009e73; background: #009e73; } .fill-4 { fill: #56b4e9; background: #56b4e9; }
.fill-5 { fill: #d55e00; background: #d55e00; } .fill-6 { fill: #cc79a7; background: #cc79a7; }
.fill-7 { fill: #f0e442; background: #f0e442; } .fill-8 { fill: #b4b4b4; background: #b4b4b4; }
svg text.key { fill: #000; } svg text.ink-1 { fill: #fff; }
.keyed { display: block; padding-left: 2.1rem; }
.swatch { display: inline-block; width: 1.5rem; margin: 0 .6rem 0 -2.1rem; padding: 0 .3rem;
  border: 1px solid var(--edge); border-radius: 3px; color: #000; font-size: .8rem;
  font-weight: 700; line-height: 1.35; text-align: center; }
.swatch.fill-1 { color: #fff; }
.difference { margin-top: 1rem; }
line.grid { stroke: var(--line); }
line.zero { stroke: var(--ink); stroke-width: 2; }
line.stem { stroke: var(--tint); stroke-width: 10; }
line.interval { stroke: var(--accent); stroke-width: 3; }
path.dot { fill: var(--accent); stroke: var(--paper); stroke-width: 1.5; }
svg .tick { fill: var(--muted); font-size: 12px; text-anchor: middle; }
svg .tick.first { text-anchor: start; }
svg .tick.last { text-anchor: end; }
svg .less { text-anchor: end; } svg .less, svg .more { fill: var(--muted); font-size: 12px; }
line.range { stroke-width: 2.5; } line.range.faint { stroke-width: 4; opacity: .4; }
path.point { stroke: var(--paper); stroke-width: 1.5; }
line.policy-0 { stroke: var(--policy-0); } line.policy-1 { stroke: var(--policy-1); }
path.policy-0, rect.policy-0 { fill: var(--policy-0); }
path.policy-1, rect.policy-1 { fill: var(--policy-1); }
line.better { stroke: var(--better); } path.better { fill: var(--better); }
line.worse { stroke: var(--worse); } path.worse { fill: var(--worse); }
line.open { stroke: var(--muted); } path.open { fill: var(--muted); }
.verdict { font-weight: 600; } .verdict.better { color: var(--better); }
.verdict.worse { color: var(--worse); } .verdict.open { color: var(--muted); font-weight: 400; }
line.halo { stroke: var(--paper); stroke-width: 6; }
line.whisker { stroke: var(--ink); stroke-width: 2; }
.fill-9 { fill: var(--panel); stroke: var(--edge); stroke-width: 1.5; stroke-dasharray: 5 4; }
rect.before { fill: var(--edge); } line.limit { stroke: var(--ink); stroke-width: 3; }
.change { display: grid; grid-template: "what much picture verdict" / 8.5rem 12rem minmax(8rem, 1fr)
  9rem; gap: 0 1rem; align-items: center; font-size: .95rem; }
.what { grid-area: what; } .much { grid-area: much; } .change > svg { grid-area: picture; }
.change > .verdict { grid-area: verdict; }
.mark-0 { color: var(--policy-0); } .mark-1 { color: var(--policy-1); }
.scroll { margin: 1rem 0; overflow-x: auto;
  background:
    linear-gradient(to left, var(--paper) 2rem, transparent 4rem) right / 4rem 100% no-repeat local,
    linear-gradient(to left, var(--shade), transparent) right / 1rem 100% no-repeat scroll; }
table { width: 100%; border-collapse: separate; border-spacing: 0; font-size: .92rem;
  line-height: 22px; overflow-wrap: break-word; }
caption { padding-bottom: .35rem; font-weight: 600; text-align: left; }
th, td { padding: 5px .5rem; border-bottom: 1px solid var(--line); vertical-align: baseline; }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-bottom: 2px solid var(--edge); color: var(--muted); font-weight: 600;
  text-align: right; vertical-align: bottom; }
tbody th { position: sticky; left: 0; min-width: 8rem; background: var(--paper); font-weight: 400;
  text-align: left; }
thead th:first-child { text-align: left; }
td { text-align: right; white-space: nowrap; }
td .less-digits { color: var(--muted); font-size: .82em; line-height: 1; }
.group th, .group td { border-top: 1px solid var(--edge); font-weight: 600; }
.member th { padding-left: 1.1rem; }
.member th, .member td { border-bottom-style: dotted; }
.total th, .total td { border-top: 2px solid var(--ink); border-bottom: 0; font-weight: 700; }
.share { display: block; min-width: 4.5rem; padding: 0 .3rem;
  background: linear-gradient(var(--tint), var(--tint)) 0 0 / var(--share) 100% no-repeat; }
dl { display: grid; grid-template-columns: fit-content(18rem) minmax(0, 1fr);
  gap: .45rem 1.25rem; margin: 1rem 0; }
dt { min-width: 0; font-weight: 600; overflow-wrap: anywhere; } dd { margin: 0; }
li + li { margin-top: .3rem; }
.facts li, nav li { margin: 0; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
@media screen and (max-width: 48rem) {
  .change { grid-template: "what verdict" "much much" "picture picture" / 1fr auto; }
  .change { margin-bottom: .5rem; } .much { color: var(--muted); }
}
@media (max-width: 34rem) {
  body { padding: 1.25rem 1rem 2rem; }
  dl { display: block; } dd { margin-bottom: .7rem; }
}
@media print {
  @page { margin: 16mm 14mm; }
  html { font-size: 75%; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  tbody th { position: static; background: none; }
  .scroll { overflow: visible; background: none; break-inside: avoid; }
  table { font-size: 8pt; } td { white-space: normal; } th, td { padding: 3px .3rem; }
  figure, tr, .note, .warning, .caveats, dl > * { break-inside: avoid; }
  h2, h3, .note, .head { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace routesim
