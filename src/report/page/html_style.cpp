#include "macfit/report/page/html.hpp"

namespace macfit::report::html {
namespace {

// Contrasts of text against its ground are 4.5:1 or more, of areas and lines 3:1, in both themes.
constexpr std::string_view style = R"css(
:root{color-scheme:light dark;
--ground:#fff;--text:#1b1f24;--soft:#57606a;--line:#8c959f;--pale:#d8dee4;--card:#f6f8fa;
--link:#0a53b8;--good:#116329;--warn:#7d4e00;--bad:#a8201a;
--weights:#2f6fb3;--cache:#a85b00;--activations:#6b4fb0;--overhead:#3d6b4f;--over:#a8201a;--heat:47,111,179}
@media screen and (prefers-color-scheme:dark){:root{
--ground:#15181c;--text:#e6e9ec;--soft:#a8b1bb;--line:#7b8591;--pale:#343b44;--card:#1d2228;
--link:#7ab7ff;--good:#6fd08c;--warn:#f0b849;--bad:#ff8f85;
--weights:#6aa9ea;--cache:#eba04a;--activations:#b59df0;--overhead:#7fc79c;--over:#ff8f85;--heat:106,169,234}}
*{box-sizing:border-box}
html{background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif;
-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem 1.25rem 3rem;max-width:100rem;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 .4rem}
h2{font-size:1.2rem;margin:2.4rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--pale)}
h3{font-size:1rem;margin:1.2rem 0 .2rem}
p,ul,dl,figure{margin:.4rem 0 .8rem}
section>p,section>ul>li,.lead{max-width:46rem}
ul{padding-left:1.2rem}
li{margin:.25rem 0}
.lead{font-size:1.15rem}
.soft,figcaption,footer,small,caption{color:var(--soft)}
small{display:block;font-size:.85rem;line-height:1.35}
a{color:var(--link)}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.3rem .6rem}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.badge{display:inline-block;border:1.5px solid;border-radius:1rem;padding:0 .6rem;font-weight:600}
td .badge{white-space:nowrap}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;
margin:1.2rem 0}
.facts div{background:var(--card);border:1px solid var(--pale);border-radius:.4rem;
padding:.5rem .75rem}
dt{color:var(--soft);font-size:.85rem}
dd{margin:0}
.facts dd{font-size:1.15rem;font-weight:600;line-height:1.3}
.facts small{font-weight:400}
pre{background:var(--card);border:1px solid var(--pale);border-radius:.4rem;padding:.5rem .75rem;
margin:.3rem 0 .9rem;white-space:pre-wrap;font:.9rem/1.45 ui-monospace,Menlo,Consolas,monospace;
-webkit-user-select:all;user-select:all}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;min-width:min(100%,58rem);font-size:.92rem;font-variant-numeric:tabular-nums;
overflow-wrap:normal}
caption{text-align:left;padding:.2rem 0 .3rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;
border-bottom:1px solid var(--pale)}
thead th{color:var(--soft);font-weight:600;vertical-align:bottom;border-color:var(--line)}
tbody th{font-weight:600}
.number{text-align:right;white-space:nowrap}
.whole{white-space:nowrap}
.words td,.words th{overflow-wrap:break-word}
.words td:last-child{overflow-wrap:anywhere}
tbody th{min-width:8.5rem}td:last-child:not(.number){min-width:11rem}
.chosen{font-weight:600}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem;
color:var(--soft)}
.legend svg{margin-right:.4rem;vertical-align:-.05em}
.plain{list-style:none;padding:0}
.drawing{display:block;overflow:visible}
.patterns{position:absolute}
.drawing text{font:12.5px system-ui,sans-serif;fill:var(--text);paint-order:stroke;
stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
.drawing text.quiet{fill:var(--soft)}
.drawing text.inside{fill:var(--ground);stroke:none;font-weight:600}
.weights{fill:var(--weights);--ink:var(--weights)}
rect.cache{fill:url(#fill-cache)}
rect.activations{fill:url(#fill-activations)}
rect.overhead{fill:url(#fill-overhead)}
rect.over{fill:url(#fill-over)}
.cache{--ink:var(--cache)}.activations{--ink:var(--activations)}
.overhead{--ink:var(--overhead)}.over{--ink:var(--over)}
rect.cache,rect.activations,rect.overhead,rect.over{stroke:var(--ink);stroke-width:1}
rect.ground{fill:var(--ink);fill-opacity:.3;stroke:none}
.stroke{fill:none;stroke:var(--ink);stroke-width:2}
.room{fill:none;stroke:var(--line)}
.even{fill:var(--weights)}.odd{fill:var(--overhead)}
.limit{stroke:var(--text);stroke-width:2}
.bound{stroke:var(--text);stroke-width:1.5;stroke-dasharray:5 3}
.comfort{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:1.5 3}
.axis{stroke:var(--line)}.grid{stroke:var(--pale)}
path.demand{fill:none;stroke:var(--weights);stroke-width:2.5;vector-effect:non-scaling-stroke}
path.second,path.third{fill:none;stroke:var(--text);stroke-width:2;
vector-effect:non-scaling-stroke}
path.second{stroke-dasharray:7 4}path.third{stroke:var(--soft);stroke-dasharray:1.5 4}
line.range{stroke:var(--weights);stroke-width:2}
line.stem{stroke:var(--pale);stroke-width:1}
circle{fill:var(--weights);stroke:var(--ground);stroke-width:1.5}
circle.hollow{fill:var(--ground);stroke:var(--weights);stroke-width:2}
.meter{margin-right:.5rem;vertical-align:0}
.heat td,.heat th{padding:.3rem .6rem;border:1px solid var(--ground)}
.heat td{-webkit-print-color-adjust:exact;print-color-adjust:exact;background:var(--card)}
.heat .heat0{background:rgba(var(--heat),.05)}.heat .heat1{background:rgba(var(--heat),.14)}
.heat .heat2{background:rgba(var(--heat),.23)}.heat .heat3{background:rgba(var(--heat),.32)}
.heat .heat4{background:rgba(var(--heat),.41)}
.heat .unfit{background:none;color:var(--soft)}
.heat .tight{border-left:2px dashed var(--warn)}.heat .full{border-left:3px solid var(--bad)}
footer{margin-top:3rem;font-size:.85rem}
@media (max-width:34rem){body{padding:1rem .9rem 2rem}h1{font-size:1.4rem}}
@media print{html{font-size:11pt}body{max-width:none;padding:0}.skip{display:none}
.scroll{overflow:visible}table{font-size:8pt}.number{white-space:normal}
th,td{padding-right:.5rem}tbody th{min-width:6.5rem}td:last-child:not(.number){min-width:6rem}
h2,h3,caption,thead{break-after:avoid}svg,tr,pre,.facts div{break-inside:avoid}a{color:inherit}
table:not(:has(tbody tr:nth-child(9))){break-inside:avoid}
p:has(+.scroll){break-after:avoid}}
)css";

// The test of this file says what it has to be when the style changes.
constexpr std::string_view hash = "sha256-ff3XOsaQOVY6ARph3tYnHMlCF08ol58GU0k4vNPWd/k=";

}  // namespace

std::string_view style_text() noexcept { return style; }
std::string_view style_hash() noexcept { return hash; }

}  // namespace macfit::report::html
