package chart

import "html/template"

// The numbers of colors, dashes and markers. No two styles below 120 are alike, because
// at least one of the three differs.
const (
	colors  = 8
	dashes  = 5
	markers = 6
)

// Style holds the CSS rules that charts need on their page. The page may use its color
// variables too, which follow the reader's light or dark mode.
const Style template.CSS = `
:root { color-scheme: light dark;
--paper: #ffffff; --ink: #1f2328; --soft: #57606a; --grid: #d8dee4; --shade: #eef1f4; --link: #0550ae; --mark: #9a3412;
--c0: #0067a8; --c1: #b84700; --c2: #00734f; --c3: #9c2f84; --c4: #7a5c00; --c5: #5a52c4; --c6: #b3261e; --c7: #4a4f55; }
@media (prefers-color-scheme: dark) { :root {
--paper: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --grid: #30363d; --shade: #1a2029; --link: #79b8ff; --mark: #ffa77a;
--c0: #58b4f0; --c1: #ff9a57; --c2: #3fcf9f; --c3: #f08fd5; --c4: #e0b83d; --c5: #aaa6ff; --c6: #ff837a; --c7: #c3c9d0; } }

.chart { max-width: 100%; height: auto; font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
.chart .paper { fill: var(--paper); }
.chart text { fill: var(--ink); }
.chart .name { font-size: 13px; font-weight: 600; }
.chart .small { font-size: 11px; fill: var(--soft); }
.chart .label { font-size: 11.5px; }
.chart .grid { stroke: var(--grid); stroke-width: 1; fill: none; }
.chart .axis { stroke: var(--soft); stroke-width: 1; fill: none; }
.chart .over { fill: var(--shade); }
.chart .ideal { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 2 4; fill: none; }
.chart .line { fill: none; stroke: var(--c); stroke-width: 1.8; stroke-linejoin: round; }
.chart .mark { fill: var(--paper); stroke: var(--c); stroke-width: 1.5; stroke-dasharray: none; }
.chart .band { fill: var(--c); fill-opacity: .16; stroke: none; }
.chart .m0 .mark, .chart .m1 .mark, .chart .m2 .mark { fill: var(--c); }
.chart .s0 { --c: var(--c0); } .chart .s1 { --c: var(--c1); } .chart .s2 { --c: var(--c2); } .chart .s3 { --c: var(--c3); }
.chart .s4 { --c: var(--c4); } .chart .s5 { --c: var(--c5); } .chart .s6 { --c: var(--c6); } .chart .s7 { --c: var(--c7); }
.chart .d1 .line { stroke-dasharray: 7 3; } .chart .d2 .line { stroke-dasharray: 2 3; }
.chart .d3 .line { stroke-dasharray: 9 3 2 3; } .chart .d4 .line { stroke-dasharray: 4 2; }
`
