"""The stylesheet of the HTML reports: light and dark, for the screen and for paper. It loads nothing."""

CSS = """
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1a1f29;--soft:#5b6474;--line:#e2e6ec;--code:#f1f3f7;
--red:#b3261e;--red-bg:#fdecea;--purple:#7b3fb8;--purple-bg:#f4ecfb;--amber:#8a5a00;--amber-bg:#fdf3dc;--blue:#2458b8;
--blue-bg:#e9f0fd;--green:#1d6f42;--green-bg:#e5f5ec;--teal:#0f6a73;--teal-bg:#e2f4f5}
@media (prefers-color-scheme:dark){:root{--bg:#12151b;--card:#1b2029;--ink:#e7eaf0;--soft:#9aa4b5;--line:#2d3440;
--code:#232a35;--red:#ff9d94;--red-bg:#3a1c1b;--purple:#d3aefb;--purple-bg:#2e2140;--amber:#f2c46a;--amber-bg:#352a12;
--blue:#9cc0ff;--blue-bg:#1b2a45;--green:#86d9a8;--green-bg:#15301f;--teal:#82d6dd;--teal-bg:#123033}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"DejaVu Sans",sans-serif}
main{max-width:64rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:.2rem 0 .4rem;letter-spacing:-.02em;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.6rem 0 .8rem;display:flex;gap:.6rem;align-items:baseline;flex-wrap:wrap}
h2 small{font-weight:400;color:var(--soft);font-size:.9rem}
.kicker{color:var(--soft);font-size:.82rem;letter-spacing:.08em;text-transform:uppercase;margin:0}
.meta{color:var(--soft);font-size:.9rem;margin:0;overflow-wrap:anywhere}
code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.2rem,1fr));gap:.7rem;margin:1.6rem 0 0;padding:0;
list-style:none}
.tile{background:var(--card);border:1px solid var(--line);border-radius:.8rem;padding:.8rem 1rem;border-top:4px solid
var(--tone,var(--line))}
.tile b{display:block;font-size:1.9rem;line-height:1.1;font-variant-numeric:tabular-nums;color:var(--tone,var(--ink))}
.tile span{color:var(--soft);font-size:.88rem}
.tile.none b{color:var(--soft);font-weight:400}.tile.none{border-top-color:var(--line)}
.red{--tone:var(--red);--tint:var(--red-bg)}.purple{--tone:var(--purple);--tint:var(--purple-bg)}
.amber{--tone:var(--amber);--tint:var(--amber-bg)}.blue{--tone:var(--blue);--tint:var(--blue-bg)}
.green{--tone:var(--green);--tint:var(--green-bg)}.teal{--tone:var(--teal);--tint:var(--teal-bg)}
.verdict{margin:1.4rem 0 0;padding:.9rem 1.1rem;border-radius:.8rem;background:var(--tint);color:var(--tone);
border:1px solid var(--tone)}
.verdict p{margin:.25rem 0 0;color:var(--ink);overflow-wrap:anywhere}.verdict strong{font-size:1.02rem}
.levels{display:flex;gap:.4rem;align-items:stretch;overflow-x:auto;padding:.2rem 0 .6rem;margin:0;list-style:none}
.level{flex:1 1 12rem;min-width:11rem;background:var(--card);border:1px solid var(--line);border-radius:.8rem;
padding:.7rem .8rem}
.level h3{margin:0 0 .5rem;font-size:.8rem;color:var(--soft);font-weight:600}
.arrow{align-self:center;color:var(--soft);font-size:1.3rem}
.chip{display:block;margin:.3rem 0;padding:.25rem .55rem;border-radius:.5rem;background:var(--tint);color:var(--tone);
font-size:.84rem;overflow-wrap:anywhere;text-decoration:none;border:1px solid transparent}
a.chip:hover,a.chip:focus-visible{border-color:var(--tone)}
.more{color:var(--soft);font-size:.84rem;margin:.3rem 0 0}
.change{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--tone);border-radius:.8rem;
margin:.7rem 0;overflow:hidden}
.change>summary,.change>.head{display:flex;gap:.7rem;align-items:baseline;padding:.75rem 1rem;flex-wrap:wrap}
.change>summary{cursor:pointer;list-style:none}.change>summary::-webkit-details-marker{display:none}
.change>summary::before{content:"▸";color:var(--soft);transition:transform .15s}
.change[open]>summary::before{transform:rotate(90deg)}
.change:target{outline:3px solid var(--tone);outline-offset:2px}
.badge{background:var(--tint);color:var(--tone);border-radius:.45rem;padding:.08rem .5rem;font-weight:600;
font-size:.84rem;white-space:nowrap}
.key{font-weight:600;overflow-wrap:anywhere}
.place{margin-left:auto;color:var(--soft);overflow-wrap:anywhere}
.facts{margin:0;padding:0 1rem .7rem;color:var(--soft);font-size:.92rem;overflow-wrap:anywhere}
.facts.steps{list-style:none}
table{width:100%;border-collapse:collapse;table-layout:fixed;border-top:1px solid var(--line)}
th,td{text-align:left;vertical-align:top;padding:.45rem 1rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere;
font-weight:400}
tr:last-child>*{border-bottom:0}
thead th{color:var(--soft);font-size:.8rem}
thead th:first-child{width:34%}
td code,td pre,.diff{background:none}
td.old code{background:var(--red-bg);color:var(--red);padding:.1em .35em;border-radius:.35em}
td.new code{background:var(--green-bg);color:var(--green);padding:.1em .35em;border-radius:.35em}
.absent{color:var(--soft);font-style:italic}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
pre span{display:block;padding:0 .4em;border-radius:.2em}
pre .add{background:var(--green-bg);color:var(--green)}pre .del{background:var(--red-bg);color:var(--red)}
pre .gap{color:var(--soft)}
.notes details{background:var(--card);border:1px solid var(--line);border-radius:.8rem;padding:.6rem 1rem;
margin:.5rem 0}
.notes summary{cursor:pointer}
.notes ul{margin:.5rem 0;padding-left:1.2rem;overflow-wrap:anywhere;color:var(--soft)}
.comment{background:var(--card);border:1px solid var(--line);border-radius:.8rem;padding:.4rem 1.4rem 1rem;
margin:.8rem 0 0;overflow-wrap:anywhere}
.comment h3,.comment h4{margin:1.4rem 0 .3rem}.comment p{margin:.5rem 0}
.comment sub{color:var(--soft);font-size:.85rem;vertical-align:baseline}
.comment blockquote{margin:1rem 0;padding:.5rem 1rem;border-left:4px solid var(--tone,var(--line))}
.comment blockquote .kicker{color:var(--tone)}.comment table{margin:.8rem 0;table-layout:auto}
.comment th,.comment td{padding:.4rem .5rem;overflow-wrap:normal}
.comment pre{background:var(--code);border-radius:.5rem;padding:.5rem;margin:.4rem 0}
footer{margin-top:3rem;color:var(--soft);font-size:.82rem;overflow-wrap:anywhere;border-top:1px solid var(--line);
padding-top:1rem}
:focus-visible{outline:2px solid var(--blue);outline-offset:2px}
@media (max-width:40rem){main{padding-top:1.4rem}.comment{padding:.2rem .9rem .8rem}
.place{margin-left:0;width:100%}th,td{padding:.4rem .7rem}}
@media print{:root{--bg:#fff}main{max-width:none;padding:0}.change,.level,.tile,.verdict{break-inside:avoid}
.levels{flex-wrap:wrap;overflow:visible}body{font-size:12px;-webkit-print-color-adjust:exact;print-color-adjust:exact}}
""".strip()
