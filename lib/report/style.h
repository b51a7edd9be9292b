#pragma once

namespace ranvier::report {

// The report's whole style sheet. Colours keep a contrast of 4.5 : 1 for text
// in light and dark; the accent (driven neurons) differs from ink in hue and
// in lightness, so that it survives colour blindness and print.
inline constexpr char kStyle[] = R"css(
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1c2430; --soft: #5a6675;
  --line: #d9dee5; --mark: #2f6db5; --accent: #d9541e; --shade: #d9541e14;
  --warn: #8a5300; --warn-page: #fff3d6; }
@media (prefers-color-scheme: dark) { :root {
  --page: #12161c; --card: #1a2029; --ink: #e4e9f0; --soft: #9aa7b6;
  --line: #2f3845; --mark: #6fb0f2; --accent: #ff9a5c; --shade: #ff9a5c17;
  --warn: #ffd27a; --warn-page: #3a2d10; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans",
  sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 16px; margin: 0 0 10px; }
p { margin: 0 0 8px; }
.sub, .note { color: var(--soft); }
.note { font-size: 13px; margin: 8px 0 0; }
.warn { background: var(--warn-page); color: var(--warn); border-radius: 8px;
  padding: 10px 14px; margin: 14px 0 0; }
.figures { display: grid; gap: 12px; margin: 20px 0 0;
  grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.figures div, section { background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
.figures div { padding: 12px 16px; }
.figures b { display: block; font-size: 22px; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: 13px; }
section { padding: 18px 20px; margin: 16px 0 0; min-width: 0; }
.pair { display: grid; gap: 0 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
ul { margin: 0 0 12px; padding-left: 20px; }
table { border-collapse: collapse; width: 100%; }
.wide { overflow-x: auto; }
th, td { text-align: left; padding: 5px 12px 5px 0; vertical-align: top;
  border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
tr:last-child > * { border-bottom: 0; }
th { color: var(--soft); font-weight: 500; }
.rows th { width: 45%; }
.ranks th, .ranks td { overflow-wrap: normal; white-space: nowrap; }
.ranks .group { color: var(--ink); font-weight: 600; padding-top: 14px; }
.num { text-align: right; font-variant-numeric: tabular-nums; }
.share { width: 34%; padding-right: 0; }
.share i { display: block; height: 10px; margin-top: 7px; border-radius: 3px;
  background: var(--mark); min-width: 1px; }
.share i.driven, .key.driven { background: var(--accent); }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px;
  background: var(--mark); margin: 0 5px 0 0; }
.key.driven { margin-left: 14px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font-size: 12px;
  font-variant-numeric: tabular-nums; }
svg .title { fill: var(--ink); }
.mid { text-anchor: middle; } .end { text-anchor: end; }
.axis, .grid { stroke: var(--soft); fill: none; }
.grid { stroke: var(--line); }
.spike { stroke: var(--mark); fill: none; stroke-width: 1.4; }
.spike.driven { stroke: var(--accent); }
.cell { stroke: var(--mark); fill: none; }
.d0 { opacity: .16; } .d1 { opacity: .3; } .d2 { opacity: .45; }
.d3 { opacity: .62; } .d4 { opacity: .8; }
.window { fill: var(--shade); }
.area { fill: var(--mark); opacity: .35; }
.line { stroke: var(--mark); fill: none; stroke-width: 1.6;
  stroke-linejoin: round; }
.bar { fill: var(--mark); } .bar.driven { fill: var(--accent); }
.whisker { stroke: var(--ink); fill: none; }
footer { color: var(--soft); font-size: 13px; margin-top: 20px; }
@media print { body { background: none; } section { break-inside: avoid; } }
)css";

}  // namespace ranvier::report
